// How long a client waits between two attempts, by a clock and dice of the test's own.
import { describe, expect, it } from '@jest/globals';
import { Backoff, reconnectDefaults, type ResolvedReconnectOptions } from '../../../lib/client/group/backoff.js';
import { seededRandom } from '../../support/seeded-random.js';

const highest = (): number => 1 - 2 ** -32;
const lowest = (): number => 0;

function backoffOf(options: Partial<ResolvedReconnectOptions> = {}, random: () => number = Math.random): Backoff {
  return new Backoff({ ...reconnectDefaults, ...options }, random);
}

/** When each attempt of an outage falls, if every one fails at once. */
function attemptsOf(backoff: Backoff, outageMs: number): number[] {
  const times: number[] = [];
  for (let now = backoff.next(0); now < outageMs; now += backoff.next(now)) times.push(now);
  return times;
}

describe('the attempts of an outage', () => {
  it('are at most 22 in each of 10,000 outages of 60 seconds', () => {
    let most = 0;
    for (let seed = 0; seed < 10_000; seed++) {
      most = Math.max(most, attemptsOf(backoffOf({}, seededRandom(seed)), 60_000).length);
    }
    expect(most).toBeLessThanOrEqual(22);
    expect(most).toBeGreaterThan(15);
  });

  it('are at most a second apart in the first 5 seconds, then 6 seconds, 20 % more or less', () => {
    for (let seed = 0; seed < 200; seed++) {
      const backoff = backoffOf({}, seededRandom(seed));
      let now = 0;
      while (now < 60_000) {
        const delayMs = backoff.next(now);
        expect(delayMs).toBeGreaterThanOrEqual(now < 5000 ? 0 : 4800);
        expect(delayMs).toBeLessThanOrEqual(now < 5000 ? 1000 : 7200);
        now += delayMs;
      }
    }
  });

  it('begin soon: within 100 ms, and the second within 500 more', () => {
    const backoff = backoffOf({}, highest);
    expect(backoff.next(0)).toBeLessThanOrEqual(100);
    expect(backoff.next(100)).toBeLessThanOrEqual(500);
  });

  it('keep to the delays that are set', () => {
    const backoff = backoffOf({ delayMs: 50, fastPeriodMs: 200, maxDelayMs: 60 }, highest);
    expect(backoff.next(0)).toBeLessThanOrEqual(50);
    expect(backoff.next(50)).toBeLessThanOrEqual(50);
    expect(backoff.next(200)).toBeCloseTo(72);
    expect(backoffOf({ maxDelayMs: 30 }, highest).next(0)).toBeLessThanOrEqual(30);
    expect(backoffOf({ fastPeriodMs: 0 }, lowest).next(0)).toBeCloseTo(4800);
  });

  it('are so far apart from beginning to beginning, however long each takes', () => {
    const backoff = backoffOf({}, highest);
    for (const took of [0, 80, 5000, 10_000]) {
      expect(backoff.next(0, took)).toBeCloseTo(Math.max(0, [100, 500, 1000, 1000][backoff.attempts - 1]! - took));
    }
    expect(backoff.next(5000, 4000)).toBeCloseTo(3200);
    expect(backoff.next(15_000, 10_000)).toBe(0);
  });

  it('count from the first delay of an outage, not from the last outage', () => {
    const backoff = backoffOf({}, highest);
    for (let now = 0; now < 20_000; now += 1000) backoff.next(now);
    expect(backoff.attempts).toBe(20);
    backoff.reset();
    expect(backoff.attempts).toBe(0);
    expect(backoff.next(1_000_000)).toBeLessThanOrEqual(100);
  });

  it('are exhausted after maxAttempts, and not before', () => {
    const backoff = backoffOf({ maxAttempts: 2 });
    for (const isExhausted of [false, false, true]) {
      expect(backoff.isExhausted).toBe(isExhausted);
      backoff.next(0);
    }
    backoff.reset();
    expect(backoff.isExhausted).toBe(false);
  });

  it('are never exhausted without maxAttempts', () => {
    const backoff = backoffOf();
    for (let attempt = 0; attempt < 1000; attempt++) backoff.next(attempt * 6000);
    expect(backoff.isExhausted).toBe(false);
  });
});

describe('1,000 clients that lose their server together', () => {
  const CLIENTS = 1000;
  const times = Array.from({ length: CLIENTS }, (_, seed) =>
    attemptsOf(backoffOf({}, seededRandom(seed + 1)), 60_000),
  ).flat();

  /** The attempts within each 100 ms from `from` up to `to`. */
  function windows(from: number, to: number): number[] {
    const counts = Array.from({ length: (to - from) / 100 }, () => 0);
    for (const time of times) if (time >= from && time < to) counts[Math.floor((time - from) / 100)]!++;
    return counts;
  }

  it('come back spread in the first 5 seconds: no 100 ms has twice the mean', () => {
    const counts = windows(1000, 5000);
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    expect(mean).toBeGreaterThan(CLIENTS / 10);
    expect(Math.max(...counts)).toBeLessThan(2 * mean);
  });

  it('come back spread in a longer outage: never 1 in 15 of them within 100 ms', () => {
    const counts = windows(6000, 60_000);
    expect(counts.reduce((sum, count) => sum + count)).toBeGreaterThan(8 * CLIENTS);
    expect(Math.max(...counts)).toBeLessThan(CLIENTS / 15);
  });
});
