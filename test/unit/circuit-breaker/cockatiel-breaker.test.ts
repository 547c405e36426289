// The circuit breaker by default: when it opens, is half-open and closes again.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { cockatielBreaker } from '../../../lib/circuit-breaker/cockatiel-breaker.js';
import type { CockatielBreakerOptions } from '../../../lib/circuit-breaker/cockatiel-breaker-options.js';
import type { CircuitBreaker, CircuitBreakerState } from '../../../lib/client/circuit-breaker.js';
import { begin, fail, fakeTime, pass, succeed } from '../../support/breaker-stage.js';
import { turns } from '../../support/deadline.js';

const server = 'calc.example.com:3000';
const open = (options: CockatielBreakerOptions = {}): CircuitBreaker => cockatielBreaker(options)(server);
/** Opens at the second failure. */
const small: CockatielBreakerOptions = { windowSize: 4, failureRate: 0.5, openDurationMs: 1_000, successThreshold: 2 };

async function openCircuit(options: CockatielBreakerOptions = small): Promise<CircuitBreaker> {
  const breaker = open(options);
  while (breaker.state === 'closed') await fail(breaker);
  return breaker;
}

async function halfOpenCircuit(options: CockatielBreakerOptions = small): Promise<CircuitBreaker> {
  const breaker = await openCircuit(options);
  await pass(options.openDurationMs ?? 5_000);
  return breaker;
}

beforeEach(fakeTime);
afterEach(() => {
  jest.useRealTimers();
});

describe('a closed circuit', () => {
  it('is what there is at first, and lets every call through', () => {
    const breaker = open();
    expect(breaker.state).toBe('closed');
    for (let call = 0; call < 100; call++) begin(breaker);
  });

  it('opens at the 25th failure in a row when nothing else is said', async () => {
    const breaker = open();
    await fail(breaker, 24);
    expect(breaker.state).toBe('closed');
    await fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('divides by the whole window from the start', async () => {
    const breaker = open({ ...small, failureRate: 1 });
    await fail(breaker, 3);
    expect(breaker.state).toBe('closed');
    await fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it.each([
    [10, 0.3, 3],
    [100, 0.07, 7],
    [100, 0.071, 8],
    [3, 1 / 3, 1],
    [7, 1, 7],
    [1, 1, 1],
    [50, 1e-9, 1],
    [1_000_000, 0.000_002, 2],
  ])('with a window of %s opens when the share of %s is reached, exactly: at failure %s', async (size, rate, count) => {
    const breaker = open({ windowSize: size, failureRate: rate });
    await fail(breaker, count - 1);
    expect(breaker.state).toBe('closed');
    await fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('forgets the oldest outcome with each new one', async () => {
    const breaker = open(small);
    for (let round = 0; round < 5; round++) {
      await fail(breaker);
      await succeed(breaker, 3);
    }
    expect(breaker.state).toBe('closed');
    await fail(breaker);
    await succeed(breaker, 2);
    await fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('opens by a failure only, never by a success', async () => {
    const breaker = open({ ...small, windowSize: 2, failureRate: 1 });
    await fail(breaker);
    await succeed(breaker, 10);
    expect(breaker.state).toBe('closed');
  });

  it('learns nothing from calls that were released or never end', async () => {
    const breaker = open(small);
    await fail(breaker);
    for (let call = 0; call < 10; call++) begin(breaker).release();
    for (let call = 0; call < 10; call++) begin(breaker);
    await turns(1);
    await fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('counts the first report of a call alone', async () => {
    const breaker = open(small);
    const call = begin(breaker);
    call.fail();
    call.fail();
    call.fail();
    await turns(1);
    expect(breaker.state).toBe('closed');
  });
});

describe('an open circuit', () => {
  it('lets no call through for openDurationMs, then is half-open, with calls or without', async () => {
    const breaker = await openCircuit();
    await pass(999);
    expect(breaker.acquire()).toBeUndefined();
    expect(breaker.state).toBe('open');
    await pass(1);
    expect(breaker.state).toBe('half-open');
  });

  it('is half-open after 5 seconds when nothing else is said', async () => {
    const breaker = await openCircuit({});
    await pass(4_999);
    expect(breaker.state).toBe('open');
    await pass(1);
    expect(breaker.state).toBe('half-open');
  });

  it.each([
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ])('takes its time when the clock is set %s', async (_, ms) => {
    const breaker = await openCircuit();
    jest.setSystemTime(Date.now() + ms);
    expect(breaker.acquire()).toBeUndefined();
    await pass(1_000);
    expect(breaker.state).toBe('half-open');
  });

  it('counts nothing from calls that began before', async () => {
    const breaker = open(small);
    const [first, second] = [begin(breaker), begin(breaker)];
    await fail(breaker, 2);
    first.fail();
    second.succeed();
    await pass(999);
    expect(breaker.state).toBe('open');
    await pass(1);
    expect(breaker.state).toBe('half-open');
  });

  it('does not keep the process alive', async () => {
    jest.useRealTimers();
    const before = process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
    const breaker = await openCircuit();
    expect(breaker.state).toBe('open');
    expect(process.getActiveResourcesInfo().filter((type) => type === 'Timeout')).toHaveLength(before);
  });
});

describe('a half-open circuit', () => {
  it('lets as many calls through as must succeed, those that have succeeded included', async () => {
    const breaker = await halfOpenCircuit();
    begin(breaker);
    await succeed(breaker);
    expect(breaker.acquire()).toBeUndefined();
    expect(breaker.state).toBe('half-open');
  });

  it('closes when so many have succeeded, at once or one after the other', async () => {
    const [atOnce, oneByOne] = [await halfOpenCircuit(), await halfOpenCircuit()];
    await succeed(atOnce, 2);
    expect(atOnce.state).toBe('closed');
    await pass(1_000);
    await succeed(oneByOne);
    await succeed(oneByOne);
    expect(oneByOne.state).toBe('closed');
  });

  it('needs three successes when nothing else is said', async () => {
    const breaker = await halfOpenCircuit({});
    await succeed(breaker, 2);
    expect(breaker.state).toBe('half-open');
    await succeed(breaker);
    expect(breaker.state).toBe('closed');
  });

  it('closes with an empty window', async () => {
    const breaker = await halfOpenCircuit();
    await succeed(breaker, 2);
    await fail(breaker);
    expect(breaker.state).toBe('closed');
    await fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('opens at the first failure, for openDurationMs again', async () => {
    const breaker = await halfOpenCircuit();
    await succeed(breaker);
    await fail(breaker);
    expect(breaker.state).toBe('open');
    await pass(999);
    expect(breaker.acquire()).toBeUndefined();
    await pass(1);
    await succeed(breaker, 2);
    expect(breaker.state).toBe('closed');
  });

  it('lets nothing through in the moment between a failure and its effect', async () => {
    const breaker = await halfOpenCircuit();
    begin(breaker).fail();
    expect(breaker.acquire()).toBeUndefined();
  });

  it('does not count calls from before it opened, nor does the circuit that has closed since', async () => {
    const breaker = open(small);
    const early = Array.from({ length: 12 }, () => begin(breaker));
    await fail(breaker, 2);
    await pass(1_000);
    for (const call of early.splice(0, 4)) call.succeed();
    for (const call of early.splice(0, 4)) call.fail();
    await turns(1);
    expect(breaker.state).toBe('half-open');
    await succeed(breaker, 2);
    for (const call of early) call.fail();
    await turns(1);
    expect(breaker.state).toBe('closed');
  });

  it('does not count trials of an earlier trial period', async () => {
    const breaker = await halfOpenCircuit();
    const early = begin(breaker);
    await fail(breaker);
    await pass(1_000);
    await succeed(breaker);
    early.succeed();
    await turns(1);
    expect(breaker.state).toBe('half-open');
    await succeed(breaker);
    expect(breaker.state).toBe('closed');
  });

  it('counts the first report of a trial alone', async () => {
    const breaker = await halfOpenCircuit();
    const trial = begin(breaker);
    trial.succeed();
    trial.succeed();
    trial.fail();
    await turns(1);
    expect(breaker.state).toBe('half-open');
    await succeed(breaker);
    expect(breaker.state).toBe('closed');
  });

  it('gives the place of a released trial to another call', async () => {
    const breaker = await halfOpenCircuit();
    begin(breaker);
    const cancelled = begin(breaker);
    expect(breaker.acquire()).toBeUndefined();
    cancelled.release();
    begin(breaker);
    expect(breaker.acquire()).toBeUndefined();
    expect(breaker.state).toBe('half-open');
  });

  it('gives the place of a trial that does not report to another call after openDurationMs', async () => {
    const breaker = await halfOpenCircuit();
    begin(breaker);
    begin(breaker);
    await pass(999);
    expect(breaker.acquire()).toBeUndefined();
    await pass(1);
    await succeed(breaker, 2);
    expect(breaker.state).toBe('closed');
  });

  it('listens to a trial that reports late', async () => {
    const [failing, recovered] = [await halfOpenCircuit(), await halfOpenCircuit()];
    const [late, slow] = [begin(failing), begin(recovered)];
    await pass(3_000);
    await succeed(failing);
    late.fail();
    slow.succeed();
    await succeed(recovered);
    expect([failing.state, recovered.state]).toEqual(['open', 'closed']);
  });
});

describe('the listener to changes of a circuit', () => {
  it('is notified of each, with the server', async () => {
    const changes: string[] = [];
    const breaker = await halfOpenCircuit({ ...small, onStateChange: (state, of) => changes.push(`${of} ${state}`) });
    await fail(breaker);
    await pass(1_000);
    await succeed(breaker, 2);
    const states: CircuitBreakerState[] = ['open', 'half-open', 'open', 'half-open', 'closed'];
    expect(changes).toEqual(states.map((state) => `${server} ${state}`));
  });

  it.each([
    [
      'at once',
      () => {
        throw new Error('no');
      },
    ],
    ['later', () => Promise.reject(new Error('no'))],
  ])('is ignored when it throws %s', async (_, onStateChange) => {
    const breaker = await halfOpenCircuit({ ...small, onStateChange });
    await succeed(breaker, 2);
    expect(breaker.state).toBe('closed');
  });

  it('may use the breaker', async () => {
    const seen: string[] = [];
    const onStateChange = (state: CircuitBreakerState): void => {
      const call = breaker.acquire();
      call?.succeed();
      seen.push(`${state} ${breaker.state} ${call ? 'lets through' : 'does not'}`);
    };
    const breaker = open({ ...small, onStateChange });
    await fail(breaker, 2);
    await pass(1_000);
    await succeed(breaker);
    expect(seen).toEqual(['open open does not', 'half-open half-open lets through', 'closed closed lets through']);
  });
});

describe('the breakers of one factory', () => {
  it('know nothing of each other', async () => {
    const breakerFor = cockatielBreaker(small);
    const [first, second] = [breakerFor('a:1'), breakerFor('b:1')];
    await fail(first, 2);
    expect([first.state, second.state]).toEqual(['open', 'closed']);
    expect(cockatielBreaker()('a:1').state).toBe('closed');
  });
});

describe('the options of a breaker', () => {
  it.each([
    ['windowSize', 0],
    ['windowSize', 1.5],
    ['failureRate', 0],
    ['failureRate', 1.01],
    ['failureRate', Number.NaN],
    ['openDurationMs', 0],
    ['openDurationMs', 2_147_483_648],
    ['successThreshold', 0],
    ['isFailure', true],
    ['onStateChange', 'log'],
    ['resetMs', 5],
  ])('are refused at once when %s is %s', (option, value) => {
    expect(() => cockatielBreaker({ [option]: value })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`"${option}"`) }),
    );
  });

  it('are refused for a policy, but for isFailure, and beside others', () => {
    const make: (...given: unknown[]) => unknown = cockatielBreaker as never;
    const refused = (message: string) => expect.objectContaining({ code: 'INVALID_OPTION', message }) as never;
    expect(() => make(() => ({}), { windowSize: 5 })).toThrow(
      refused('cockatielBreaker: unknown option "windowSize"; known are isFailure'),
    );
    expect(() => make({}, { isFailure: () => true })).toThrow(
      refused('cockatielBreaker: further options are for a function that makes policies'),
    );
  });
});
