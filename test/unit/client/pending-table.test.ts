// The table of pending calls finds each call by its seq, whatever else comes and goes.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ClientCall } from '../../../lib/client/call/client-call.js';
import { PendingTable } from '../../../lib/client/call/call-multiplexer.js';

const sink = { next: () => {}, complete: () => {}, error: () => {} };
const holder = { remove: () => {}, waitsFor: () => ({ text: '' }) };

function callOf(seq: number): ClientCall {
  const call = new ClientCall({}, sink, holder);
  call.seq = seq;
  return call;
}

function tableOf(...seqs: number[]): PendingTable {
  const table = new PendingTable();
  for (const seq of seqs) table.add(callOf(seq));
  return table;
}

const seqsOf = (table: PendingTable) => table.inOrder().map(({ seq }) => seq);

describe('PendingTable', () => {
  it('finds nothing for a seq that was never added, whatever its kind', () => {
    const table = tableOf(1);
    for (const seq of [0, 2, -1, 65, 1 + 2 ** 32, 1n, 65n, 2n ** 63n, -(2n ** 63n)])
      expect(table.get(seq)).toBeUndefined();
  });

  it('finds calls whose seqs would have the same place', () => {
    const seqs = [1, 65, 129, 2 ** 32 + 1, 2 ** 40 + 1];
    const table = tableOf(...seqs);
    expect(seqs.map((seq) => table.get(seq)?.seq)).toEqual(seqs);
  });

  it('ignores the deletion of a call it does not have', () => {
    const table = tableOf(1, 65);
    table.delete(callOf(1));
    table.delete(callOf(129));
    expect(table.size).toBe(2);
  });

  it('keeps a call that waits long while thousands of others come and go', () => {
    const table = tableOf(1);
    for (let seq = 2; seq < 5000; seq++) {
      table.add(callOf(seq));
      table.delete(table.get(seq)!);
    }
    expect(table.size).toBe(1);
    expect(table.get(1)?.seq).toBe(1);
  });

  it('does what a Map does when calls end in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ skip: fc.nat(300), end: fc.option(fc.nat()) }), { maxLength: 400 }), (steps) => {
        const table = new PendingTable();
        const model = new Map<number, ClientCall>();
        let seq = 0;
        for (const { skip, end } of steps) {
          seq += 1 + skip;
          const call = callOf(seq);
          table.add(call);
          model.set(seq, call);
          const ended = end === null ? undefined : [...model.values()][end % model.size];
          if (ended === undefined) continue;
          table.delete(ended);
          model.delete(ended.seq);
          expect(table.get(ended.seq)).toBeUndefined();
        }
        expect(table.size).toBe(model.size);
        expect(seqsOf(table)).toEqual([...model.keys()]);
        for (const [key, call] of model) expect(table.get(key)).toBe(call);
      }),
    );
  });
});
