// A line that takes each thing in constant time, and gives up the places that nothing stands in.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
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

describe('the places of a line', () => {
  afterEach(() => void jest.restoreAllMocks());

  /** How many things are moved to other places meanwhile, and how often. */
  function moved(work: () => void): { readonly times: number; readonly things: number } {
    const slice = jest.spyOn(Array.prototype, 'slice');
    work();
    const lengths = slice.mock.calls.map(([first, end]) => end! - first!);
    slice.mockRestore();
    return { times: lengths.length, things: lengths.reduce((sum, length) => sum + length, 0) };
  }

  it('are left to few moves, and to none where the line is short', () => {
    const line = new Fifo<number>();
    for (let item = 0; item < 100_000; item++) line.push(item);
    const long = moved(() => {
      for (let item = 0; item < 100_000; item++) line.shift();
    });
    // Each move halves what is moved next.
    expect(long.times).toBeGreaterThan(0);
    expect(long.things).toBeLessThan(100_000);
    const short = moved(() => {
      for (let round = 0; round < 10; round++) {
        for (let item = 0; item < 100; item++) line.push(item);
        for (let item = 0; item < 100; item++) line.shift();
      }
    });
    expect(short).toEqual({ times: 0, things: 0 });
  });

  it('are given up again and again while something always waits', () => {
    const line = new Fifo<number>();
    line.push(0);
    const { times, things } = moved(() => {
      for (let item = 1; item <= 100_000; item++) {
        line.push(item);
        line.shift();
      }
    });
    expect(times).toBeGreaterThan(50);
    expect(times).toBeLessThan(200);
    expect(things).toBe(times);
    expect([line.length, line.shift(), line.length]).toEqual([1, 100_000, 0]);
  });
});
