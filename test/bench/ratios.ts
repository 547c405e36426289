// From samples to what is said about them: medians, and for each key the median of the ratios of the rounds. What a
// round compares ran next to each other, so the range of its ratios shows how far the machine can be trusted.
import type { Key, Measure } from './contests.js';

/** What was measured of one entry in one round. */
export interface Sample {
  readonly unitsPerSecond: number;
  /** Latencies in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Processor time per unit, in microseconds. */
  readonly clientCpu: number;
  readonly serverCpu: number;
  /** What the processes hold on to behind the last round, in bytes; undefined in the others. */
  readonly clientHeap?: number | undefined;
  readonly serverHeap?: number | undefined;
  /** What else the client saw. */
  readonly figures?: Readonly<Record<string, number>> | undefined;
}

/** The samples of a contest by the names of its entries, one for each round. */
export type Samples = Readonly<Record<string, readonly Sample[]>>;

export interface Outcome {
  readonly key: Key;
  readonly ratio: number;
  /** The least and the most of one round. */
  readonly least: number;
  readonly most: number;
  /** Undefined for a key without a bound. */
  readonly isMet: boolean | undefined;
}

const measures: Readonly<Record<Measure, (sample: Sample) => number>> = {
  speed: ({ unitsPerSecond }) => unitsPerSecond,
  p50: ({ p50 }) => p50,
  cpu: ({ clientCpu, serverCpu }) => clientCpu + serverCpu,
  bytes: ({ figures }) => Math.max(...Object.values(figures ?? {})),
};

/** Undefined if an entry that the key needs was not measured. */
export function outcomeOf(key: Key, samples: Samples): Outcome | undefined {
  const { of, against, measure } = key;
  const needed = against === undefined ? of : [...of, against];
  if (needed.some((name) => (samples[name] ?? []).length === 0)) return undefined;
  const values = (name: string): readonly number[] => samples[name]!.map(measures[measure]);
  const base = against === undefined ? undefined : values(against);
  const candidates = of.map((name) => {
    const ratios = values(name).map((value, round) => value / (base?.[round] ?? 1));
    return { ratio: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
  });
  // Of speeds the least is the worst, of what a call costs the most.
  const worstFirst = candidates.toSorted((a, b) => (measure === 'speed' ? a.ratio - b.ratio : b.ratio - a.ratio));
  const worst = worstFirst[0]!;
  return { key, ...worst, isMet: isMet(key, worst.ratio) };
}

function isMet({ atLeast, atMost }: Key, ratio: number): boolean | undefined {
  if (atLeast !== undefined) return ratio >= atLeast;
  return atMost === undefined ? undefined : ratio <= atMost;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

/** The median of everything that was sampled; heaps and figures are those of the last round. */
export function medianSample(samples: readonly Sample[]): Sample {
  const of = (pick: (sample: Sample) => number): number => median(samples.map(pick));
  return {
    unitsPerSecond: of((each) => each.unitsPerSecond),
    p50: of((each) => each.p50),
    p99: of((each) => each.p99),
    p999: of((each) => each.p999),
    clientCpu: of((each) => each.clientCpu),
    serverCpu: of((each) => each.serverCpu),
    clientHeap: samples.at(-1)?.clientHeap,
    serverHeap: samples.at(-1)?.serverHeap,
    figures: samples.at(-1)?.figures,
  };
}
