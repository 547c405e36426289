// What a fuzzed server, and the callers of its client, do in a session, in which proportions.
import * as fc from 'fast-check';
import { endings, garbageSteps, turnSteps, type PeerStep } from './peer-steps.js';

export type Manner = 'execute' | 'dispatch' | 'iterate' | 'emit';

export type ServerStep =
  | Exclude<PeerStep, { do: 'mute' }>
  | {
      readonly do: 'call';
      readonly manner: Manner;
      /** Of an iterator, Results after which its loop is left. */
      readonly leaveAfter: number;
      /** 0: none. */
      readonly timeoutMs: number;
    }
  | { readonly do: 'leave'; readonly which: number }
  | { readonly do: 'ask'; readonly ping: boolean }
  | { readonly do: 'result'; readonly which: number; readonly last: boolean; readonly size: number }
  | { readonly do: 'stream' | 'end'; readonly which: number }
  | { readonly do: 'error'; readonly which: number; readonly code: string }
  | { readonly do: 'value'; readonly which: number; readonly flags: number; readonly data: string }
  | { readonly do: 'pongs'; readonly count: number }
  | { readonly do: 'goaway'; readonly reason: string }
  | { readonly do: 'unknown'; readonly kind: number }
  | { readonly do: 'close' };

export interface ClientScript {
  /** What the server answers to the probe. */
  readonly answer: 'extended' | 'plain' | 'nothing';
  readonly extension: boolean | 'require';
  /** Of the server's HELLO. */
  readonly maxInFlight: number;
  readonly seed: number;
  readonly steps: readonly ServerStep[];
  readonly ending: 'fin' | 'reset';
}

/** Around those that are used: 0 is none of them. */
const which = fc.nat(8);
const of = <T extends string>(...names: T[]) => fc.constantFrom(...names);
const codes = of('REMOTE', 'INTERNAL', 'OVERLOADED', 'SHUTDOWN', 'NO_HANDLER', 'NEVER_SEEN', '__proto__', '');

const calls: fc.Arbitrary<ServerStep> = fc.record({
  do: of('call'),
  manner: of<Manner>('execute', 'execute', 'dispatch', 'iterate', 'emit'),
  leaveAfter: fc.constantFrom(1, 3, 100),
  timeoutMs: fc.constantFrom(0, 0, 0, 1, 60_000),
});
const answers: fc.Arbitrary<ServerStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: of('result'), which, last: fc.boolean(), size: fc.constantFrom(0, 0, 9_000) }),
  },
  { weight: 4, arbitrary: fc.record({ do: of('stream', 'end'), which }) },
  { weight: 2, arbitrary: fc.record({ do: of('error'), which, code: codes }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: of('value'), which, flags: fc.nat(3), data: of('', '1', '{"a":1}', '{', '[[[[') }),
  },
  { weight: 2, arbitrary: fc.record({ do: of('pongs'), count: fc.integer({ min: 1, max: 3 }) }) },
);
const callers: fc.Arbitrary<ServerStep> = fc.oneof(
  { weight: 6, arbitrary: calls },
  { weight: 2, arbitrary: fc.record({ do: of('leave'), which }) },
  { weight: 1, arbitrary: fc.record({ do: of('ask'), ping: fc.boolean() }) },
);
const rare: fc.Arbitrary<ServerStep> = fc.oneof(
  fc.record({ do: of('goaway'), reason: of('shutdown', 'idle', 'silent', 'CONTRACT_MISMATCH', '') }),
  fc.record({ do: of('unknown'), kind: fc.integer({ min: 12, max: 400 }) }),
  fc.record({ do: of('close') }),
);
const quiet = turnSteps as fc.Arbitrary<ServerStep>;
const garbage = garbageSteps as fc.Arbitrary<ServerStep>;
const steps = fc.oneof(
  { weight: 10, arbitrary: callers },
  { weight: 14, arbitrary: answers },
  { weight: 6, arbitrary: quiet },
  { weight: 1, arbitrary: rare },
);
const anySteps = fc.oneof({ weight: 10, arbitrary: steps }, { weight: 1, arbitrary: garbage });

export const clientScripts: fc.Arbitrary<ClientScript> = fc.record({
  answer: of('extended', 'extended', 'extended', 'plain', 'plain', 'nothing'),
  extension: fc.constantFrom<boolean | 'require'>(true, true, true, true, 'require', false),
  maxInFlight: fc.constantFrom(0, 2, 100),
  seed: fc.nat(),
  steps: fc.oneof(fc.array(steps, { maxLength: 24 }), fc.array(anySteps, { maxLength: 24 })),
  ending: endings,
});
