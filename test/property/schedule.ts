// What may happen in a race, and in which proportions.
import * as fc from 'fast-check';
import type { Manner } from './tracked-call.js';
import type { Work } from './race-contract.js';

export type Step =
  | {
      readonly do: 'call';
      readonly client: number;
      readonly manner: Manner;
      readonly work: Work;
      readonly items: number;
      readonly pause: number;
      readonly last: 'each' | 'final' | 'none';
      readonly size: number;
      readonly leaveAfter: number;
    }
  | { readonly do: 'turns'; readonly count: number }
  | { readonly do: 'cut'; readonly side: 'client' | 'server'; readonly socket: number; readonly hard: boolean }
  | { readonly do: 'ping'; readonly client: number }
  | { readonly do: 'full'; readonly full: boolean }
  | { readonly do: 'new client'; readonly client: number }
  | { readonly do: 'new server' };

const client = fc.nat(1);
const pause = fc.constantFrom(0, 0, 0, 1, 1, 2, 6);
/** Small, around what one write takes, and more than the socket takes at once. */
const size = fc.constantFrom(0, 0, 0, 0, 0, 0, 70_000, 700_000);
const last = fc.constantFrom('each' as const, 'final' as const, 'none' as const);
/** Around one, around a top-up, around the whole credit. */
const items = fc.oneof(
  { weight: 6, arbitrary: fc.nat(4) },
  { weight: 1, arbitrary: fc.integer({ min: 14, max: 18 }) },
  { weight: 1, arbitrary: fc.integer({ min: 30, max: 70 }) },
);

function calls(manners: readonly Manner[], works: readonly Work[]): fc.Arbitrary<Step> {
  return fc.record({
    do: fc.constant('call' as const),
    client,
    manner: fc.constantFrom(...manners),
    work: fc.constantFrom(...works),
    items,
    pause,
    last,
    size,
    leaveAfter: fc.oneof(fc.nat(5), items),
  });
}

/** A wait without end is for callers that leave by themselves. */
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: calls(['execute'], ['value', 'value', 'value', 'unwritable', 'nothing', 'failure', 'generator']),
  },
  {
    weight: 10,
    arbitrary: calls(
      ['iterate', 'cancel'],
      ['generator', 'generator', 'broken generator', 'value', 'nothing', 'failure'],
    ),
  },
  { weight: 5, arbitrary: calls(['abort'], ['generator', 'value', 'endless wait', 'broken generator']) },
  { weight: 3, arbitrary: calls(['emit'], ['value', 'unwritable', 'nothing', 'failure', 'generator']) },
  { weight: 1, arbitrary: calls(['time out'], ['value', 'endless wait']) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('cut' as const),
      side: fc.constantFrom('client' as const, 'server' as const),
      socket: fc.nat(3),
      hard: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ping' as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('full' as const), full: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('new client' as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('new server' as const) }) },
);

export const schedules = fc.array(step, { minLength: 1, maxLength: 14 });
