// How samples become ratios.
import { describe, expect, it } from '@jest/globals';
import type { Key } from './contests.js';
import { median, medianSample, outcomeOf, type Sample } from './ratios.js';

function sample(different: Partial<Sample>): Sample {
  const nothing = { unitsPerSecond: 1, p50: 1, p99: 1, p999: 1, clientCpu: 1, serverCpu: 1 };
  return { ...nothing, clientHeap: 1, serverHeap: 1, ...different };
}

function speeds(...values: number[]): Sample[] {
  return values.map((unitsPerSecond) => sample({ unitsPerSecond }));
}

const speed: Key = { name: 'k', title: '', measure: 'speed', of: ['a'], against: 'b', atLeast: 2 };

describe('ratios', () => {
  it('takes the middle of an odd and the mean of the two middle ones of an even number of values', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 10])).toBe(3.5);
  });

  it('is the median of the ratios of the rounds, with the least and the most of them', () => {
    const outcome = outcomeOf(speed, { a: speeds(30, 10, 80), b: speeds(10, 10, 20) });
    expect(outcome).toEqual({ key: speed, ratio: 3, least: 1, most: 4, isMet: true });
  });

  it('misses a bound from below or from above', () => {
    const samples = { a: speeds(10), b: speeds(10) };
    expect(outcomeOf(speed, samples)?.isMet).toBe(false);
    const { atLeast: _, ...unbound } = speed;
    expect(outcomeOf(unbound, samples)?.isMet).toBeUndefined();
    const latency: Key = { ...unbound, measure: 'p50', atMost: 1.25 };
    expect(outcomeOf(latency, { a: [sample({ p50: 1.3 })], b: [sample({})] })).toMatchObject({
      ratio: 1.3,
      isMet: false,
    });
    expect(outcomeOf(latency, { a: [sample({ p50: 1.2 })], b: [sample({})] })).toMatchObject({
      ratio: 1.2,
      isMet: true,
    });
  });

  it('takes the worst of several: the slowest, and the most expensive', () => {
    const both = { ...speed, of: ['a', 'c'] };
    expect(outcomeOf(both, { a: speeds(30), b: speeds(10), c: speeds(15) })?.ratio).toBe(1.5);
    const cpu: Key = { ...both, measure: 'cpu' };
    const costs = { a: [sample({ clientCpu: 3 })], b: [sample({})], c: [sample({ serverCpu: 5 })] };
    expect(outcomeOf(cpu, costs)?.ratio).toBe(3);
  });

  it('is the largest figure itself, without an entry to compare with', () => {
    const key: Key = { name: 'k', title: '', measure: 'bytes', of: ['a'], atMost: 1023 };
    const a = [sample({ figures: { clientBytes: 900, serverBytes: 1100 } })];
    expect(outcomeOf(key, { a })).toMatchObject({ ratio: 1100, isMet: false });
  });

  it('is nothing where an entry was not measured', () => {
    expect(outcomeOf(speed, { a: speeds(1) })).toBeUndefined();
    expect(outcomeOf(speed, { a: speeds(1), b: [] })).toBeUndefined();
  });

  it('gives the median of each value, and the last heaps and figures', () => {
    const samples = [
      sample({ p50: 1, serverHeap: undefined }),
      sample({ p50: 2, serverHeap: undefined }),
      sample({ p50: 9, serverHeap: 8, figures: { connections: 64 } }),
    ];
    expect(medianSample(samples)).toMatchObject({ p50: 2, serverHeap: 8, figures: { connections: 64 } });
  });
});
