// The breaker over cockatiel against its model, through any calls, reports and times. SEED repeats a run that failed.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as fc from 'fast-check';
import { cockatielBreaker } from '../../lib/circuit-breaker/cockatiel-breaker.js';
import { fakeTime, pass } from '../support/breaker-stage.js';
import { turns } from '../support/deadline.js';
import { BreakerModel } from './breaker-model.js';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const OPEN_MS = 100;

const options = fc.record({
  windowSize: fc.integer({ min: 1, max: 6 }),
  failureRate: fc.oneof(
    fc.constantFrom(0.1, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1),
    fc.double({ min: 0.01, max: 1, noNaN: true }),
  ),
  openDurationMs: fc.constant(OPEN_MS),
  successThreshold: fc.integer({ min: 1, max: 4 }),
});

type Report = 'succeed' | 'fail' | 'release';
type Options = ConstructorParameters<typeof BreakerModel>[0];

type Step =
  | { readonly kind: 'acquire' }
  | { readonly kind: Report; readonly call: number }
  | { readonly kind: 'pass'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'acquire' }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('succeed', 'fail', 'fail', 'release'), call: fc.nat(20) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.constantFrom(1, OPEN_MS - 1, OPEN_MS) }) },
);

beforeEach(fakeTime);
afterEach(() => {
  jest.useRealTimers();
});

/** What the model and the breaker say after each step: the state, and whether a call is let through. */
async function play(given: Options, steps: readonly Step[]): Promise<readonly [model: string[], breaker: string[]]> {
  const model = new BreakerModel(given);
  const breaker = cockatielBreaker(given)('a:1');
  const said: readonly [string[], string[]] = [[], []];
  const calls: ((report: Report) => void)[] = [];
  for (const next of steps) {
    if (next.kind === 'acquire') {
      const [expected, permit] = [model.acquire(), breaker.acquire()];
      said[0].push(expected ? 'yes' : 'no');
      said[1].push(permit ? 'yes' : 'no');
      calls.push((report) => {
        expected?.(report);
        permit?.[report]();
      });
    } else if (next.kind === 'pass') {
      model.pass(next.ms);
      await pass(next.ms);
    } else {
      const [call] = calls.splice(next.call % Math.max(1, calls.length), 1);
      call?.(next.kind);
      await turns(1);
    }
    said[0].push(model.state);
    said[1].push(breaker.state);
  }
  return said;
}

describe('a circuit breaker', () => {
  it(`does what its model does, whatever happens (seed ${seed})`, async () => {
    const seen = new Set<string>();
    const property = fc.asyncProperty(options, fc.array(step, { maxLength: 80 }), async (given, steps) => {
      const [model, breaker] = await play(given, steps);
      expect(breaker).toEqual(model);
      for (const word of model) seen.add(word);
    });
    await fc.assert(property, { numRuns: 500, seed });
    expect([...seen].toSorted()).toEqual(['closed', 'half-open', 'no', 'open', 'yes']);
  });
});
