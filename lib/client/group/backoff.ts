// How long a lost connection waits before the next attempt. It counts attempts of one outage; the clock and the dice
// are given.
//
//   first 5 s: up to 100 ms, up to 500 ms, then up to 1 s, anything in between
//   later: about 6 s, 20 % more or less
import type { ResolvedReconnectOptions } from '../client-options.js';

const FIRST_CAPS_MS: readonly number[] = [100, 500];
const SLOW_SPREAD = 0.2;
/** So many attempts may come early; from there on two within the longest delay are the pace to keep. */
const EARLY_ATTEMPTS = 1;

export class Backoff {
  readonly #options: ResolvedReconnectOptions;
  readonly #random: () => number;
  #attempts = 0;
  #since = 0;

  constructor(options: ResolvedReconnectOptions, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  /** Attempts of this outage so far. */
  get attempts(): number {
    return this.#attempts;
  }

  /** True when another attempt would be one too many. */
  get isExhausted(): boolean {
    const { maxAttempts } = this.#options;
    return maxAttempts > 0 && this.#attempts >= maxAttempts;
  }

  /** Milliseconds until the next attempt, when the last one took `tookMs`; `now` by a clock that only goes forward. */
  next(now: number, tookMs = 0): number {
    // From beginning to beginning: an attempt that runs out of time is pause enough.
    return Math.max(0, this.#distance(now) - tookMs);
  }

  #distance(now: number): number {
    if (this.#attempts === 0) this.#since = now;
    const elapsed = now - this.#since;
    const attempt = this.#attempts++;
    const { maxDelayMs, fastPeriodMs, slowDelayMs } = this.#options;
    if (elapsed >= fastPeriodMs) return slowDelayMs * (1 - SLOW_SPREAD + 2 * SLOW_SPREAD * this.#random());
    const cap = Math.min(maxDelayMs, FIRST_CAPS_MS[attempt] ?? maxDelayMs);
    // Short draws one after the other would add up to many attempts: an attempt that is ahead of the pace has a longer
    // one.
    const isAhead = attempt >= EARLY_ATTEMPTS + (2 * elapsed) / maxDelayMs;
    return cap * (isAhead ? (1 + this.#random()) / 2 : this.#random());
  }

  /** The outage is over. */
  reset(): void {
    this.#attempts = 0;
  }
}
