// What the caller gets of an error that comes out of Nest's pipeline: Nest's exception layer has made it of an
// exception, or it is an Error that has got past the layer, and then it is neither shaped for the caller nor logged
// yet.
import { HttpException } from '@nestjs/common';
import { BaseRpcExceptionFilter, RpcException } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { CmdStreamError, isCmdStreamError, isError, messageOf, stackOf } from '../../errors.js';
import { isForCaller } from '../../server/call/wire-error.js';

/** What Nest's exception layer makes of an exception it does not know, behind a line in the log with its stack. */
const UNKNOWN = Object.freeze({ status: 'error', message: 'Internal server error' });

/** A frame of a stack in the method `catch` of a filter, also as source-map-support writes it. */
const CATCHES = /at (?:async )?(?!Promise\.)([\w$]+)\.(?:catch|\S+ \[as catch\]) \(/;

const nestRule = new BaseRpcExceptionFilter();

/**
 * An error that ends a Command, as the caller gets it. An Error instance is never what was made for a caller: it is
 * given to `onUnknown`, and hidden, unless it says itself what callers may know.
 */
export function failureOf(error: unknown, onUnknown: (error: unknown) => void): CmdStreamError {
  if (isOwnWord(error)) return error;
  if (!isError(error)) return shapedError(error);
  try {
    const payload = payloadOf(error);
    if (payload !== undefined) return remoteError(payload, error);
  } catch {
    // Its own methods fail: it says nothing.
  }
  onUnknown(error);
  return remoteError(UNKNOWN, error);
}

/** What a filter has made for the caller, with what it was made of, if that is known. */
function shapedError(payload: unknown): CmdStreamError {
  const exception = exceptionBehind(payload);
  if (!(exception instanceof HttpException)) return remoteError(payload, payload);
  return new CmdStreamError('REMOTE', reasonOf(exception), { payload, cause: exception });
}

/** Of a validation error the reasons are a list in its response. */
function reasonOf(exception: HttpException): string {
  try {
    const { message } = exception.getResponse() as { message?: unknown };
    if (Array.isArray(message)) return message.join('; ');
  } catch {
    // Then its own text has to do.
  }
  return messageOf(exception);
}

const EXCEPTION = Symbol.for('nestjs-cmd-stream.exception');

/** What a filter makes of an exception, which remembers it: for the log, nothing of it travels. */
export function behind<T extends object>(payload: T, exception: unknown): T {
  return Object.defineProperty(payload, EXCEPTION, { value: exception, configurable: true });
}

function exceptionBehind(payload: unknown): unknown {
  try {
    return (payload as { [EXCEPTION]?: unknown } | null | undefined)?.[EXCEPTION];
  } catch {
    return undefined;
  }
}

/** Made for the caller, or by this server about the Command. */
function isOwnWord(error: unknown): error is CmdStreamError {
  return isForCaller(error) || (isCmdStreamError(error) && error.code === 'NO_HANDLER' && !error.sent);
}

/** An RpcException to Nest, whose error is itself: so it leaves Nest's exception layer as it came. */
const toNest = Object.create(RpcException.prototype, {
  ...Object.getOwnPropertyDescriptors(CmdStreamError.prototype),
  getError: { value: itself, configurable: true, writable: true },
}) as object;

function itself<T>(this: T): T {
  return this;
}

/**
 * What a handler has thrown, as Nest's exception layer is given it: of what `CmdStreamError.remote()` has made it would
 * know nothing, and hide it. The error is what it was, of the same class.
 */
export function forNest<T>(error: T): T {
  if (isForCaller(error)) Reflect.setPrototypeOf(error, toNest);
  return error;
}

function remoteError(payload: unknown, cause: unknown): CmdStreamError {
  return new CmdStreamError('REMOTE', messageOf(payload), { payload, cause });
}

/** What the exception says to its caller; undefined: nothing. */
function payloadOf(error: Error): unknown {
  if (error instanceof RpcException) {
    const said: unknown = error.getError();
    if (said === error) return messagePayload(error.message);
    if (isError(said)) return payloadOf(said);
    return typeof said === 'object' && said !== null ? said : messagePayload(said);
  }
  // What `new RpcException(new ConflictException())` has always been to a caller, without the cause.
  if (error instanceof HttpException) {
    const { name, message } = error;
    return { response: error.getResponse(), status: error.getStatus(), message, name };
  }
  return undefined;
}

function messagePayload(message: unknown): object {
  return { status: 'error', message };
}

/**
 * An exception that comes too late for Nest's exception layer, by the layer's own rule; and nothing remains unlogged.
 */
export function shapedByNest(exception: unknown, log: (exception: unknown) => void): Observable<never> {
  if (isForCaller(exception)) return throwError(() => exception);
  if (exception instanceof HttpException) log(exception);
  return nestRule.catch(exception as never, undefined as never) as Observable<never>;
}

/** Is this what Nest's exception layer, or {@link failureOf}, has logged already? */
export function isLogged(error: unknown): boolean {
  if (!isCmdStreamError(error) || error.code !== 'REMOTE') return false;
  try {
    const { status, message } = (error.payload ?? {}) as Record<string, unknown>;
    return status === UNKNOWN.status && message === UNKNOWN.message;
  } catch {
    return false;
  }
}

/**
 * Who has failed, if it was an exception filter, by its stack: its line in the log would not say so. Only Nest's
 * exception layer calls one: what else has a method `catch`, as promises of libraries have, is none. An asynchronous
 * filter that fails later has left the layer behind, and cannot be distinguished from a handler by its stack.
 */
export function failedFilterOf(error: unknown): string | undefined {
  const frames = stackOf(error)?.split('\n') ?? [];
  const layer = frames.findIndex((frame) => frame.includes('.invokeCustomFilters'));
  const filter = frames.slice(0, Math.max(0, layer)).findLast((frame) => CATCHES.test(frame));
  return filter && CATCHES.exec(filter)?.[1];
}
