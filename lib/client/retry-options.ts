// How often a client repeats Commands that may be repeated: the options, their defaults and ranges.
import { MAX_TIMER_MS } from '../connection/connection-options.js';
import { integer, type OptionRules } from '../options.js';

/** @publicApi */
export interface RetryOptions {
  /**
   * How often a Command of a class with `static idempotent = true` is sent in all when its connection is lost before the
   * first Result; 1 to 100, 1: once.
   * @default 3
   */
  maxAttempts?: number;
  /**
   * Longest delay before the first repetition, in milliseconds; it doubles with each. 0 to 60,000.
   * @default 100
   */
  delayMs?: number;
  /**
   * Longest delay before any repetition, in milliseconds.
   * @default 5_000
   */
  maxDelayMs?: number;
}

export const retryDefaults = Object.freeze({ maxAttempts: 3, delayMs: 100, maxDelayMs: 5000 });

export type ResolvedRetryOptions = { readonly [K in keyof RetryOptions]-?: number };

export const retryRules: OptionRules<RetryOptions> = Object.freeze({
  maxAttempts: integer(1, 100, 'attempts'),
  delayMs: integer(0, 60_000, 'milliseconds'),
  maxDelayMs: integer(0, MAX_TIMER_MS, 'milliseconds'),
});
