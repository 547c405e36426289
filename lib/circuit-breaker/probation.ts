// The trial calls of one half-open circuit. To the policy they are one call: it succeeds when enough of them have, and
// fails with the first that does.
import type { CircuitPermit } from '../client/circuit-breaker.js';
import { Execution } from './execution.js';

export interface TrialLimits {
  /** Successes that close the circuit; trials that are out and successes together are never more. */
  readonly successThreshold: number;
  /** A trial that has not reported for so long makes room for another. */
  readonly patienceMs: number;
}

export class Probation {
  /** The policy has heard the outcome. */
  isOver = false;
  readonly #limits: TrialLimits;
  readonly #execution = new Execution();
  /** Trials that are out and since when, the oldest first. */
  readonly #out = new Map<CircuitPermit, number>();
  #successes = 0;
  #hasFailed = false;

  constructor(limits: TrialLimits) {
    this.#limits = limits;
  }

  get outcome(): Promise<void> {
    return this.#execution.promise;
  }

  /** Lets a call through on trial, if there is room for one. */
  admit(): CircuitPermit | undefined {
    this.#forgetOverdue();
    if (this.#hasFailed || this.#successes + this.#out.size >= this.#limits.successThreshold) return undefined;
    const trial: CircuitPermit = {
      succeed: () => this.#succeeded(trial),
      fail: (error) => this.#failed(error),
      release: () => this.#out.delete(trial),
    };
    this.#out.set(trial, performance.now());
    return trial;
  }

  #succeeded(trial: CircuitPermit): void {
    this.#out.delete(trial);
    if (++this.#successes >= this.#limits.successThreshold) this.#execution.succeed();
  }

  #failed(error: unknown): void {
    this.#hasFailed = true;
    this.#execution.fail(error);
  }

  #forgetOverdue(): void {
    const due = performance.now() - this.#limits.patienceMs;
    for (const [trial, since] of this.#out) {
      if (since > due) return;
      this.#out.delete(trial);
    }
  }
}
