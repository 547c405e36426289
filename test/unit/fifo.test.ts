import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Fifo } from '../../lib/fifo.js';

describe('a line', () => {
  it('does what an array does', () => {
    const steps = fc.array(fc.record({ pushes: fc.nat(3_000), shifts: fc.nat(3_000) }), { maxLength: 12 });
    fc.assert(
      fc.property(steps, (all) => {
        const line = new Fifo<number>();
        const model: number[] = [];
        let next = 0;
        for (const { pushes, shifts } of all) {
          for (let count = 0; count < pushes; count++) {
            line.push(next);
            model.push(next++);
          }
          const taken = Array.from({ length: shifts }, () => line.shift());
          const expected = model.splice(0, shifts);
          expect(taken).toEqual(Array.from({ length: shifts }, (_, at) => expected[at]));
          expect(line.length).toBe(model.length);
        }
        line.clear();
        expect([line.length, line.shift()]).toEqual([0, undefined]);
      }),
      { numRuns: 30 },
    );
  });
});
