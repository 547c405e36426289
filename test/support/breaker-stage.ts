// A circuit breaker under fake timers: calls with a known outcome, and time that passes when a test says so.
import { jest } from '@jest/globals';
import type { CircuitBreaker, CircuitPermit } from '../../lib/client/circuit-breaker.js';
import { turns } from './deadline.js';

/** What promises need stays real, or nothing a policy executes would ever end. */
export function fakeTime(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate'] });
}

/** A call that is under way. @throws {Error} when the breaker lets none through */
export function begin(breaker: CircuitBreaker): CircuitPermit {
  const permit = breaker.acquire();
  if (permit === undefined) throw new Error(`the breaker is ${breaker.state} and lets no call through`);
  return permit;
}

export async function succeed(breaker: CircuitBreaker, calls = 1): Promise<void> {
  for (let call = 0; call < calls; call++) begin(breaker).succeed();
  await turns(1);
}

/** One after the other, so that the call after the one that opens the circuit is an error. */
export async function fail(breaker: CircuitBreaker, calls = 1): Promise<void> {
  for (let call = 0; call < calls; call++) {
    begin(breaker).fail(new Error('no answer'));
    await turns(1);
  }
}

export async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await turns(1);
}
