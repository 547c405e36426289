// What servers write down of what they run, and what is read from it.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { Folder } from '../support/folder.js';
import { JournalReader, JournalWriter, Ledger, MAX_ID } from './journal.js';

describe('the journal of a server', () => {
  let folder: Folder;
  let path: string;
  beforeEach(() => {
    folder = new Folder();
    path = folder.file('a.journal');
  });
  afterEach(() => folder.destroy());

  it('is read while it is written, each number once, to the end', () => {
    const ledger = new Ledger();
    const reader = new JournalReader(path, ledger, true);
    const writer = new JournalWriter(path);
    reader.read();
    writer.note(1, false);
    writer.note(MAX_ID - 1, true);
    reader.read();
    reader.read();
    expect(ledger.count).toBe(2);
    for (let id = 100; id < 50_000; id++) writer.note(id, false);
    reader.close();
    expect(ledger.count).toBe(2 + 49_900);
    expect(ledger.duplicates).toEqual([]);
    expect([...reader.ids].slice(0, 3)).toEqual([1, MAX_ID - 1, 100]);
    expect(existsSync(path)).toBe(false);
  });

  it('keeps no numbers of a server that lives to the end', () => {
    const ledger = new Ledger();
    const reader = new JournalReader(path, ledger, false);
    new JournalWriter(path).note(1, false);
    reader.close();
    expect(reader.ids.size).toBe(0);
    expect(ledger.hasRun(1)).toBe(true);
  });
});

describe('the ledger of all servers', () => {
  it('knows what has run, far numbers too', () => {
    const ledger = new Ledger();
    ledger.ran(3, false);
    ledger.ran(40_000_000, false);
    expect([2, 3, 4, 39_999_999, 40_000_000, 90_000_000].filter((id) => ledger.hasRun(id))).toEqual([3, 40_000_000]);
  });

  it('finds what ran twice and must not, and lets run again what may', () => {
    const ledger = new Ledger();
    ledger.ran(1, false);
    ledger.ran(2, true);
    ledger.ran(2, true);
    expect(ledger.duplicates).toEqual([]);
    ledger.ran(1, false);
    expect(ledger.duplicates).toEqual([1]);
  });
});
