// How long a lost connection waits before the next attempt, and the options of that. It counts attempts of one outage;
// the clock and the dice are given.
//
//   first 5 s: up to 100 ms, up to 500 ms, then up to 1 s, anything in between
//   later: about 6 s, 20 % more or less
import { MAX_TIMER_MS } from '../../connection/connection-options.js';
import { cap, integer, renamedTo, type OldOptionNames, type OptionRules } from '../../options.js';

/** How a client opens lost connections anew. @publicApi */
export interface ReconnectOptions {
  /**
   * Longest delay between two attempts at first, in milliseconds, 1 to 60,000: each delay is anything from nothing to
   * this, and no longer than `maxDelayMs`.
   * @default 1_000
   */
  delayMs?: number | undefined;
  /**
   * How long an outage is met with short delays, in milliseconds; 0: not at all.
   * @default 5_000
   */
  fastPeriodMs?: number | undefined;
  /**
   * Delay between two attempts of a longer outage, in milliseconds, 20 % more or less; 1 to 3,600,000.
   * @default 6_000
   */
  maxDelayMs?: number | undefined;
  /**
   * Attempts in one outage before the connection is given up, until a call needs it again; 1 to 1,000,000, or
   * `Infinity`: no limit.
   * @default Infinity
   */
  maxAttempts?: number | undefined;
}

export const reconnectDefaults = Object.freeze({
  delayMs: 1000,
  fastPeriodMs: 5000,
  maxDelayMs: 6000,
  maxAttempts: Infinity,
});

export type ResolvedReconnectOptions = { readonly [K in keyof ReconnectOptions]-?: number };

export const reconnectRules: OptionRules<ReconnectOptions> = Object.freeze({
  delayMs: integer(1, 60_000, 'milliseconds'),
  fastPeriodMs: integer(0, MAX_TIMER_MS, 'milliseconds'),
  maxDelayMs: integer(1, 3_600_000, 'milliseconds'),
  maxAttempts: cap(1, 1_000_000, 'attempts'),
});

export const oldReconnectNames: OldOptionNames = Object.freeze({ slowDelayMs: renamedTo('maxDelayMs') });

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
    return this.#attempts >= this.#options.maxAttempts;
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
    const { delayMs, fastPeriodMs, maxDelayMs } = this.#options;
    if (elapsed >= fastPeriodMs) return maxDelayMs * (1 - SLOW_SPREAD + 2 * SLOW_SPREAD * this.#random());
    const shortMs = Math.min(delayMs, maxDelayMs);
    const longest = Math.min(shortMs, FIRST_CAPS_MS[attempt] ?? shortMs);
    // Short draws one after the other would add up to many attempts: an attempt that is ahead of the pace has a longer
    // one.
    const isAhead = attempt >= EARLY_ATTEMPTS + (2 * elapsed) / shortMs;
    return longest * (isAhead ? (1 + this.#random()) / 2 : this.#random());
  }

  /** The outage is over. */
  reset(): void {
    this.#attempts = 0;
  }
}
