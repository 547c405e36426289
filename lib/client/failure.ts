// Which errors of a call say that its server, or the way to it, is in trouble.
import type { CmdStreamErrorCode } from '../error-codes.js';
import { isCmdStreamError, type CmdStreamError } from '../errors.js';

/** Of REMOTE, which carries what the application meant for the caller, only the payload can tell. */
const verdicts: Readonly<Record<CmdStreamErrorCode, boolean | 'by payload'>> = Object.freeze({
  // a mistake in the program, at either end
  INVALID_OPTION: false,
  INVALID_CONTRACT: false,
  INVALID_HANDLER: false,
  LISTEN_FAILED: false,
  COMMAND_NOT_IN_CONTRACT: false,
  RESULT_NOT_IN_CONTRACT: false,
  NO_HANDLER: false,
  RESULT_AFTER_LAST: false,
  NO_RESULT: false,
  MULTIPLE_RESULTS: false,
  EXTENSION_UNAVAILABLE: false,
  // one value that cannot be written or read
  ENCODE_FAILED: false,
  FRAME_TOO_LARGE: false,
  UNSAFE_INTEGER: false,
  UNKNOWN_TYPE: false,
  BAD_PAYLOAD: false,
  JSON_LIMIT: false,
  // what answers there is not the server that was meant, or no working one
  VARINT_OVERFLOW: true,
  NEGATIVE_LENGTH: true,
  PROTOCOL_ERROR: true,
  SERVER_INFO_MISMATCH: true,
  SERVER_INFO_TOO_LARGE: true,
  CONTRACT_MISMATCH: true,
  // no connection
  CONNECT_FAILED: true,
  CONNECT_TIMEOUT: true,
  HANDSHAKE_TIMEOUT: true,
  TLS_ERROR: true,
  MAX_CONNECTIONS: true,
  ACCEPT_FAILED: false,
  FIRST_CONNECTION_TIMEOUT: false,
  // the connection is lost
  CONNECTION_LOST: true,
  PEER_CLOSED: true,
  PEER_RESET: true,
  KEEPALIVE_TIMEOUT: true,
  RECEIVE_TIMEOUT: true,
  IDLE_TIMEOUT: true,
  FRAME_TIMEOUT: true,
  WRITE_STALL_TIMEOUT: true,
  SEND_BUFFER_FULL: true,
  MEMORY_PRESSURE: true,
  PING_FLOOD: true,
  TOO_MANY_CONTROL_FRAMES: true,
  HANDLER_ERROR: true,
  SHUTDOWN: true,
  // no answer, or one that admits trouble
  TIMEOUT: true,
  INTERNAL: true,
  OVERLOADED: true,
  REMOTE: 'by payload',
  // this side's own doing
  CLOSED: false,
  CANCELLED: false,
  ANSWERED: false,
  METADATA_FAILED: false,
  QUEUE_FULL: false,
  CIRCUIT_OPEN: false,
  SLOW_CONSUMER: false,
});

/** From here on a status of HTTP says that the server is at fault. */
const FIRST_SERVER_FAULT = 500;

/**
 * Is it the fault of the server or of the way to it? Yes: no connection, a lost one, no answer in time, `INTERNAL`,
 * `OVERLOADED`, and `REMOTE` with a `statusCode` or `status` of 500 and above in its payload, or with what Nest makes
 * of an exception it does not know. No: other errors of
 * handlers, values that cannot be written, limits of this side, and the reason of a signal that has aborted, unless it
 * is the TimeoutError of `AbortSignal.timeout()`.
 *
 * @publicApi
 */
export function isFailure(error: unknown): boolean {
  if (!isCmdStreamError(error)) return propertyOf(error, 'name') === 'TimeoutError';
  const verdict = verdicts[error.code];
  return verdict === 'by payload' ? isServerFault(error.payload) : verdict;
}

/** What Nest makes of an exception it does not know counts as well: it says no status, only this. */
function isServerFault(payload: unknown): boolean {
  if (propertyOf(payload, 'status') === 'error' && propertyOf(payload, 'message') === 'Internal server error')
    return true;
  return ['statusCode', 'status'].some((key) => {
    const status = propertyOf(payload, key);
    return typeof status === 'number' && status >= FIRST_SERVER_FAULT;
  });
}

/** Undefined too for what throws when it is asked. */
function propertyOf(value: unknown, key: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[key];
  } catch {
    return undefined;
  }
}

// Which failures to connect do not become better by waiting.

const permanent: ReadonlySet<string> = new Set([
  'SERVER_INFO_MISMATCH',
  'SERVER_INFO_TOO_LARGE',
  'CONTRACT_MISMATCH',
  'EXTENSION_UNAVAILABLE',
  'TLS_ERROR',
]);

/**
 * No call is kept waiting for it. A reset in the middle of TLS may be a refused certificate, or a server that is not
 * there.
 */
export function isPermanent(error: CmdStreamError | undefined): boolean {
  if (error === undefined || !permanent.has(error.code)) return false;
  return !(error.code === 'TLS_ERROR' && isCmdStreamError(error.cause));
}
