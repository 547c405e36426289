// What all sessions of one server share.
import type { Contract } from '../../contract/contract.js';
import type { Fingerprint } from '../../codec/fingerprint.js';
import type { ConnectionConfig } from '../../connection/connection.js';
import type { CmdStreamError } from '../../errors.js';
import type { EventRoom } from '../call/event-queue.js';
import type { Invoker } from '../invoker.js';
import type { LoadedConnection, ServerLoad } from '../server-load.js';
import type { PlainErrorMapper } from '../server-options.js';
import type { SessionLimitsConfig } from './session-limits.js';

export interface EndableConnection extends LoadedConnection {
  end(cause: CmdStreamError): void;
}

export interface SessionConfig extends ConnectionConfig {
  readonly serverInfo: Uint8Array;
  readonly invoker: Invoker;
  readonly contract: Contract;
  readonly fingerprint: Fingerprint;
  /** Answer a probe. */
  readonly extension: boolean;
  readonly onPlainError: PlainErrorMapper | 'close';
  /** The names of Commands whose handlers were found to go on after their last Result. */
  readonly wentOn: Set<string>;
  /** Of one connection. */
  readonly maxInFlight: number;
  /** Of all connections. */
  readonly load: ServerLoad<EndableConnection>;
  readonly limits: SessionLimitsConfig;
  readonly sendHighWaterBytes: number;
  readonly maxStreamBufferBytes: number;
  readonly eventRoom: EventRoom;
}
