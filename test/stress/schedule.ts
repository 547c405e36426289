// Which faults a server meets, and when: the same for the same seed. Every kind comes once before any comes again.
import { seededRandom } from '../support/seeded-random.js';
import type { Settings } from './settings.js';

export type FaultKind =
  | 'latency'
  | 'jitter'
  | 'slow link'
  | 'dribble'
  | 'refuse'
  | 'hang up'
  | 'short freeze'
  | 'freeze'
  | 'silence'
  | 'one way to server'
  | 'one way to client'
  | 'fin'
  | 'reset'
  | 'fin in a frame'
  | 'reset in a frame'
  | 'kill'
  | 'drain';

/** What no connection and no Command may be lost by. */
export const harmlessKinds: readonly FaultKind[] = [
  'latency',
  'jitter',
  'slow link',
  'dribble',
  'refuse',
  'hang up',
  'short freeze',
];

export const networkKinds: readonly FaultKind[] = [
  ...harmlessKinds,
  'freeze',
  'silence',
  'one way to server',
  'one way to client',
  'fin',
  'reset',
  'fin in a frame',
  'reset in a frame',
];

/** The ends of processes come oftener: they are what there have to be many of. */
export const allKinds: readonly FaultKind[] = [...networkKinds, 'kill', 'kill', 'kill', 'drain', 'drain', 'drain'];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** How long nothing is wrong before it. */
  readonly gapMs: number;
  /** How long it lasts; of the end of a process how long until the next one is started. */
  readonly lengthMs: number;
  /** From 0 up to 1: how much of it, where there is a choice. */
  readonly extent: number;
}

const SHORTEST_FAULT_MS = 300;
/** Shorter than any keepalive of the run waits, whatever else the machine does. */
const SHORT_FREEZE_MS = 600;

/** Without an end. */
export function* faultsOf(
  kinds: readonly FaultKind[],
  seed: number,
  settings: Settings,
): Generator<PlannedFault, never> {
  const random = seededRandom(seed);
  const between = (least: number, most: number): number => Math.round(least + random() * Math.max(0, most - least));
  for (;;) {
    for (const kind of shuffled(kinds, random)) {
      const gap = settings['fault-gap-max-ms'];
      const longest = lengthOf(kind, settings);
      const least = Math.min(SHORTEST_FAULT_MS, longest);
      yield { kind, gapMs: between(gap / 3, gap), lengthMs: between(least, longest), extent: random() };
    }
  }
}

function lengthOf(kind: FaultKind, settings: Settings): number {
  if (kind === 'kill' || kind === 'drain') return settings['server-downtime-max-ms'];
  if (kind === 'short freeze') return Math.min(SHORT_FREEZE_MS, settings['fault-max-ms']);
  return settings['fault-max-ms'];
}

function shuffled<T>(all: readonly T[], random: () => number): readonly T[] {
  const rest = [...all];
  for (let at = rest.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [rest[at], rest[other]] = [rest[other]!, rest[at]!];
  }
  return rest;
}
