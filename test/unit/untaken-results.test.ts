import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { UntakenResults } from '../../lib/server/untaken-results.js';

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
