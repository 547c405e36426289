// The lines that peers cause: their levels, their texts and their lengths. How
// many there are of one reason in a second, test/e2e/peer-log tells.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { addressesOf } from '../../../lib/connection/connection-socket.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { PeerLog } from '../../../lib/nest/peer-log.js';

function start() {
  const lines: string[] = [];
  const keep = (level: string) => (text: unknown) => void lines.push(`${level}: ${String(text)}`);
  const log = new PeerLog({ log: keep('log'), warn: keep('warn'), error: keep('error') });
  return { log, lines };
}

describe('a line that a peer causes', () => {
  // The lines of one test are of one moment.
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('has the level of what happened', () => {
    const { log, lines } = start();
    log.connectionEnd(
      addressesOf({ remoteAddress: '192.0.2.1', remotePort: 5 }),
      new CmdStreamError('TLS_ERROR', 'one'),
    );
    log.error(new CmdStreamError('OVERLOADED', 'two'));
    log.failure(new CmdStreamError('JSON_LIMIT', 'three'));
    log.noEventHandler('no matching event handler');
    log.unsent(new CmdStreamError('CLOSED', 'four'), 'AddCmd');
    log.unsent(new Error('five'), 'a\nb');
    expect(lines).toEqual([
      'warn: connection of 192.0.2.1:5 ended: TLS_ERROR: one',
      'warn: OVERLOADED: two',
      'error: JSON_LIMIT: three',
      'error: no matching event handler',
      'warn: an emit() of AddCmd without a subscriber failed: CLOSED: four',
      'warn: an emit() of a\\u{a}b without a subscriber failed: ENCODE_FAILED: the codec failed: five',
    ]);
  });

  it.each([
    [511, 511],
    [512, 512],
    [513, 513],
    [100_000, 513],
  ])('is cut behind 512 characters: of %d it has %d', (length, expected) => {
    const { log, lines } = start();
    log.error(new CmdStreamError('OVERLOADED', 'x'.repeat(length)));
    const text = lines[0]!.slice('warn: OVERLOADED: '.length);
    expect(text).toHaveLength(expected);
    expect(text.endsWith('…')).toBe(length > 512);
  });

  it('is one of ten in a second, whatever the reasons, and the number of the others is written later', () => {
    const { log, lines } = start();
    for (let second = 1; second <= 3; second++) {
      for (let at = 0; at < 30; at++) log.line(() => lines.push(`line ${second}.${at}`));
      jest.advanceTimersByTime(1000);
    }
    const written = (second: number, count: number) => Array.from({ length: count }, (_, at) => `line ${second}.${at}`);
    expect(lines).toEqual([
      ...written(1, 10),
      'warn: 20 lines were left out: 10 may be written in a second',
      ...written(2, 9),
      'warn: 21 lines were left out: 10 may be written in a second',
      ...written(3, 9),
    ]);
  });

  it('that is left out counts those of its reason that it stands for', () => {
    const { log, lines } = start();
    for (let time = 0; time < 5; time++) log.error(new CmdStreamError('OVERLOADED', 'one'));
    jest.advanceTimersByTime(1000);
    for (let at = 0; at < 10; at++) log.line(() => {});
    log.error(new CmdStreamError('OVERLOADED', 'two'));
    jest.advanceTimersByTime(1000);
    log.noEventHandler('three');
    expect(lines).toEqual([
      'warn: OVERLOADED: one',
      'warn: 5 lines were left out: 10 may be written in a second',
      'error: three',
    ]);
  });

  it('is one of a moment for each reason, whichever peer causes it', () => {
    const { log, lines } = start();
    for (let time = 0; time < 3; time++) {
      log.error(new CmdStreamError('OVERLOADED', 'one'));
      log.failure(new CmdStreamError('OVERLOADED', 'two'));
      log.noEventHandler('three');
    }
    expect(lines).toEqual(['warn: OVERLOADED: one', 'error: three']);
  });
});
