// Puts load on one server: so many calls in flight for so long. Counts them and measures each; it compares nothing.
import type { Calling } from './contestants/contestant.js';

/** How fast the calls of one turn were. */
export interface Speed {
  /** Commands, or Results of streams, that were answered. */
  readonly units: number;
  readonly unitsPerSecond: number;
  /** Latencies in milliseconds: half, 99 of 100, and 999 of 1,000, of the calls took no longer. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** What one process says of a turn. */
export interface Effort {
  /** What it took of the processor, user and system. */
  readonly cpuSeconds: number;
  /** What it holds on to behind the turn: garbage collected, buffers included. Undefined if that was not asked for. */
  readonly heapBytes?: number | undefined;
}

/** Collects garbage first, if Node was started with `--expose-gc`. */
export function heapBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * Begins to count what this process does; to be called when that is over. Only one that looks at the heap collects
 * garbage: V8 takes a process that it collects at rest for one with little to do, and gives it little memory for new
 * objects, so that the next turn would mostly measure collections.
 */
export function watchEffort(): (looksAtHeap: boolean) => Effort {
  const before = process.cpuUsage();
  return (looksAtHeap) => {
    const { user, system } = process.cpuUsage(before);
    return { cpuSeconds: (user + system) / 1e6, heapBytes: looksAtHeap ? heapBytes() : undefined };
  };
}

/** Runs `inFlight` loops that call, and call again as soon as the answer is there, until `seconds` are over. */
export async function measure({ call, units = 1 }: Calling, inFlight: number, seconds: number): Promise<Speed> {
  const latencies: number[] = [];
  const started = performance.now();
  const deadline = started + seconds * 1000;
  const loop = async (): Promise<void> => {
    for (let now = performance.now(); now < deadline;) {
      const sent = now;
      await call();
      now = performance.now();
      latencies.push(now - sent);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  const elapsedSeconds = (performance.now() - started) / 1000;
  const sorted = Float64Array.from(latencies).toSorted();
  const percentile = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  return {
    units: sorted.length * units,
    unitsPerSecond: (sorted.length * units) / elapsedSeconds,
    p50: percentile(0.5),
    p99: percentile(0.99),
    p999: percentile(0.999),
  };
}
