// What one execution of a policy comes to: a promise, and the way to settle it.
import type { CircuitPermit } from '../client/circuit-breaker.js';

export class Execution implements CircuitPermit {
  readonly promise: Promise<void>;
  #resolve = (): void => {};
  #reject = (_error: unknown): void => {};

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  succeed(): void {
    this.#resolve();
  }

  fail(error: unknown): void {
    this.#reject(error);
  }

  /** A promise that stays pending tells a policy nothing. */
  release(): void {}
}
