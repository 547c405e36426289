// What is compared fits together, and the workloads are what they are called.
import { describe, expect, it } from '@jest/globals';
import { boundKeys, contests, contestsFor } from './contests.js';
import { checkMixed, checkText, mixedPayloads, texts } from './workload.js';

describe('contests', () => {
  it('has keys with names of their own, made of entries that are there', () => {
    const names = contests.flatMap(({ keys }) => keys.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
    for (const { entries, keys } of contests) {
      const there = entries.map(({ name }) => name);
      expect(new Set(there).size).toBe(there.length);
      expect(there).toEqual(expect.arrayContaining(keys.flatMap(({ of, against = of[0]! }) => [...of, against])));
    }
  });

  it('runs only what a key needs', () => {
    const [only, ...others] = contestsFor(['vs-ceiling']);
    expect(others).toEqual([]);
    expect(only?.keys.map(({ name }) => name)).toEqual(['vs-ceiling']);
    expect(only?.entries.map(({ name }) => name)).toEqual(['ceiling', 'execute']);
    expect(contestsFor([])).toEqual([]);
  });

  it('has one bound for each key that has any', () => {
    const bounds = contests.flatMap(({ keys }) => keys).filter(({ name }) => boundKeys.includes(name));
    for (const { atLeast, atMost } of bounds)
      expect([atLeast, atMost].filter((each) => each !== undefined)).toHaveLength(1);
    expect(bounds.length).toBeGreaterThan(20);
  });
});

describe('workloads', () => {
  it.each([64, 1024, 65_536])('has bodies of %d bytes, all different', (bytes) => {
    const all = texts(bytes);
    expect(new Set(all.map((text) => Buffer.byteLength(JSON.stringify({ text }))))).toEqual(new Set([bytes]));
    expect(new Set(all).size).toBe(all.length);
  });

  it('has mixed payloads whose texts have every length up to 1,006', () => {
    const lengths = mixedPayloads.map((payload) => payload.String.length);
    expect(new Set(lengths).size).toBe(1007);
    expect(Math.min(...lengths)).toBe(0);
    expect(Math.max(...lengths)).toBe(1006);
  });

  it('refuses the answer to another call', () => {
    const [one, other] = texts(64) as [string, string];
    expect(() => checkText(one, { text: one })).not.toThrow();
    expect(() => checkText(one, { text: other })).toThrow(`expected ${one}`);
    const [first, second] = mixedPayloads as [(typeof mixedPayloads)[0], (typeof mixedPayloads)[0]];
    expect(() => checkMixed(first, { ...first })).not.toThrow();
    for (const field of ['Bool', 'Int64', 'String', 'Float64'] as const)
      expect(() => checkMixed(first, { ...first, [field]: second[field] })).toThrow('expected');
  });
});
