// One coarse clock for all connections of a client or server: watches their time limits with one timer instead of
// several for each connection. Runs only while there is something to watch, and never keeps the process alive.

import type { AsyncScope } from '../async-scope.js';

/** Something with time limits of its own. */
export interface Ticking {
  /** Called every {@link TICK_MS}; `now` is monotonic, in milliseconds, and a little ago. */
  tick(now: number): void;
}

export const TICK_MS = 250;

export class Ticker {
  readonly #watched = new Set<Ticking>();
  readonly #scope: AsyncScope;
  #timer: NodeJS.Timeout | undefined;

  constructor(scope: AsyncScope) {
    this.#scope = scope;
  }

  add(ticking: Ticking): void {
    this.#watched.add(ticking);
    this.#timer ??= this.#scope.run(() => setInterval(() => this.#strike(), TICK_MS).unref());
  }

  delete(ticking: Ticking): void {
    if (!this.#watched.delete(ticking) || this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Whatever has arrived by now is read before it is missed: if this process stood still, nobody else is to blame. */
  #strike(): void {
    const now = performance.now();
    setImmediate(() => this.#tick(now));
  }

  #tick(now: number): void {
    for (const ticking of this.#watched) ticking.tick(now);
  }
}
