// What counts as a second, and what as too many.
import { expect, it } from '@jest/globals';
import { RateLimit } from '../../../lib/server/session/rate-limit.js';

const limitOf = (most: number): RateLimit => new RateLimit(most, 'PING_FLOOD', 'maxPingsPerSecond');

it('takes as many as it may in each second, and refuses one more', () => {
  const rate = limitOf(10);
  for (const second of [0, 1_000, 2_500]) {
    rate.add(9, second);
    rate.add(1, second + 999);
  }
  expect(() => rate.add(1, 3_499)).toThrow('more than maxPingsPerSecond (10) came within a second');
});

it('counts a run as what is in it', () => {
  expect(() => limitOf(10).add(11, 5)).toThrow(expect.objectContaining({ code: 'PING_FLOOD' }));
});

it('has no limit when that is Infinity', () => {
  expect(() => limitOf(Infinity).add(Number.MAX_SAFE_INTEGER, 5)).not.toThrow();
});
