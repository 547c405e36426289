// What all sessions of one server share.
import type { ContractTables } from '../../contract/contract.js';
import type { Fingerprint } from '../../codec/fingerprint.js';
import type { ConnectionConfig } from '../../connection/connection.js';
import type { ServerObservers } from '../../instrumentation/observers.js';
import type { CommandInvoker } from '../invoker.js';
import type { ByteBudget } from '../byte-budget.js';
import type { ServerLoad } from '../server-load.js';
import type { PlainErrorMapper } from '../server-options.js';
import type { SendSchedulerConfig } from './send-scheduler.js';

export interface SessionConfig extends ConnectionConfig, SendSchedulerConfig {
  readonly options: SendSchedulerConfig['options'];
  readonly serverInfo: Uint8Array;
  readonly invoker: CommandInvoker;
  readonly contract: ContractTables;
  readonly fingerprint: Fingerprint;
  /** Is a probe answered with HELLO? */
  readonly extension: boolean;
  readonly onPlainError: PlainErrorMapper | 'close';
  /** Is each Result of the contract a last one? */
  readonly isEachLast: boolean;
  /** The names of Commands whose RESULT_AFTER_LAST was reported: once is enough. */
  readonly reportedAfterLast: Set<string>;
  /** Of one connection. */
  readonly maxInFlight: number;
  /** How long a Command may run; 0: no limit. */
  readonly commandTimeoutMs: number;
  /** Of all connections. */
  readonly load: ServerLoad;
  /** What watches Commands. */
  readonly observers: ServerObservers;
  readonly budget: ByteBudget;
  readonly limits: SessionLimitsConfig;
  readonly rates: SessionRates;
}

/** Frames of a connection in a second; Infinity: no limit. */
export interface SessionRates {
  readonly maxPingsPerSecond: number;
  readonly maxControlFramesPerSecond: number;
}

export interface SessionLimitsConfig {
  readonly receiveTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** How long a peer that was asked to go may take to say that it does. */
  readonly gracePeriodMs: number;
}
