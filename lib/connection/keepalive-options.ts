// When a client asks whether its server is still there: the options, their defaults and ranges.
import { integer, type OptionRules } from '../options.js';
import { MAX_TIMER_MS } from './connection-options.js';

/** @publicApi */
export interface KeepaliveOptions {
  /**
   * Time from one pong to the next ping while no Command is pending, in milliseconds; 250 and up.
   * @default 5_000
   */
  idleMs?: number;
  /**
   * The same while Commands are pending, in milliseconds; 250 and up. A client with several open connections asks one that
   * has been quiet for half a second once besides, and again only when more is sent or was heard.
   * @default 5_000
   */
  intervalMs?: number;
  /**
   * Time in which a server that was pinged may send nothing at all, in milliseconds, plus one second for each 128 KiB of
   * Commands that are ahead of the ping, `writeStallTimeoutMs` at most; then the connection is lost. Time in which this process stands still does not
   * count. 250 and up.
   * @default 5_000
   */
  timeoutMs?: number;
}

export const keepaliveDefaults = Object.freeze({ idleMs: 5000, intervalMs: 5000, timeoutMs: 5000 });

export type ResolvedKeepaliveOptions = { readonly [K in keyof KeepaliveOptions]-?: number };

const duration = integer(250, MAX_TIMER_MS, 'milliseconds');

export const keepaliveRules: OptionRules<KeepaliveOptions> = Object.freeze({
  idleMs: duration,
  intervalMs: duration,
  timeoutMs: duration,
});
