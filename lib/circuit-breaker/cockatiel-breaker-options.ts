// The options of the breaker over cockatiel: their meaning, defaults and ranges.
import type { CircuitBreakerState } from '../client/circuit-breaker.js';
import { callback, integer, type OptionRules } from '../options.js';

/**
 * When a circuit of {@link cockatielBreaker} opens and closes. All are optional; the defaults are the rules of cmd-
 * stream-go.
 *
 * @publicApi
 */
export interface CockatielBreakerOptions {
  /**
   * How many of the latest outcomes count; before the first call all of them are successes. 1 to 1,000,000.
   * @default 50
   */
  windowSize?: number | undefined;
  /**
   * Share of failures among them that opens the circuit, above 0 up to 1.
   * @default 0.5
   */
  failureRate?: number | undefined;
  /**
   * Time an open circuit lets no call through, in milliseconds, 1 to 2,147,483,647. While half-open, a trial call that
   * has not reported for so long makes room for another; its outcome still counts.
   * @default 5_000
   */
  openDurationMs?: number | undefined;
  /**
   * Trial calls that a half-open circuit lets through, all of which must succeed to close it. 1 to 1,000,000.
   * @default 3
   */
  successThreshold?: number | undefined;
  /**
   * Which errors of a call count as failures of its server; must answer at once, and what it throws counts.
   * @default isFailure
   */
  isFailure?: ((error: unknown) => boolean) | undefined;
  /**
   * Called with every change and the server as `host:port`. It may use the breaker; what it throws is ignored.
   * @default none
   */
  onStateChange?: ((state: CircuitBreakerState, server: string) => void) | undefined;
}

export const cockatielBreakerDefaults = Object.freeze({
  windowSize: 50,
  failureRate: 0.5,
  openDurationMs: 5_000,
  successThreshold: 3,
});

export const cockatielBreakerRules: OptionRules<CockatielBreakerOptions> = Object.freeze({
  windowSize: integer(1, 1_000_000, 'outcomes'),
  failureRate: {
    expected: 'a number above 0, up to 1',
    accepts: (value) => typeof value === 'number' && value > 0 && value <= 1,
  },
  openDurationMs: integer(1, 2_147_483_647, 'milliseconds'),
  successThreshold: integer(1, 1_000_000, 'calls'),
  isFailure: callback,
  onStateChange: callback,
});
