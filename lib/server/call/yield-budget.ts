// The share of one turn of the event loop that one piece of work may take before others get theirs.

const MOST_ITEMS = 256;
const MOST_MS = 5;

export class YieldBudget {
  #items = 0;
  #since = performance.now();

  /** Counts one item; resolves at once, or in the next turn when the share is used up. */
  take(): Promise<void> | undefined {
    if (++this.#items < MOST_ITEMS && (this.#items & 15 || performance.now() - this.#since < MOST_MS)) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#items = 0;
        this.#since = performance.now();
        resolve();
      }),
    );
  }
}
