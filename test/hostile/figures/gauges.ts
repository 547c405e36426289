// What a server process says of itself: the memory it takes, and how long its event loop was held up.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

const MIB = 1024 * 1024;
const LOOK_MS = 25;
const BEAT_MS = 1;

export interface Memory {
  /** Of the process, in MiB. */
  readonly rss: number;
  /** Of it, what JavaScript and its buffers use, in MiB. */
  readonly used: number;
}

export interface Watched {
  /** The most the process had, in MiB. */
  readonly peakRss: number;
  readonly longestTurnMs: number;
  readonly loopDelayP99Ms: number;
}

let peakRss = 0;
let longestTurnMs = 0;
let lastBeat = performance.now();
const histogram = monitorEventLoopDelay({ resolution: BEAT_MS });

function beat(): void {
  const now = performance.now();
  longestTurnMs = Math.max(longestTurnMs, now - lastBeat - BEAT_MS);
  lastBeat = now;
}

function look(): void {
  peakRss = Math.max(peakRss, process.memoryUsage.rss());
}

export const gauges = {
  /** With all garbage collected. */
  async memory(): Promise<Memory> {
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.();
      await delay(50);
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss: rss / MIB, used: (heapUsed + external) / MIB };
  },

  /** Watches from now on: memory and turns. */
  watch(): void {
    peakRss = 0;
    look();
    beat();
    longestTurnMs = 0;
    histogram.reset();
  },

  watched(): Watched {
    beat();
    look();
    return { peakRss: peakRss / MIB, longestTurnMs, loopDelayP99Ms: histogram.percentile(99) / 1e6 };
  },
};

/** Called by a server process when it serves; the gauges of other processes stand still. */
export function startGauges(): void {
  setInterval(look, LOOK_MS);
  setInterval(beat, BEAT_MS);
  histogram.enable();
}
