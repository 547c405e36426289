// When a connection has become too old. It owns one timer, which keeps no process alive.
import { MAX_TIMER_MS } from '../../connection/connection-options.js';

/** Ages are spread by one part in ten, so that the connections of many clients do not end together. */
const SPREAD = 0.1;
/** How long after a failure the replacement is tried again. */
const AGAIN_MS = 5000;

export class ConnectionAge {
  readonly #maxMs: number;
  readonly #onOld: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `maxMs` 0: it never becomes too old. */
  constructor(maxMs: number, onOld: () => void) {
    this.#maxMs = maxMs;
    this.#onOld = onOld;
  }

  /** A new connection is open. */
  begin(): void {
    if (this.#maxMs > 0) this.#wait(this.#maxMs * (1 - SPREAD + 2 * SPREAD * Math.random()));
  }

  /** It could not be replaced now. */
  postpone(): void {
    this.#wait(AGAIN_MS);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #wait(delayMs: number): void {
    this.end();
    // With its spread an age may be longer than a timer can wait, which would end at once.
    this.#timer = setTimeout(this.#onOld, Math.min(delayMs, MAX_TIMER_MS)).unref();
  }
}
