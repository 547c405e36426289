// What one process takes: memory when nothing is left to collect, and how long its event loop was held up.
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

export interface Sample {
  /** On the heap and beside it, after a forced collection. */
  readonly heldBytes: number;
  readonly rssBytes: number;
  /** Of the event loop since the sample before. */
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

const RESOLUTION_MS = 10;
const P99 = 99;

export function watchLoop(): IntervalHistogram {
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  loop.enable();
  return loop;
}

export async function gaugeSample(loop: IntervalHistogram): Promise<Sample> {
  const [delayP99Ms, delayMaxMs] = [loop.percentile(P99) / 1e6, loop.max / 1e6];
  // What one collection sets free, such as a socket, may have held something else until its turn.
  for (let time = 0; time < 3; time++) {
    globalThis.gc?.();
    await nextTurn();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  loop.reset();
  return { heldBytes: heapUsed + external, rssBytes: rss, delayP99Ms, delayMaxMs };
}
