// The calls of one connection that run: which are there, in their order, whichever end first.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RunningCalls } from '../../../lib/server/call/running-calls.js';
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
