// When a closed circuit opens: by the share of failures among its latest outcomes. Asked by cockatiel's policy.
import { CircuitState, type IBreaker } from 'cockatiel';

export class OutcomeWindow implements IBreaker {
  /** For `toJSON()` of the policy, which nobody calls. */
  readonly state = undefined;
  readonly #failureRate: number;
  /** A ring: 1 is a failure. */
  readonly #outcomes: Uint8Array;
  #oldest = 0;
  #failures = 0;

  constructor(windowSize: number, failureRate: number) {
    this.#outcomes = new Uint8Array(windowSize);
    this.#failureRate = failureRate;
  }

  success(state: CircuitState): void {
    if (state === CircuitState.HalfOpen) this.#clear();
    else this.#push(0);
  }

  /** Shall the circuit open? The window counts as full from the start, so that the first failures do not open it. */
  failure(state: CircuitState): boolean {
    if (state === CircuitState.HalfOpen) return true;
    this.#push(1);
    return this.#failures / this.#outcomes.length >= this.#failureRate;
  }

  #push(outcome: 0 | 1): void {
    this.#failures += outcome - this.#outcomes[this.#oldest]!;
    this.#outcomes[this.#oldest] = outcome;
    this.#oldest = (this.#oldest + 1) % this.#outcomes.length;
  }

  #clear(): void {
    this.#outcomes.fill(0);
    this.#failures = 0;
  }
}
