// What a run has come to: its figures, and which of them make it a failure.
import type { Counters } from './tally.js';

/** All there is to say about a run. */
export interface Figures extends Counters {
  readonly seed: number;
  readonly seconds: number;
  /** Commands that ran at a server which then drained, and were not answered. */
  readonly lostAccepted: number;
  /** Commands that ran twice and must not. */
  readonly duplicated: number;
  readonly hung: number;
  readonly pending: number;
  readonly unexpected: number;
  /** Commands that ran although their callers were notified that they were not sent. */
  readonly ranUnsent: number;
  /** Crashes, rejections without a handler, words on stderr. */
  readonly defects: number;
  readonly restarts: number;
  readonly faults: number;
  readonly faultsByKind: Readonly<Record<string, number>>;
  readonly connectionsLost: number;
  readonly late: number;
  readonly executed: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly memory: readonly MemoryFigures[];
  readonly go: { readonly commands: number; readonly ok: number; readonly failed: number } | undefined;
  readonly texts: readonly string[];
}

/** Of one process that lives from the beginning to the end. */
export interface MemoryFigures {
  readonly process: string;
  /** On the heap and beside it, after a forced collection: medians of the first and last tenth after the warm-up. */
  readonly firstBytes: number;
  readonly lastBytes: number;
  /** Too few samples to say anything about growth. */
  readonly isShort: boolean;
  readonly rssSlopeMiBPerHour: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

export interface MemorySample {
  /** Since the beginning of the run. */
  readonly atMs: number;
  readonly heldBytes: number;
  readonly rssBytes: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

const MIB = 1024 * 1024;
/** The code has been compiled, all buffers have their size. */
const WARM_UP = 0.2;
const TENTH = 0.1;
const FEWEST_SAMPLES = 20;
const MOST_GROWTH = 0.05;
/** What a process holds goes up and down by as much from one sample to the next, however long it runs. */
const NOISE_BYTES = MIB;
const HOUR_MS = 3_600_000;
const HALF = 0.5;

export function memoryFigures(process: string, samples: readonly MemorySample[]): MemoryFigures {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  const tenth = Math.max(1, Math.ceil(warm.length * TENTH));
  const held = (some: readonly MemorySample[]): number => median(some.map(({ heldBytes }) => heldBytes));
  return {
    process,
    firstBytes: held(warm.slice(0, tenth)),
    lastBytes: held(warm.slice(-tenth)),
    isShort: warm.length < FEWEST_SAMPLES,
    rssSlopeMiBPerHour: slope(warm.map(({ atMs, rssBytes }) => [atMs / HOUR_MS, rssBytes / MIB])),
    loopP99Ms: median(warm.map(({ delayP99Ms }) => delayP99Ms)),
    loopMaxMs: Math.max(0, ...warm.map(({ delayMaxMs }) => delayMaxMs)),
  };
}

/** Between the first and the last tenth, as a share of the first. */
export function growthOf({ firstBytes, lastBytes }: MemoryFigures): number {
  return firstBytes > 0 ? lastBytes / firstBytes - 1 : 0;
}

/** Why the run has failed, a sentence each; none: it has passed. */
export function failuresOf(figures: Figures): readonly string[] {
  const failures: string[] = [];
  const none = (count: number, what: string): void => {
    if (count > 0) failures.push(`${count} ${what}`);
  };
  none(figures.verifyErrors, 'answers were wrong, incomplete or out of order');
  none(figures.lostAccepted, 'Commands were accepted by a server that drained, and not answered');
  none(figures.duplicated, 'Commands ran twice that must not');
  none(figures.ranUnsent, 'Commands ran whose callers were notified that they were not sent');
  none(figures.hung, 'calls did not end by any of their limits');
  none(figures.pending, 'calls were pending at the end');
  none(figures.unexpected, 'failures or lost connections that no fault explains');
  none(figures.defects, 'crashes, rejections without a handler, or words on stderr');
  if (figures.ok === 0) failures.push('no Command was answered');
  for (const memory of figures.memory) {
    const { process, firstBytes, lastBytes, isShort } = memory;
    const growth = growthOf(memory);
    if (isShort || growth < MOST_GROWTH || lastBytes - firstBytes < NOISE_BYTES) continue;
    const sizes = `${(firstBytes / MIB).toFixed(1)} to ${(lastBytes / MIB).toFixed(1)} MiB`;
    failures.push(`the memory of ${process} has grown by ${(growth * 100).toFixed(1)} %, from ${sizes}`);
  }
  return failures;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) * HALF;
  const [low, high] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  return low === undefined || high === undefined ? 0 : (low + high) / 2;
}

/** Of the line that fits the points best, by least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  if (points.length < 2) return 0;
  const [x0, y0] = [mean(0), mean(1)];
  const spread = points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0) / spread;
}
