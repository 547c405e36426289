// The calls that were written: each is found by its seq, whatever else comes and goes.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ClientCall } from '../../../lib/client/call/client-call.js';
import { WrittenCalls } from '../../../lib/client/call/call-multiplexer.js';

const sink = { next: () => {}, complete: () => {}, error: () => {} };
const holder = { remove: () => {}, waitsFor: () => ({ text: '' }) };

function callOf(seq: number): ClientCall {
  const call = new ClientCall({}, sink, holder);
  call.seq = seq;
  return call;
}

function writtenCalls(...seqs: number[]): WrittenCalls {
  const calls = new WrittenCalls();
  for (const seq of seqs) calls.add(callOf(seq));
  return calls;
}

const seqsOf = (calls: WrittenCalls) => calls.inOrder().map(({ seq }) => seq);

describe('WrittenCalls', () => {
  it('finds nothing for a seq that was never added, whatever its kind', () => {
    const calls = writtenCalls(1);
    for (const seq of [0, 2, -1, 65, 1 + 2 ** 32, 1n, 65n, 2n ** 63n, -(2n ** 63n)])
      expect(calls.get(seq)).toBeUndefined();
  });

  it('finds calls whose seqs would have the same place', () => {
    const seqs = [1, 64, 191, 2 ** 32 + 1, 2 ** 40 + 1];
    const calls = writtenCalls(...seqs);
    expect(seqs.map((seq) => calls.get(seq)?.seq)).toEqual(seqs);
  });

  it('ignores the deletion of a call it does not have', () => {
    const calls = writtenCalls(1, 65);
    calls.delete(callOf(1));
    calls.delete(callOf(129));
    expect(calls.size).toBe(2);
  });

  it('keeps a call that waits long while thousands of others come and go', () => {
    const calls = writtenCalls(1);
    for (let seq = 2; seq < 5000; seq++) {
      calls.add(callOf(seq));
      calls.delete(calls.get(seq)!);
    }
    expect(calls.size).toBe(1);
    expect(calls.get(1)?.seq).toBe(1);
  });

  it('does what a Map does when calls end in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ skip: fc.nat(300), end: fc.option(fc.nat()) }), { maxLength: 400 }), (steps) => {
        const calls = new WrittenCalls();
        const model = new Map<number, ClientCall>();
        let seq = 0;
        for (const { skip, end } of steps) {
          seq += 1 + skip;
          const call = callOf(seq);
          calls.add(call);
          model.set(seq, call);
          const ended = end === null ? undefined : [...model.values()][end % model.size];
          if (ended === undefined) continue;
          calls.delete(ended);
          model.delete(ended.seq);
          expect(calls.get(ended.seq)).toBeUndefined();
        }
        expect(calls.size).toBe(model.size);
        expect(seqsOf(calls)).toEqual([...model.keys()]);
        for (const [key, call] of model) expect(calls.get(key)).toBe(call);
      }),
    );
  });
});
