// One coarse clock for all connections of a client or server: watches their time limits with one timer instead of
// several for each connection, and counts the time in which this process ran. Runs only while there is something to
// watch, and never keeps the process alive by itself.
//
//   this process       ran . . . . . stood still . . . . . ran
//   strikes            |  |  |  |                       |  |  |
//   counted            250 each                         1000 at most, however long it was
import type { AsyncScope } from '../async-scope.js';
import { MAX_TIMER_MS } from './connection-options.js';

/** Something with time limits of its own. */
export interface Ticking {
  /** Called every {@link TICK_MS}; `now` is the time of the {@link Clock}, and a little ago. */
  tick(now: number): void;
}

export interface Clock {
  /**
   * Monotonic milliseconds in which this process ran. While it stands still, because it computes, is starved or
   * stopped, nothing can be done that would have been in time: all limits of connections are measured with this.
   */
  readonly now: number;
}

export const TICK_MS = 250;
/**
 * What counts between two strikes at most: a process that is merely slow keeps the time, or no peer would be found out.
 */
const MOST_MS = 1000;

/** So many standstills are remembered. */
const MOST_KNOWN = 16;

const IDLE: Ticking = { tick() {} };

export class Ticker implements Clock {
  readonly #watched = new Set<Ticking>();
  readonly #scope: AsyncScope;
  #timer: NodeJS.Timeout | undefined;
  /** When it struck last, and how much was not counted so far. */
  #struckAt = 0;
  #lostMs = 0;
  /** Of the latest standstills: when each was over, and how much of it was not counted. */
  readonly #standstills: { readonly at: number; readonly lostMs: number }[] = [];

  constructor(scope: AsyncScope) {
    this.#scope = scope;
  }

  get now(): number {
    const now = performance.now();
    return (this.#timer === undefined ? now : Math.min(now, this.#struckAt + MOST_MS)) - this.#lostMs;
  }

  add(ticking: Ticking): void {
    this.#watched.add(ticking);
    if (this.#timer !== undefined) return;
    this.#struckAt = performance.now();
    this.#timer = this.#scope.run(() => setInterval(() => this.#strike(), TICK_MS).unref());
  }

  delete(ticking: Ticking): void {
    if (!this.#watched.delete(ticking) || this.#watched.size > 0) return;
    this.#count();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Calls `onOver` once when so many milliseconds have been counted and what had arrived by then was read; returns what
   * ends that. Until then it keeps the process alive, unless `isIdle`. 0: never.
   */
  after(ms: number, onOver: () => void, isIdle = false): () => void {
    if (ms === 0) return () => {};
    const until = this.now + ms;
    // The ticker must run, or it is not known whether the process stands still.
    const watch = { ...IDLE };
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => {
      clearTimeout(timer);
      this.delete(watch);
    };
    const look = (): void => {
      if (!this.#watched.has(watch)) return;
      if (until - this.now >= 1) return arm();
      end();
      onOver();
    };
    const arm = (): void => {
      const leftMs = Math.min(Math.max(1, until - this.now), MAX_TIMER_MS);
      timer = this.#scope.run(() => setTimeout(() => setImmediate(look), leftMs));
      if (isIdle) timer.unref();
    };
    this.add(watch);
    arm();
    return end;
  }

  /** Keeps it running, for {@link lostOf}; returns what ends that. */
  watch(): () => void {
    const watch = { ...IDLE };
    this.add(watch);
    return () => this.delete(watch);
  }

  /** Of so many milliseconds up to now, as any other clock has them: how many were not counted. */
  lostOf(ms: number): number {
    this.#count();
    const since = performance.now() - ms;
    return this.#standstills.reduce((sum, { at, lostMs }) => (at > since ? sum + lostMs : sum), 0);
  }

  #count(): void {
    if (this.#timer === undefined) return;
    const at = performance.now();
    const lostMs = Math.max(0, at - this.#struckAt - MOST_MS);
    this.#struckAt = at;
    if (lostMs === 0) return;
    this.#lostMs += lostMs;
    this.#standstills.push({ at, lostMs });
    if (this.#standstills.length > MOST_KNOWN) this.#standstills.shift();
  }

  /** Whatever has arrived by now is read before it is missed: if this process stood still, no peer is to blame. */
  #strike(): void {
    this.#count();
    const { now } = this;
    setImmediate(() => this.#tick(now));
  }

  #tick(now: number): void {
    for (const ticking of this.#watched) ticking.tick(now);
  }
}
