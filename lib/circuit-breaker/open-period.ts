// How long a circuit stays open, as a backoff of cockatiel's policy. A timer ends it, since the policy reads the clock on
// the wall, which may be set, and asks only when somebody calls.
import type { IBackoff, IBackoffFactory } from 'cockatiel';

export class OpenPeriod implements IBackoffFactory<unknown> {
  readonly #ms: number;
  readonly #onOver: () => void;

  constructor(ms: number, onOver: () => void) {
    this.#ms = ms;
    this.#onOver = onOver;
  }

  /** Asked for by the policy whenever the circuit opens. */
  next(): IBackoff<unknown> {
    const period = { duration: Infinity, next: () => this.next() };
    const end = (): void => {
      // Less than any difference of two times, should the clock have gone back.
      period.duration = -Infinity;
      this.#onOver();
    };
    setTimeout(end, this.#ms).unref();
    return period;
  }
}
