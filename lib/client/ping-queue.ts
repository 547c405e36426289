// Pings that wait for their pongs: a pong answers the oldest.
interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

export class PingQueue {
  readonly #waiters: Waiter[] = [];

  /** Resolves with the pong, rejects when the connection ends before. */
  add(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** A pong nobody asked for means nothing. */
  answered(count: number): void {
    for (const waiter of this.#waiters.splice(0, count)) waiter.resolve();
  }

  fail(error: unknown): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
