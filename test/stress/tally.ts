// The counters of the load, and what a client process says about itself.
import type { Sample } from './gauge.js';
import type { Incident } from './incidents.js';
import type { Settings } from './settings.js';

/** All add up: `commands` is the sum of those behind it and of what is under way. */
export interface Counters {
  /** Commands that were sent, or that there was no way to send. */
  commands: number;
  /** Answered in full and as expected, those that were to fail included. */
  ok: number;
  /** Over by a time limit of their own. */
  timedOut: number;
  /** Given up by their caller. */
  cancelled: number;
  /** Lost with their connection, written before: `sent: true`. */
  lost: number;
  /** Never sent, because there was no connection: `sent: false`. */
  unsent: number;
  /** Stopped by the circuit breaker. */
  blocked: number;
  /** Failed in any other way. */
  failed: number;
  /** Answered wrongly. */
  verifyErrors: number;
}

export const noCounters = (): Counters => ({
  commands: 0,
  ok: 0,
  timedOut: 0,
  cancelled: 0,
  lost: 0,
  unsent: 0,
  blocked: 0,
  failed: 0,
  verifyErrors: 0,
});

export function addCounters(to: Counters, more: Counters): void {
  for (const name of Object.keys(to) as (keyof Counters)[]) to[name] += more[name];
}

export interface LaneSetup {
  readonly name: string;
  readonly servers: readonly { readonly site: string; readonly port: number }[];
  /** Of `rate`; 0: the lane has sessions instead. */
  readonly share: number;
  /** Without the extension. */
  readonly isPlain: boolean;
  /** Its server knows the interop contract only. */
  readonly isInterop: boolean;
  readonly hasBreaker: boolean;
  /** The certificate of its server. */
  readonly ca?: string | undefined;
}

export interface ClientSetup {
  readonly settings: Settings;
  readonly lanes: readonly LaneSetup[];
}

/** What has happened since the tally before. */
export interface Tally {
  readonly counters: Counters;
  /** Calls that are under way. */
  readonly pending: number;
  /** Calls that have not ended although all their limits are over. */
  readonly hung: number;
  /** Results that no call waited for. */
  readonly late: number;
  readonly incidents: readonly Incident[];
  /** Commands that were sent once and lost with their connection, and when their callers were notified. */
  readonly lostIds: readonly (readonly [id: number, at: number, client: string, error: string])[];
  /** Commands of which their callers were notified that no server has seen them. */
  readonly unsentIds: readonly number[];
  /** Plain clients that have sent a Command that fails, which has cost their connection. */
  readonly failedCommands: readonly (readonly [client: string, from: number, until: number])[];
  /** Of wrong answers. */
  readonly texts: readonly string[];
}

/** What the process of the clients says. */
export type ClientWord =
  | { readonly ready: true }
  | { readonly tally: Tally }
  /** It sends nothing, and all calls have ended but so many. */
  | { readonly settled: Sample; readonly pending: number }
  | { readonly ended: true }
  | { readonly defect: string };

/** What it is asked for. */
export type ClientQuestion = 'pause' | 'resume' | 'end';
