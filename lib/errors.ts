// The one error class of the package: everything that can go wrong, here or at the peer, reaches the user as one.
// And how to ask whatever was thrown, which may be anything, without failing.
import { inspect, types } from 'node:util';
import { errorKinds, isErrorCode, type CmdStreamErrorCode, type CmdStreamErrorKind } from './error-codes.js';

/**
 * What a {@link CmdStreamError} is made with besides its code and message: the third argument of its constructor, all
 * optional. Handlers make errors for their callers by {@link CmdStreamError.remote}.
 *
 * @example
 * import { CmdStreamError } from 'nestjs-cmd-stream';
 *
 * export const soldOut = new CmdStreamError('REMOTE', 'sold out', { payload: { item: 'tea' } });
 *
 * @publicApi
 */
export interface CmdStreamErrorOptions {
  /** What led to this error. */
  cause?: unknown;
  /** May the server have seen the Command? Default `false`. */
  sent?: boolean | undefined;
  /** For REMOTE: what travels to the caller, any JSON value. */
  payload?: unknown;
}

/** Known to every copy of this package in a process: an application may have loaded two, and a test many. */
const MARK = Symbol.for('nestjs-cmd-stream.error');

/**
 * The error of this package. `code` says what happened and never changes its meaning, `kind` what to do about it;
 * `message` is for people. {@link isCmdStreamError} and `instanceof` recognize one of any copy of this package.
 *
 * @publicApi
 */
export class CmdStreamError extends Error {
  /** The same for all of them, as `name` of any Error. */
  override readonly name = 'CmdStreamError';
  /** What has happened; never changes its meaning, `errorMeanings[code]` says it in words. */
  readonly code: CmdStreamErrorCode;
  /** What to do about it; each code has one kind. */
  readonly kind: CmdStreamErrorKind;
  /** May the server have seen, and so executed, the Command? `false` makes it safe to send again. */
  readonly sent: boolean;
  /** What the server sent about the failure, verbatim; undefined unless it did. */
  readonly payload: unknown;
  readonly #isMade = true;

  /**
   * By what its constructor, or that of another copy of this package, has made, whatever its prototype: asking a
   * foreign value so cannot fail, and Nest's layer may adopt one.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== CmdStreamError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return (typeof value === 'object' && value !== null && #isMade in value && value.#isMade) || isOfAnotherCopy(value);
  }

  /**
   * What a handler throws so that its caller gets `payload`: the call fails with REMOTE, and {@link isRemoteError}
   * gives the payload its type again. It is to a handler of Commands what `RpcException` is to Nest's handlers by
   * pattern, and Nest's exception filters see it as one.
   *
   * @param payload Any JSON value; an Error in it arrives as `{}`. Its `message`, if it has one, is that of the error;
   * its `statusCode`, from 400 to 599, is the status of {@link httpStatusOf}.
   * @param options `cause`: what led to it; it does not travel.
   */
  static remote<Payload>(payload: Payload, options: Pick<CmdStreamErrorOptions, 'cause'> = {}): RemoteError<Payload> {
    const message = peerText(messageOf(payload), MAX_REASON_BYTES);
    return new CmdStreamError('REMOTE', message, { ...options, payload }) as RemoteError<Payload>;
  }

  /**
   * Applications make one where they write a codec, a socket or an Invoker of their own; `code` is one of
   * `CmdStreamErrorCode`, whose comments say what each means.
   */
  constructor(code: CmdStreamErrorCode, message: string, options: CmdStreamErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.kind = errorKinds[code];
    this.sent = options.sent ?? false;
    this.payload = options.payload;
  }

  /** @internal */
  get [MARK](): true {
    return true;
  }
}

/**
 * An error with the code REMOTE, whose payload is known.
 *
 * @publicApi
 */
export interface RemoteError<Payload = unknown> extends CmdStreamError {
  /** Which tells it from other errors. */
  readonly code: 'REMOTE';
  readonly kind: 'remote';
  readonly payload: Payload;
}

const FIELDS = ['code', 'kind', 'message', 'sent', 'payload', 'cause'] as const;

/**
 * Is it an error of this package: of this copy, or of another one that the process has loaded and whose code is known
 * here? False for what throws when it is asked, that or anything else that such an error says.
 *
 * @publicApi
 */
export function isCmdStreamError(error: unknown): error is CmdStreamError {
  try {
    if (!(error instanceof CmdStreamError)) return false;
    for (const field of FIELDS) void (error as CmdStreamError)[field];
    return true;
  } catch {
    return false;
  }
}

/** No data that a peer sent can look like it: it has no symbols, and makes no Error. */
function isOfAnotherCopy(error: unknown): boolean {
  if (!types.isNativeError(error)) return false;
  try {
    const { [MARK]: mark, code } = error as Partial<CmdStreamError>;
    return mark === true && isErrorCode(code);
  } catch {
    return false;
  }
}

/**
 * Has the handler at the server failed, and said why? Then `payload` is what it said. Other errors of the kind `remote`
 * say nothing to callers: INTERNAL, OVERLOADED.
 *
 * @publicApi
 */
export function isRemoteError(error: unknown): error is RemoteError;
/**
 * Has the handler at the server failed, and said what `guard` recognizes? Then `payload` has that type.
 *
 * @example
 * import { isRemoteError } from 'nestjs-cmd-stream';
 *
 * interface SoldOut {
 *   readonly reason: 'sold out';
 *   readonly item: string;
 * }
 *
 * const isSoldOut = (payload: unknown): payload is SoldOut => (payload as SoldOut | null)?.reason === 'sold out';
 *
 * export function soldOutItem(error: unknown): string | undefined {
 *   return isRemoteError(error, isSoldOut) ? error.payload.item : undefined;
 * }
 *
 * @param guard Is given the payload, which may be anything. What it throws is thrown on.
 * @publicApi
 */
export function isRemoteError<Payload>(
  error: unknown,
  guard: (payload: unknown) => payload is Payload,
): error is RemoteError<Payload>;
export function isRemoteError(error: unknown, guard?: (payload: unknown) => boolean): boolean {
  return isCmdStreamError(error) && error.code === 'REMOTE' && (guard === undefined || guard(error.payload));
}

/** Is it an Error of any kind and realm? False for what throws when it is asked. */
export function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error;
  } catch {
    return false;
  }
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
