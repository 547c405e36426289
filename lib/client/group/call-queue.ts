// Calls, and whoever else waits, until a connection is open: at most so long. How many may wait is the group's rule.
import { MAX_TIMER_MS } from '../../connection/connection-options.js';
import type { Ticker } from '../../connection/ticker.js';
import type { CmdStreamError } from '../../errors.js';

interface Waiting {
  readonly since: number;
  ready(): void;
  fail(error: unknown): void;
}

export class CallQueue {
  readonly #ticker: Ticker;
  readonly #limitMs: number;
  readonly #overdue: () => CmdStreamError;
  /** In order of arrival. */
  readonly #waiting = new Map<object, Waiting>();
  #stopWatching: (() => void) | undefined;

  /** `limitMs` 0: no limit; `overdue` makes the error of what has waited too long. */
  constructor(ticker: Ticker, limitMs: number, overdue: () => CmdStreamError) {
    this.#ticker = ticker;
    this.#limitMs = limitMs || Infinity;
    this.#overdue = overdue;
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(key: object, ready: () => void, fail: (error: unknown) => void): void {
    this.#waiting.set(key, { since: this.#ticker.now, ready, fail });
    this.#watch();
  }

  delete(key: object): boolean {
    const deleted = this.#waiting.delete(key);
    if (this.#waiting.size === 0) this.#rest();
    return deleted;
  }

  /** All go on, in order; what comes meanwhile waits anew. */
  release(): void {
    for (const { ready } of this.#take()) ready();
  }

  fail(error: unknown): void {
    for (const { fail } of this.#take()) fail(error);
  }

  *#take(): Iterable<Waiting> {
    const keys = [...this.#waiting.keys()];
    this.#rest();
    for (const key of keys) {
      const waiting = this.#waiting.get(key);
      // One that failed meanwhile, because another was notify, is not notify again.
      if (waiting === undefined) continue;
      this.#waiting.delete(key);
      yield waiting;
    }
    this.#watch();
  }

  /** One timer, for the one that waits longest. Without a limit, too: what waits keeps the process alive. */
  #watch(): void {
    if (this.#stopWatching !== undefined) return;
    const [oldest] = this.#waiting.values();
    if (oldest === undefined) return;
    const left = Math.max(1, oldest.since + this.#limitMs - this.#ticker.now);
    this.#stopWatching = this.#ticker.after(Math.min(left, MAX_TIMER_MS), () => this.#expire());
  }

  #rest(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  #expire(): void {
    this.#stopWatching = undefined;
    const before = this.#ticker.now - this.#limitMs + 1;
    for (const [key, { since, fail }] of this.#waiting) {
      if (since > before) break;
      this.#waiting.delete(key);
      fail(this.#overdue());
    }
    this.#watch();
  }
}
