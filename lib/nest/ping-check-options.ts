// What a health check of a client asks for.
import { MAX_TIMER_MS } from '../connection/connection-options.js';
import { boolean, integer, type OptionRules } from '../options.js';

/** @publicApi */
export interface PingCheckOptions {
  /**
   * Time for the answers, that to open a connection if there is none included, in milliseconds; 1 and up.
   * @default 1_000
   */
  timeoutMs?: number;
  /**
   * Down unless all connections are open and answer; `false`: one is enough.
   * @default false
   */
  requireAll?: boolean;
}

export const pingCheckDefaults = Object.freeze({ timeoutMs: 1_000, requireAll: false });

export const pingCheckRules: OptionRules<PingCheckOptions> = Object.freeze({
  timeoutMs: integer(1, MAX_TIMER_MS, 'milliseconds'),
  requireAll: boolean,
});
