// What a fuzzed client does in a session, in which proportions.
import * as fc from 'fast-check';
import { endings, garbageSteps, muteSteps, turnSteps, type PeerStep } from './peer-steps.js';
import { works, type Work } from './session-contract.js';

export interface SentCommand {
  readonly do: 'command';
  readonly work: Work;
  readonly items: number;
  readonly pause: number;
  readonly size: number;
  /** What its META says; undefined: it has none. Never on a plain connection. */
  readonly meta: { readonly remainingMs: number; readonly credit: number; readonly noAnswer: boolean } | undefined;
}

export type ClientStep =
  | PeerStep
  | SentCommand
  | { readonly do: 'cancel'; readonly which: number }
  | { readonly do: 'credit'; readonly which: number; readonly count: number }
  | { readonly do: 'ping'; readonly count: number; readonly padded: boolean }
  | { readonly do: 'message' | 'event'; readonly data: string }
  | { readonly do: 'unknown'; readonly kind: number }
  | { readonly do: 'done' };

export interface ServerScript {
  readonly extended: boolean;
  readonly seed: number;
  readonly steps: readonly ClientStep[];
  readonly ending: 'fin' | 'reset';
}

const command: fc.Arbitrary<SentCommand> = fc.record({
  do: fc.constant('command' as const),
  work: fc.constantFrom<Work>('value', 'value', 'value', 'later', 'stream', 'stream', ...works),
  items: fc.oneof({ weight: 5, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.integer({ min: 14, max: 50 }) }),
  pause: fc.constantFrom(0, 0, 0, 1, 2, 4),
  size: fc.constantFrom(0, 0, 0, 0, 50, 300, 2_000, 4_000),
  meta: fc.option(
    fc.record({
      remainingMs: fc.constantFrom(0, 0, 1, 60_000),
      credit: fc.constantFrom(0, 1, 2, 32),
      noAnswer: fc.constantFrom(false, false, false, true),
    }),
    { nil: undefined, freq: 2 },
  ),
});

const protocolSteps: fc.Arbitrary<ClientStep> = fc.oneof(
  { weight: 12, arbitrary: command },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(12) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('credit' as const), which: fc.nat(12), count: fc.nat(40) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('ping' as const),
      count: fc.integer({ min: 1, max: 4 }),
      padded: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('message' as const, 'event' as const),
      data: fc.constantFrom('', '1', '{"a":[1]}', '{', '[[[[]]]]', '{"__proto__":1}'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unknown' as const), kind: fc.integer({ min: 13, max: 400 }) }) },
  { weight: 5, arbitrary: turnSteps },
  { weight: 1, arbitrary: muteSteps },
);
const done = fc.record({ do: fc.constant('done' as const) });
const anySteps = fc.oneof(
  { weight: 20, arbitrary: protocolSteps },
  { weight: 2, arbitrary: garbageSteps },
  { weight: 1, arbitrary: done },
);

/** Half of them keep to the protocol to the end. */
export const serverScripts: fc.Arbitrary<ServerScript> = fc.record({
  extended: fc.constantFrom(true, true, false),
  seed: fc.nat(),
  steps: fc.oneof(fc.array(protocolSteps, { maxLength: 16 }), fc.array(anySteps, { maxLength: 16 })),
  ending: endings,
});
