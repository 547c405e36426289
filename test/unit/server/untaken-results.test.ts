// Results that were sent on credit and not taken: their bytes, as nearly as the window needs it, and how they are
// counted in groups.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { UntakenResults } from '../../../lib/server/call/result-queue.js';

const WINDOW = 1024 * 1024;
/** Small Results are counted together: as much may count longer than it waits. */
const BLUR = 8 * 1024;

describe('untaken Results', () => {
  it('have room as long as they are less than the window, nearly to the byte', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 2 * WINDOW }));
    const step = fc.record({ size, times: fc.integer({ min: 1, max: 300 }), taken: fc.nat(400) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const untaken = new UntakenResults();
        const model: number[] = [];
        let bytes = 0;
        for (const { size: each, times, taken } of steps) {
          for (let n = 0; n < times && untaken.hasRoom; n++) {
            untaken.add(each);
            model.push(each);
            bytes += each;
          }
          untaken.take(taken);
          for (const gone of model.splice(0, taken)) bytes -= gone;
          const [atMost, atLeast] = [bytes < WINDOW, bytes < WINDOW - BLUR];
          expect([atMost, atLeast]).toContain(untaken.hasRoom);
        }
        untaken.take(Number.MAX_SAFE_INTEGER);
        expect(untaken.hasRoom).toBe(true);
      }),
    );
  });
});

describe('small Results', () => {
  const GROUP = 4096;
  const withRest = (untaken: UntakenResults, added: number): UntakenResults => {
    untaken.add(WINDOW - added);
    expect(untaken.hasRoom).toBe(false);
    return untaken;
  };
  const roomAfter = (untaken: UntakenResults, count: number): boolean => {
    untaken.take(count);
    return untaken.hasRoom;
  };

  it('count until the last one of their group is taken', () => {
    const untaken = new UntakenResults();
    for (let n = 0; n < 8; n++) untaken.add(100);
    withRest(untaken, 800);
    expect([roomAfter(untaken, 7), roomAfter(untaken, 1)]).toEqual([false, true]);
  });

  it('are no more in their group when that has 4 KiB', () => {
    const untaken = new UntakenResults();
    for (const bytes of [GROUP - 100, 100, 100]) untaken.add(bytes);
    withRest(untaken, GROUP + 100);
    expect([roomAfter(untaken, 1), roomAfter(untaken, 1)]).toEqual([false, true]);
  });

  it('are in no group with one of 4 KiB', () => {
    const untaken = new UntakenResults();
    for (const bytes of [100, GROUP]) untaken.add(bytes);
    withRest(untaken, GROUP + 100);
    expect(roomAfter(untaken, 1)).toBe(true);
  });

  it('are counted behind the larger ones that they came behind', () => {
    const untaken = new UntakenResults();
    for (const bytes of [GROUP, GROUP, GROUP, 100, 100]) untaken.add(bytes);
    withRest(untaken, 3 * GROUP + 200);
    expect(roomAfter(untaken, 2)).toBe(true);
    untaken.add(2 * GROUP);
    expect([untaken.hasRoom, roomAfter(untaken, 1)]).toEqual([false, true]);
  });
});
