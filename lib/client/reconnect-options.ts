// How a client opens lost connections anew: the options, their defaults and ranges.
import { MAX_TIMER_MS } from '../connection/connection-options.js';
import { integer, type OptionRules } from '../options.js';

/** @publicApi */
export interface ReconnectOptions {
  /**
   * Longest delay between two attempts at first, in milliseconds, 1 to 60,000: each delay is anything from nothing to this.
   * @default 1_000
   */
  maxDelayMs?: number;
  /**
   * How long an outage is met with short delays, in milliseconds; 0: not at all.
   * @default 5_000
   */
  fastPeriodMs?: number;
  /**
   * Delay between two attempts of a longer outage, in milliseconds, 20 % more or less; 1 to 3,600,000.
   * @default 6_000
   */
  slowDelayMs?: number;
  /**
   * Attempts in one outage before the connection is given up, until a call needs it again; 0: no limit. Up to 1,000,000.
   * @default 0
   */
  maxAttempts?: number;
}

export const reconnectDefaults = Object.freeze({
  maxDelayMs: 1000,
  fastPeriodMs: 5000,
  slowDelayMs: 6000,
  maxAttempts: 0,
});

export type ResolvedReconnectOptions = { readonly [K in keyof ReconnectOptions]-?: number };

export const reconnectRules: OptionRules<ReconnectOptions> = Object.freeze({
  maxDelayMs: integer(1, 60_000, 'milliseconds'),
  fastPeriodMs: integer(0, MAX_TIMER_MS, 'milliseconds'),
  slowDelayMs: integer(1, 3_600_000, 'milliseconds'),
  maxAttempts: integer(0, 1_000_000, 'attempts'),
});
