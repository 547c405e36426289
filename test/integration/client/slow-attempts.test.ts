// When attempts are made to reach a server that accepts and then says nothing. The clock is the test's own.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CommandClient } from '../../../lib/core.js';
import { vectorContract } from '../../support/vector-contract.js';

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'clearImmediate', 'nextTick', 'queueMicrotask'] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('attempts that each run out of time', () => {
  it('begin as often as those that fail at once', async () => {
    const begins: number[] = [];
    const client = new CommandClient({
      contract: vectorContract,
      connectTimeoutMs: 4000,
      reconnect: { fastPeriodMs: 0, maxDelayMs: 6000 },
      connect: () => {
        begins.push(performance.now());
        return new Promise(() => {});
      },
    });
    client.connect().catch(() => {});
    await jest.advanceTimersByTimeAsync(60_000);
    client.destroy();
    const apart = begins.slice(1).map((begin, index) => begin - begins[index]!);
    expect(apart.length).toBeGreaterThanOrEqual(8);
    expect(Math.min(...apart)).toBeGreaterThanOrEqual(4799);
    expect(Math.max(...apart)).toBeLessThanOrEqual(7201);
  });
});
