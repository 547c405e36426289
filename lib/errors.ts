// The one error class of the package, its codes, and one line of meaning for each code.
// Everything that can go wrong, here or at the peer, reaches the user as a CmdStreamError.
import { inspect, types } from 'node:util';

/** What each {@link CmdStreamErrorCode} means; the error table of the README is held against this object by a test. */
export const errorMeanings = Object.freeze({
  // set up by the programmer
  INVALID_OPTION: 'an option is unknown, has the wrong type or is out of range',
  INVALID_CONTRACT: 'a contract lists nothing, a type twice or something that is no type, or `new Class()` fails',
  INVALID_HANDLER: 'a handler or Invoker does not fit the contract',
  LISTEN_FAILED: 'the server cannot listen at its address',
  // one Command or Result cannot be written
  COMMAND_NOT_IN_CONTRACT: "the Command's class is not in the contract's `commands`",
  RESULT_NOT_IN_CONTRACT: "the Result's class is not in the contract's `results`",
  ENCODE_FAILED: 'a value cannot be written by the codec',
  // what a peer sent cannot be accepted
  FRAME_TOO_LARGE: 'a frame is larger than `maxCommandBytes` or `maxResultBytes` allows, or its body than `maxBytes`',
  VARINT_OVERFLOW: 'a varint has more bytes or bits than its width allows',
  NEGATIVE_LENGTH: 'a length is negative',
  UNSAFE_INTEGER: 'an integer would be rounded by a number, and the receiver did not ask for bigint',
  UNKNOWN_TYPE: 'a type number is not in the contract',
  BAD_PAYLOAD: 'the body of a frame cannot be decoded',
  JSON_LIMIT: 'a JSON body has more depth, tokens or keys than `maxDepth`, `maxTokens` or `maxKeysPerObject` allows',
  PROTOCOL_ERROR: 'the peer broke the protocol',
  SERVER_INFO_MISMATCH: 'the server introduced itself with another `serverInfo`',
  SERVER_INFO_TOO_LARGE: 'a `serverInfo` is longer than 1024 bytes',
  // a connection ends
  CONNECT_FAILED: 'no connection could be opened',
  CONNECT_TIMEOUT: 'TCP, TLS and ServerInfo together took longer than `connectTimeoutMs`',
  HANDSHAKE_TIMEOUT: 'a client did not finish its TLS handshake within `handshakeTimeoutMs`',
  TLS_ERROR: 'the TLS handshake failed',
  CONNECTION_LOST: 'the connection ended before the Command was answered',
  PEER_CLOSED: 'the peer ended the connection',
  PEER_RESET: 'the peer or the network reset the connection',
  KEEPALIVE_TIMEOUT: 'the peer sent neither a pong nor anything else within `keepalive.timeoutMs`',
  FRAME_TIMEOUT: 'a frame was begun and not finished within `frameTimeoutMs`',
  RECEIVE_TIMEOUT: 'no whole Command or ping arrived within `receiveTimeoutMs`',
  IDLE_TIMEOUT: 'nothing was running, sent or received on the connection for `idleTimeoutMs`',
  WRITE_STALL_TIMEOUT: 'the peer took no bytes for `writeStallTimeoutMs`',
  SEND_BUFFER_FULL: 'more waits for a peer that does not read than `maxSendBufferBytes` and `maxStreamBufferBytes`',
  MAX_CONNECTIONS: 'the server already has `maxConnections` connections',
  ACCEPT_FAILED: 'the system could not give the server a connection; it goes on listening',
  FIRST_CONNECTION_TIMEOUT: 'no client connected within `firstConnectionTimeoutMs`',
  HANDLER_ERROR: 'a handler failed and the peer knows no error reply',
  RESULT_AFTER_LAST: 'a handler goes on after the last Result that a plain peer takes',
  CLOSED: 'this side was closed by its application',
  SHUTDOWN: 'the server is shutting down',
  // one call ends
  TIMEOUT: 'the call was not answered within its time limit',
  CANCELLED: 'the caller cancelled the call',
  ANSWERED: 'the reason of a signal: the Command was answered, or needed no answer, and is over',
  QUEUE_FULL: 'more than `queue.maxCommands` or `maxQueuedBytes` wait to be sent, or 65,536 for an answer',
  CIRCUIT_OPEN: 'every server that could be called has a circuit breaker that lets none through',
  MULTIPLE_RESULTS: 'an `execute` got several Results, or one whose `lastOne()` is false',
  NO_HANDLER: 'no handler is registered for the Command',
  // between two peers of this package
  REMOTE: 'the handler failed; `payload` is what the server sent about it',
  INTERNAL: 'the handler failed with an error that is not shown to clients',
  OVERLOADED: 'the server runs as many Commands as it may',
  SLOW_CONSUMER: 'more waits to be taken than `maxStreamBufferBytes` of the client or server allows',
  CONTRACT_MISMATCH: "the two sides' contracts list different types at the same position",
  EXTENSION_UNAVAILABLE: 'metadata, patterns or `extension: "require"` need a peer of this package',
});

/** @publicApi */
export type CmdStreamErrorCode = keyof typeof errorMeanings;

/** @publicApi */
export interface CmdStreamErrorOptions {
  /** What led to this error. */
  cause?: unknown;
  /** May the server have seen the Command? Default `false`. */
  sent?: boolean;
  /** For REMOTE: what travels to the caller, any JSON value. */
  payload?: unknown;
}

/**
 * The error of this package. `code` says what happened and never changes its meaning; `message` is for people.
 *
 * @publicApi
 */
export class CmdStreamError extends Error {
  override readonly name = 'CmdStreamError';
  readonly code: CmdStreamErrorCode;
  /** May the server have seen, and so executed, the Command? `false` makes it safe to send again. */
  readonly sent: boolean;
  /** What the server sent about the failure, verbatim; undefined unless it did. */
  readonly payload: unknown;
  readonly #isMade = true;

  /**
   * By what its constructor has made, whatever its prototype: asking a foreign value so cannot fail, and Nest's layer
   * may adopt one.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== CmdStreamError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && #isMade in value && value.#isMade;
  }

  constructor(code: CmdStreamErrorCode, message: string, options: CmdStreamErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.sent = options.sent ?? false;
    this.payload = options.payload;
  }
}

const FIELDS = ['code', 'message', 'sent', 'payload', 'cause'] as const;

/**
 * Is it an error of this package? False for what throws when it is asked, that or anything else that such an error
 * says.
 */
export function isCmdStreamError(error: unknown): error is CmdStreamError {
  try {
    if (!(error instanceof CmdStreamError)) return false;
    for (const field of FIELDS) void error[field];
    return true;
  } catch {
    return false;
  }
}

/** Is it an Error of any kind and realm? False for what throws when it is asked. */
export function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error;
  } catch {
    return false;
  }
}

export function isErrorCode(code: string): code is CmdStreamErrorCode {
  return Object.hasOwn(errorMeanings, code);
}

/** The `code` of whatever was thrown, `undefined` if it has none: never by `instanceof`, which fails across realms. */
export function codeOf(error: unknown): string | undefined {
  try {
    const code = (error as { code?: unknown } | null | undefined)?.code;
    return typeof code === 'string' ? code : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The `stack` of whatever was thrown, `undefined` if it has none that is text: `Error.prepareStackTrace` may give
 * anything.
 */
export function stackOf(error: unknown): string | undefined {
  try {
    const stack = (error as { stack?: unknown } | null | undefined)?.stack;
    return typeof stack === 'string' ? stack : undefined;
  } catch {
    return undefined;
  }
}

/** The text of whatever was thrown: the message if it has one, as Errors and the errors of Nest's filters do. */
export function messageOf(error: unknown): string {
  try {
    const message = (error as { message?: unknown } | null | undefined)?.message;
    if (typeof message === 'string') return message;
    return typeof error === 'object' ? inspect(error, { depth: 1, breakLength: Infinity }) : String(error);
  } catch {
    return 'a value that cannot be shown';
  }
}

const invisible = /[\p{Control}\p{Format}\p{Line_Separator}\p{Paragraph_Separator}\p{Surrogate}]/gu;
const MAX_PEER_BYTES = 128;
/** Of what others say about a failure. */
export const MAX_REASON_BYTES = 1024;

/** The text with everything escaped that could move a cursor, begin a line or hide. */
export function visibleText(text: string): string {
  return text.replace(invisible, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** Text that a peer may have written, for a message or a log: one line, nothing invisible, at most so many bytes. */
export function peerText(text: string, maxBytes = MAX_PEER_BYTES): string {
  // A copy: a slice would keep all of the text in memory as long as the error is kept.
  const bytes = Buffer.from(visibleText(text.slice(0, maxBytes + 1)));
  if (bytes.length <= maxBytes) return bytes.toString('utf8');
  const cut = bytes.subarray(0, maxBytes - 3);
  return `${cut.toString('utf8').replace(/\ufffd+$/, '')}…`;
}

/** What a codec threw, as an error of this package. */
export function encodeError(error: unknown): CmdStreamError {
  if (isCmdStreamError(error)) return error;
  return new CmdStreamError('ENCODE_FAILED', `the codec failed: ${messageOf(error)}`, { cause: error });
}

/** What a codec threw at the bytes of a peer, as an error of this package. */
export function decodeError(error: unknown): CmdStreamError {
  if (isCmdStreamError(error)) return error;
  return new CmdStreamError('BAD_PAYLOAD', `the codec failed: ${peerText(messageOf(error))}`, { cause: error });
}

const resetCodes: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ETIMEDOUT',
  'ENETRESET',
  'EHOSTUNREACH',
]);

/** Translates what a socket reports into a CmdStreamError; the one place that knows Node's codes. */
export function fromSocketError(error: unknown): CmdStreamError {
  if (isCmdStreamError(error)) return error;
  const code = codeOf(error) ?? '';
  // That of a certificate, say, is the peer's.
  const text = peerText(messageOf(error), MAX_REASON_BYTES);
  if (
    code.startsWith('ERR_TLS') ||
    code.startsWith('ERR_SSL') ||
    code.startsWith('ERR_OSSL') ||
    code.startsWith('CERT_') ||
    tlsVerifyCodes.has(code)
  ) {
    return new CmdStreamError('TLS_ERROR', `TLS failed: ${text}`, { cause: error });
  }
  if (resetCodes.has(code)) return new CmdStreamError('PEER_RESET', `connection reset: ${text}`, { cause: error });
  return new CmdStreamError('CONNECT_FAILED', text, { cause: error });
}

const tlsVerifyCodes: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'EPROTO',
]);
