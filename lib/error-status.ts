// What an error means to callers that know statuses: of HTTP, and of gRPC. docs/error-codes.md shows them, by a test;
// CmdStreamExceptionFilter answers by them.
import type { CmdStreamErrorCode } from './error-codes.js';
import { isCmdStreamError, isError } from './errors.js';

/** The status codes of gRPC that are used here. */
const grpc = Object.freeze({
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
});

interface Statuses {
  readonly http: number;
  readonly grpc: number;
}

const fault: Statuses = Object.freeze({ http: 500, grpc: grpc.INTERNAL });
const unknown: Statuses = Object.freeze({ http: 500, grpc: grpc.UNKNOWN });
const tooMuch: Statuses = Object.freeze({ http: 500, grpc: grpc.RESOURCE_EXHAUSTED });
const unimplemented: Statuses = Object.freeze({ http: 501, grpc: grpc.UNIMPLEMENTED });
const unavailable: Statuses = Object.freeze({ http: 503, grpc: grpc.UNAVAILABLE });
/** The Command may have been executed: to try again is not as safe as without a connection. */
const lost: Statuses = Object.freeze({ http: 502, grpc: grpc.UNAVAILABLE });
const full: Statuses = Object.freeze({ http: 503, grpc: grpc.RESOURCE_EXHAUSTED });
const late: Statuses = Object.freeze({ http: 504, grpc: grpc.DEADLINE_EXCEEDED });
/** 499 is no official status of HTTP, but what proxies say. */
const left: Statuses = Object.freeze({ http: 499, grpc: grpc.CANCELLED });

const statusesOfCode: Readonly<Record<CmdStreamErrorCode, Statuses>> = Object.freeze({
  INVALID_OPTION: fault,
  INVALID_CONTRACT: fault,
  INVALID_HANDLER: fault,
  LISTEN_FAILED: fault,
  COMMAND_NOT_IN_CONTRACT: fault,
  RESULT_NOT_IN_CONTRACT: fault,
  NO_HANDLER: unimplemented,
  NO_RESULT: fault,
  MULTIPLE_RESULTS: fault,
  RESULT_AFTER_LAST: fault,
  CONTRACT_MISMATCH: fault,
  SERVER_INFO_MISMATCH: fault,
  SERVER_INFO_TOO_LARGE: fault,
  EXTENSION_UNAVAILABLE: unimplemented,
  ENCODE_FAILED: fault,
  FRAME_TOO_LARGE: tooMuch,
  VARINT_OVERFLOW: fault,
  NEGATIVE_LENGTH: fault,
  UNSAFE_INTEGER: fault,
  UNKNOWN_TYPE: fault,
  BAD_PAYLOAD: fault,
  JSON_LIMIT: tooMuch,
  PROTOCOL_ERROR: fault,
  CONNECT_FAILED: unavailable,
  CONNECT_TIMEOUT: unavailable,
  HANDSHAKE_TIMEOUT: unavailable,
  TLS_ERROR: unavailable,
  CONNECTION_LOST: lost,
  PEER_CLOSED: lost,
  PEER_RESET: lost,
  KEEPALIVE_TIMEOUT: lost,
  FRAME_TIMEOUT: lost,
  RECEIVE_TIMEOUT: lost,
  IDLE_TIMEOUT: lost,
  WRITE_STALL_TIMEOUT: lost,
  SEND_BUFFER_FULL: lost,
  MEMORY_PRESSURE: lost,
  PING_FLOOD: lost,
  TOO_MANY_CONTROL_FRAMES: lost,
  MAX_CONNECTIONS: unavailable,
  ACCEPT_FAILED: unavailable,
  FIRST_CONNECTION_TIMEOUT: unavailable,
  CLOSED: unavailable,
  SHUTDOWN: unavailable,
  TIMEOUT: late,
  CANCELLED: left,
  ANSWERED: left,
  METADATA_FAILED: unavailable,
  QUEUE_FULL: full,
  CIRCUIT_OPEN: unavailable,
  SLOW_CONSUMER: tooMuch,
  HANDLER_ERROR: fault,
  REMOTE: unknown,
  INTERNAL: fault,
  OVERLOADED: unavailable,
});

/** For what a payload says by its `statusCode`; the statuses beside them have that of their class. */
const grpcOfHttp: ReadonlyMap<number, number> = new Map([
  [400, grpc.INVALID_ARGUMENT],
  [401, grpc.UNAUTHENTICATED],
  [403, grpc.PERMISSION_DENIED],
  [404, grpc.NOT_FOUND],
  [405, grpc.UNIMPLEMENTED],
  [408, grpc.DEADLINE_EXCEEDED],
  [409, grpc.ABORTED],
  [410, grpc.NOT_FOUND],
  [416, grpc.OUT_OF_RANGE],
  [422, grpc.INVALID_ARGUMENT],
  [429, grpc.RESOURCE_EXHAUSTED],
  [499, grpc.CANCELLED],
  [501, grpc.UNIMPLEMENTED],
  [502, grpc.UNAVAILABLE],
  [503, grpc.UNAVAILABLE],
  [504, grpc.DEADLINE_EXCEEDED],
]);

const FIRST_SERVER_FAULT = 500;

/**
 * The status of HTTP for an error of a call, 400 to 599, by which {@link CmdStreamExceptionFilter} answers: of REMOTE
 * the `statusCode` in its payload, of other codes that of docs/error-codes.md, and 500 for what is no error of this
 * package.
 *
 * @publicApi
 */
export function httpStatusOf(error: unknown): number {
  return saidStatusOf(error) ?? statusesOf(error).http;
}

/**
 * The status code of gRPC for an error of a call, 1 to 16: of REMOTE by the `statusCode` in its payload, of other codes
 * that of docs/error-codes.md, and UNKNOWN (2) for what is no error of this package.
 *
 * @publicApi
 */
export function grpcStatusOf(error: unknown): number {
  const said = saidStatusOf(error);
  if (said === undefined) return statusesOf(error).grpc;
  return grpcOfHttp.get(said) ?? (said < FIRST_SERVER_FAULT ? grpc.FAILED_PRECONDITION : grpc.INTERNAL);
}

function statusesOf(error: unknown): Statuses {
  return isCmdStreamError(error) ? statusesOfCode[error.code] : unknown;
}

/** What the other side has said; undefined if the error says nothing of the kind. */
function saidStatusOf(error: unknown): number | undefined {
  const said = remotePayload(error);
  return said && statusCodeOf(said.payload);
}

/** Is it an error that another server has said, as a call by class or by pattern fails with it? */
export function remotePayload(error: unknown): { readonly payload: unknown } | undefined {
  if (isCmdStreamError(error)) return error.code === 'REMOTE' ? { payload: error.payload } : undefined;
  return isFilterPayload(error) ? { payload: error } : undefined;
}

/** Has CmdStreamExceptionFilter made it of an HttpException? A call by pattern fails with just that. */
function isFilterPayload(error: unknown): boolean {
  try {
    const { status, message } = (error ?? {}) as Record<string, unknown>;
    return status === 'error' && typeof message === 'string' && statusCodeOf(error) !== undefined;
  } catch {
    return false;
  }
}

/** An Error is never meant for a caller; other numbers would not be errors, or no statuses, and Node refuses them. */
export function statusCodeOf(payload: unknown): number | undefined {
  if (isError(payload)) return undefined;
  try {
    const { statusCode } = (payload ?? {}) as Record<string, unknown>;
    const isStatus = Number.isInteger(statusCode) && (statusCode as number) >= 400 && (statusCode as number) <= 599;
    return isStatus ? (statusCode as number) : undefined;
  } catch {
    return undefined;
  }
}
