// When a connection has become too old, in time of the test's own.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ConnectionAge } from '../../../lib/client/group/connection-age.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** The age, in milliseconds, at which each of `count` connections became too old. */
function agesOf(maxMs: number, count: number): number[] {
  const ages: number[] = [];
  const start = performance.now();
  for (let n = 0; n < count; n++) new ConnectionAge(maxMs, () => ages.push(performance.now() - start)).begin();
  jest.advanceTimersByTime(10 * maxMs);
  return ages;
}

describe('a connection', () => {
  it('becomes too old once, 10 % earlier or later', () => {
    const ages = agesOf(60_000, 500);
    expect(ages).toHaveLength(500);
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(54_000);
    expect(Math.max(...ages)).toBeLessThanOrEqual(66_000);
    expect(Math.max(...ages) - Math.min(...ages)).toBeGreaterThan(9000);
  });

  it('does not become too old at once when its age is the longest there is', () => {
    const ages: number[] = [];
    jest.spyOn(Math, 'random').mockReturnValue(0.99);
    new ConnectionAge(2_147_483_647, () => ages.push(performance.now())).begin();
    jest.advanceTimersByTime(2_147_483_646);
    expect(ages).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(ages).toHaveLength(1);
    jest.restoreAllMocks();
  });

  it('never becomes too old when its age has no limit', () => {
    new ConnectionAge(0, () => {}).begin();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('has its age from the last begin(), and none after end()', () => {
    let renewals = 0;
    const age = new ConnectionAge(1000, () => renewals++);
    age.begin();
    jest.advanceTimersByTime(800);
    age.begin();
    jest.advanceTimersByTime(800);
    expect(renewals).toBe(0);
    age.end();
    jest.advanceTimersByTime(10_000);
    expect(renewals).toBe(0);
  });

  it('is looked at again 5 seconds after it could not be replaced', () => {
    let renewals = 0;
    const age = new ConnectionAge(100, () => renewals++);
    age.begin();
    jest.advanceTimersByTime(110);
    age.postpone();
    jest.advanceTimersByTime(4999);
    expect(renewals).toBe(1);
    jest.advanceTimersByTime(1);
    expect(renewals).toBe(2);
  });
});
