// A circuit breaker with the rules of the package in the fewest words, to be held against the one over cockatiel.
import type { CircuitBreakerState } from '../../lib/client/circuit-breaker.js';
import type { CockatielBreakerOptions } from '../../lib/circuit-breaker/cockatiel-breaker-options.js';
import type { Complete } from '../../lib/options.js';

type Report = 'succeed' | 'fail' | 'release';

export class BreakerModel {
  state: CircuitBreakerState = 'closed';
  #period = {};
  #window: boolean[] = [];
  #successes = 0;
  #trials = new Map<object, number>();
  #now = 0;
  #openedAt = 0;

  constructor(readonly options: Complete<Omit<CockatielBreakerOptions, 'onStateChange' | 'isFailure'>>) {}

  /** What reports the outcome of the call; undefined: it is not let through. */
  acquire(): ((report: Report) => void) | undefined {
    const { openDurationMs, successThreshold } = this.options;
    for (const [trial, since] of this.#trials) if (this.#now - since >= openDurationMs) this.#trials.delete(trial);
    if (this.state === 'open') return undefined;
    if (this.state === 'half-open' && this.#trials.size + this.#successes >= successThreshold) return undefined;
    const period = this.#period;
    const call = {};
    this.#trials.set(call, this.#now);
    return (report) => {
      if (period !== this.#period) return;
      this.#trials.delete(call);
      if (report !== 'release') this.#count(report === 'fail');
    };
  }

  pass(ms: number): void {
    this.#now += ms;
    if (this.state === 'open' && this.#now - this.#openedAt >= this.options.openDurationMs) this.#become('half-open');
  }

  #count(isFailure: boolean): void {
    const { windowSize, failureRate, successThreshold } = this.options;
    if (this.state === 'half-open') {
      if (isFailure) this.#become('open');
      else if (++this.#successes === successThreshold) this.#become('closed');
      return;
    }
    this.#window = [...this.#window, isFailure].slice(-windowSize);
    if (isFailure && this.#window.filter(Boolean).length / windowSize >= failureRate) this.#become('open');
  }

  #become(state: CircuitBreakerState): void {
    this.state = state;
    this.#period = {};
    this.#window = [];
    this.#successes = 0;
    this.#trials.clear();
    this.#openedAt = this.#now;
  }
}
