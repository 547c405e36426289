// The calls of one connection that run: which are there, in their order, whichever end first.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ExtendedCall } from '../../../lib/server/call/extended-call.js';
import { NumberedCalls, RunningCalls } from '../../../lib/server/call/running-calls.js';
import type { ServerCall } from '../../../lib/server/call/server-call.js';

describe('calls that run', () => {
  it('are those that were added and not deleted, in that order, as of a Set', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 7 }), { maxLength: 60 }), (steps) => {
        const calls = Array.from({ length: 8 }, () => ({}) as ServerCall);
        const running = new RunningCalls();
        const expected = new Set<ServerCall>();
        for (const step of steps) {
          const call = calls[step]!;
          if (expected.delete(call)) running.delete(call);
          else {
            expected.add(call);
            running.add(call);
          }
          expect([running.size, ...running.all().map((each) => calls.indexOf(each))]).toEqual([
            expected.size,
            ...[...expected].map((each) => calls.indexOf(each)),
          ]);
        }
      }),
    );
  });

  it('hold on to no call that has ended, nor does one of these to others', () => {
    const [first, second, third] = [{}, {}, {}] as ServerCall[];
    const running = new RunningCalls();
    for (const call of [first!, second!, third!]) running.add(call);
    running.delete(second!);
    expect([second!.previous, second!.following]).toEqual([undefined, undefined]);
    expect([first!.following === third, third!.previous === first]).toEqual([true, true]);
  });
});

describe('calls that run and have numbers of their own', () => {
  const callOf = (seq: number): ExtendedCall => ({ seq }) as unknown as ExtendedCall;

  it('are found by these, whichever of them ends first, as in a Map', () => {
    const numbers = fc.array(fc.nat({ max: 99 }), { maxLength: 200 });
    fc.assert(
      fc.property(numbers, (steps) => {
        const running = new NumberedCalls<ExtendedCall>();
        const expected = new Map<number, ExtendedCall>();
        for (const seq of steps) {
          const known = expected.get(seq);
          if (known === undefined) {
            const call = callOf(seq);
            expected.set(seq, call);
            running.add(call);
          } else {
            expected.delete(seq);
            running.delete(known);
          }
          expect(running.get(seq)).toBe(expected.get(seq));
        }
        expect(running.all().map(({ seq }) => seq)).toEqual([...expected.keys()].toSorted((one, other) => one - other));
        for (const [seq, call] of expected) expect(running.get(seq)).toBe(call);
      }),
    );
  });

  it('may be thousands, and few again behind them', () => {
    const running = new NumberedCalls<ExtendedCall>();
    const calls = Array.from({ length: 5_000 }, (_, at) => callOf(at + 1));
    for (const call of calls) running.add(call);
    expect([running.get(4_321), running.all().length]).toEqual([calls[4_320], 5_000]);
    for (const call of calls) running.delete(call);
    expect([running.all(), running.get(4_321)]).toEqual([[], undefined]);
    running.add(calls[7]!);
    expect(running.all()).toEqual([calls[7]]);
  });

  it('hold on to no call that has ended, nor does one of these to others', () => {
    const running = new NumberedCalls<ExtendedCall>();
    const [first, second, third] = [callOf(1), callOf(17), callOf(33)];
    for (const call of [first, second, third]) running.add(call);
    running.delete(second);
    expect([second.previous, second.following]).toEqual([undefined, undefined]);
    expect(running.all()).toEqual([first, third]);
  });
});
