// Circuit breakers made from a policy of cockatiel that the user brings.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  handleWhen,
  type CircuitBreakerPolicy,
  type IBreaker,
} from 'cockatiel';
import { cockatielBreaker } from '../../../lib/circuit-breaker/cockatiel-breaker.js';
import type { CircuitBreaker } from '../../../lib/client/circuit-breaker.js';
import { codeOf, CmdStreamError } from '../../../lib/errors.js';
import { begin, fail, fakeTime, pass, succeed } from '../../support/breaker-stage.js';
import { turns } from '../../support/deadline.js';

function consecutive(failures: number): CircuitBreakerPolicy {
  return circuitBreaker(handleAll, { breaker: new ConsecutiveBreaker(failures), halfOpenAfter: 1_000 });
}

function breakerOf(policy: CircuitBreakerPolicy): CircuitBreaker {
  return cockatielBreaker(() => policy)('a:1');
}

beforeEach(fakeTime);
afterEach(() => {
  jest.useRealTimers();
});

describe("a policy of the user's own", () => {
  it('is made for each server', () => {
    const servers: string[] = [];
    const breakerFor = cockatielBreaker((server) => {
      servers.push(server);
      return consecutive(1);
    });
    breakerFor('a:1');
    breakerFor('b:1');
    expect(servers).toEqual(['a:1', 'b:1']);
  });

  it('opens by its own rule', async () => {
    const breaker = breakerOf(consecutive(3));
    await fail(breaker, 2);
    await succeed(breaker);
    await fail(breaker, 2);
    expect(breaker.state).toBe('closed');
    await fail(breaker);
    expect(breaker.state).toBe('open');
    expect(breaker.acquire()).toBeUndefined();
  });

  it('is notified the state of the circuit with each outcome by cockatiel itself', async () => {
    const events: string[] = [];
    const rule: IBreaker = {
      state: undefined,
      success: (state) => events.push(`success ${CircuitState[state]}`),
      failure: (state) => events.push(`failure ${CircuitState[state]}`) > 1,
    };
    const breaker = breakerOf(circuitBreaker(handleAll, { breaker: rule, halfOpenAfter: 1_000 }));
    await succeed(breaker);
    await fail(breaker);
    await pass(1_000);
    await fail(breaker);
    await pass(1_000);
    await succeed(breaker);
    expect(events).toEqual(['success Closed', 'failure Closed', 'failure HalfOpen', 'success HalfOpen']);
  });

  it('is tried by one call at a time when its time is over, and closes with its success', async () => {
    const breaker = breakerOf(consecutive(1));
    await fail(breaker);
    await pass(999);
    expect(breaker.acquire()).toBeUndefined();
    await pass(1);
    const trial = begin(breaker);
    expect(breaker.state).toBe('half-open');
    expect(breaker.acquire()).toBeUndefined();
    trial.succeed();
    await turns(1);
    expect(breaker.state).toBe('closed');
  });

  it('stays open for longer each time when its backoff says so', async () => {
    const halfOpenAfter = new ExponentialBackoff({
      initialDelay: 1_000,
      generator: (state, { initialDelay, exponent }) => [
        initialDelay * exponent ** Number(state ?? 0),
        Number(state ?? 0) + 1,
      ],
    });
    const breaker = breakerOf(circuitBreaker(handleAll, { breaker: new ConsecutiveBreaker(1), halfOpenAfter }));
    await fail(breaker);
    await pass(1_000);
    await fail(breaker);
    await pass(1_999);
    expect(breaker.acquire()).toBeUndefined();
    await pass(1);
    begin(breaker);
  });

  it('gives the place of a released trial, or of one that does not report for 5 seconds, to another call', async () => {
    const breaker = breakerOf(consecutive(1));
    await fail(breaker);
    await pass(1_000);
    begin(breaker).release();
    begin(breaker);
    await pass(4_999);
    expect(breaker.acquire()).toBeUndefined();
    await pass(1);
    await succeed(breaker);
    expect(breaker.state).toBe('closed');
  });

  it('is given the error itself, for its filter', async () => {
    const policy = circuitBreaker(
      handleWhen((error) => codeOf(error) === 'TIMEOUT'),
      { breaker: new ConsecutiveBreaker(1), halfOpenAfter: 1_000 },
    );
    const breaker = breakerOf(policy);
    begin(breaker).fail(new CmdStreamError('INTERNAL', 'broken'));
    await turns(1);
    expect(breaker.state).toBe('closed');
    begin(breaker).fail(new CmdStreamError('TIMEOUT', 'too late'));
    await turns(1);
    expect(breaker.state).toBe('open');
  });

  it('lets nothing through while it is isolated, and everything again after', () => {
    const policy = consecutive(1);
    const breaker = breakerOf(policy);
    const isolation = policy.isolate();
    expect(breaker.state).toBe('open');
    expect(breaker.acquire()).toBeUndefined();
    isolation.dispose();
    begin(breaker);
  });

  it('does not count a call of a trial period that was isolated away', async () => {
    const policy = consecutive(1);
    const breaker = breakerOf(policy);
    await fail(breaker);
    await pass(1_000);
    const trial = begin(breaker);
    policy.isolate().dispose();
    trial.fail();
    await turns(1);
    expect(breaker.state).toBe('closed');
  });

  it('lets calls of other kinds go on that have waited for a trial that was isolated away', async () => {
    const policy = consecutive(1);
    const breaker = breakerOf(policy);
    await fail(breaker);
    await pass(1_000);
    begin(breaker);
    const other = policy.execute(() => 'done');
    policy.isolate().dispose();
    await expect(other).resolves.toBe('done');
    expect(breaker.state).toBe('closed');
  });

  it('executes nothing for a call before that is over, nor for one that is released', async () => {
    const policy = consecutive(2);
    const breaker = breakerOf(policy);
    const execute = jest.spyOn(policy, 'execute');
    const [first] = [begin(breaker), begin(breaker), begin(breaker).release()];
    expect(execute).not.toHaveBeenCalled();
    first.succeed();
    await expect(execute.mock.results[0]!.value).resolves.toBeUndefined();
    expect(execute).toHaveBeenCalledTimes(1);
  });

  it('may be shared with calls of other kinds, whose trial is awaited', async () => {
    const policy = consecutive(1);
    const breaker = breakerOf(policy);
    await fail(breaker);
    await pass(1_000);
    let end = (): void => {};
    const other = policy.execute(() => new Promise<void>((resolve) => (end = resolve)));
    expect(breaker.state).toBe('half-open');
    const execute = jest.spyOn(policy, 'execute');
    expect(breaker.acquire()).toBeUndefined();
    expect(execute).not.toHaveBeenCalled();
    end();
    await other;
    expect(breaker.state).toBe('closed');
    begin(breaker);
  });

  it('may want more than one trial, one after the other, before it closes', async () => {
    let [state, wanted] = [CircuitState.Open, 2];
    const policy = {
      onStateChange: () => ({ dispose() {} }),
      get state() {
        return state;
      },
      async execute(work: () => Promise<void>) {
        state = CircuitState.HalfOpen;
        await work();
        if (--wanted === 0) state = CircuitState.Closed;
      },
    };
    const breaker = breakerOf(policy as unknown as CircuitBreakerPolicy);
    await succeed(breaker);
    expect(breaker.state).toBe('half-open');
    await succeed(breaker);
    expect(breaker.state).toBe('closed');
  });

  it.each(['succeed', 'fail', 'release'] as const)('counts a permit once: %s after it has no effect', async (again) => {
    const breaker = breakerOf(consecutive(2));
    const permit = begin(breaker);
    permit.fail();
    permit[again]();
    await turns(1);
    expect(breaker.state).toBe('closed');
    await fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it.each(['succeed', 'fail', 'release'] as const)(
    'counts nothing of a call from before its last change: %s',
    async (late) => {
      const breaker = breakerOf(consecutive(1));
      const permit = begin(breaker);
      await fail(breaker);
      await pass(1_000);
      await succeed(breaker);
      permit[late]();
      await turns(1);
      expect(breaker.state).toBe('closed');
    },
  );

  it('may use the breaker in its listeners', async () => {
    const policy = consecutive(1);
    const seen: string[] = [];
    policy.onHalfOpen(() => seen.push(breaker.acquire() ? 'on trial' : 'refused'));
    policy.onBreak(() => seen.push(breaker.acquire() ? 'let through' : 'refused'));
    const breaker = breakerOf(policy);
    await fail(breaker);
    await pass(1_000);
    expect(breaker.acquire()).toBeUndefined();
    expect(seen).toEqual(['refused', 'on trial']);
  });

  it.each([
    ['nothing', undefined],
    ['an object', {}],
    ['a number', 1],
  ])('is refused when the function gives %s', (_, given) => {
    const breakerFor = cockatielBreaker(() => given as never);
    expect(() => breakerFor('a:1')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});
