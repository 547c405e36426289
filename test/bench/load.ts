// Puts load on one server: so many calls in flight for so long. Counts them and measures each; it compares nothing.

/** How fast the calls of one round were. */
export interface Speed {
  readonly callsPerSecond: number;
  /** Latencies in milliseconds: half, and 99 of 100, of the calls took no longer. */
  readonly p50: number;
  readonly p99: number;
}

/** What was measured in one round. */
export interface Sample extends Speed {
  /** What the client, and the server, hold on to behind the round: garbage collected, buffers included. */
  readonly heapMiB: number;
  readonly serverHeapMiB: number;
}

/** Needs Node's `--expose-gc`. */
export function heapMiB(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
}

/** Runs `inFlight` loops that call, and call again as soon as the answer is there, until `seconds` are over. */
export async function measure(call: () => Promise<void>, inFlight: number, seconds: number): Promise<Speed> {
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
  return { callsPerSecond: sorted.length / elapsedSeconds, p50: percentile(0.5), p99: percentile(0.99) };
}
