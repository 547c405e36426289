// Lets HttpExceptions travel: without it Nest answers them, validation errors included, with "Internal server error".
// And gives the errors of calls to other servers the meaning they have for the caller of this one.
import {
  Catch,
  HttpException,
  Inject,
  Logger,
  Optional,
  type ArgumentsHost,
  type ExceptionFilter,
  type HttpServer,
} from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { BaseRpcExceptionFilter, RpcException } from '@nestjs/microservices';
import { EMPTY, throwError, type Observable } from 'rxjs';
import { plainData } from '../codec/pattern-message.js';
import { remotePayload } from '../error-status.js';
import { isError, messageOf } from '../errors.js';
import { resolveOptions, boolean, type OptionRules } from '../options.js';
import { isAbandonment } from './server/cmd-stream.context.js';
import { behind } from './server/handler-failure.js';
import { isForCaller } from '../server/call/wire-error.js';
import { httpAnswerTo } from './http-answer.js';

/** What the caller of a Command gets to see of an HttpException. @publicApi */
export interface HttpErrorPayload {
  /** As in the errors of Nest. */
  readonly status: 'error';
  /** The status of the exception, 400 to 599. */
  readonly statusCode: number;
  /** The message of the exception. */
  readonly message: string;
  /** What the exception was made with; for a validation error the list of messages is in it. */
  readonly details: unknown;
}

/**
 * Global filter: HttpExceptions of Commands and messages travel as {@link HttpErrorPayload}; of what
 * `CmdStreamError.remote()` has made the payload; RpcExceptions and unknown errors as Nest has them. HTTP requests of a
 * hybrid application, or of a gateway, are answered as by Nest's own filter, and errors of calls to other servers with
 * the status that is meant, which is that of `httpStatusOf()`: of an HttpException there its status and its details.
 * Errors of anything else (GraphQL) are thrown on. It may be a provider (`APP_FILTER`) or made by hand
 * (`app.useGlobalFilters`).
 *
 * @throws {CmdStreamError} INVALID_OPTION when it is made with options that make no sense
 * @publicApi
 */
@Catch()
export class CmdStreamExceptionFilter implements ExceptionFilter {
  readonly #rpc = new BaseRpcExceptionFilter();
  readonly #relayRemote: boolean;

  /** Of Nest, if it is a provider. */
  @Optional()
  @Inject(HttpAdapterHost)
  protected readonly adapterHost: HttpAdapterHost | undefined;

  constructor(@Optional() options?: CmdStreamExceptionFilterOptions) {
    ({ relayRemote: this.#relayRemote } = resolveOptions(
      CmdStreamExceptionFilter.name,
      options,
      cmdStreamExceptionFilterDefaults,
      cmdStreamExceptionFilterRules,
    ));
  }

  catch(given: unknown, host: ArgumentsHost): Observable<unknown> | void {
    const exception = askable(given);
    const type = host.getType<string>();
    if (type === 'http') return this.#answer(exception, host);
    if (type !== 'rpc') return this.#throwOn(exception);
    // As given: a handler gives up with the very reason of its signal.
    if (isAbandonment(given, host.getArgs())) return EMPTY;
    if (isForCaller(exception)) return throwError(() => exception);
    if (exception instanceof HttpException) return throwError(() => behind(payloadOf(exception), exception));
    const said = this.#relayRemote ? remotePayload(exception) : undefined;
    return said ? throwError(() => said.payload) : this.#rpc.catch(exception as never, host);
  }

  /** Faults of a server are logged, as Nest logs those it does not know; what a caller did wrong is not. */
  #answer(exception: unknown, host: ArgumentsHost): void {
    const answer = httpAnswerTo(exception);
    if (answer && answer.getStatus() >= FIRST_SERVER_FAULT) Logger.error(exception, CmdStreamExceptionFilter.name);
    new BaseExceptionFilter(this.adapterHost?.httpAdapter ?? responseAdapter).catch(answer ?? exception, host);
  }

  /** As Nest's filter of external contexts: what no HttpException says to a client is for the log. */
  #throwOn(exception: unknown): never {
    if (!(exception instanceof HttpException)) Logger.error(exception, CmdStreamExceptionFilter.name);
    throw exception;
  }
}

/** What throws when it is looked at makes every filter fail, Nest's own too: an Error in its place, with its text. */
function askable(exception: unknown): unknown {
  try {
    if (exception instanceof HttpException) payloadOf(exception);
    else if (exception instanceof RpcException) exception.getError();
    const { name, message, stack, code, statusCode, expose } = (exception ?? {}) as Record<string, unknown>;
    const isText = [name, message, stack].every((part) => part === undefined || typeof part === 'string');
    void [code, statusCode, expose];
    return isText || !isError(exception) ? exception : new Error(messageOf(exception));
  } catch {
    return new Error(messageOf(exception));
  }
}

/** From here on a status of HTTP says that a server is at fault. */
const FIRST_SERVER_FAULT = 500;

function payloadOf(exception: HttpException): HttpErrorPayload {
  const { message } = exception;
  return { status: 'error', statusCode: exception.getStatus(), message, details: detailsOf(exception) };
}

/** Data as it travels; those that no JSON can be made of stay here, and the rest travels all the same. */
function detailsOf(exception: HttpException): unknown {
  try {
    return plainData(exception.getResponse());
  } catch {
    return undefined;
  }
}

// What Nest's exception filter needs of an HTTP adapter, by what responses of Express and Fastify have in common: for a
// filter that is made by hand and given no adapter.

interface HttpResponse {
  /** Express. */
  readonly headersSent?: boolean;
  /** Fastify. */
  readonly sent?: boolean;
  readonly raw?: { end(): void };
  end?(): void;
  getHeader(name: string): unknown;
  header(name: string, value: string): unknown;
  status(code: number): { send(body: object): unknown };
}

export const responseAdapter = Object.freeze({
  isHeadersSent: ({ headersSent, sent }: HttpResponse): boolean => headersSent ?? sent ?? false,
  end: (response: HttpResponse): void => void (response.raw ? response.raw.end() : response.end?.()),
  reply(response: HttpResponse, body: object, statusCode: number): void {
    const type = response.getHeader('Content-Type');
    // A handler that failed may have announced something else.
    if (type !== undefined && !/json/i.test(String(type))) response.header('Content-Type', 'application/json');
    response.status(statusCode).send(body);
  },
}) as HttpServer;

// What CmdStreamExceptionFilter makes of the errors of other servers.

/**
 * The options of {@link CmdStreamExceptionFilter}.
 *
 * @publicApi
 */
export interface CmdStreamExceptionFilterOptions {
  /**
   * In a service that calls another: what the other one has said of a failure goes on to the caller, as it came.
   * Without it the caller learns of it as of any unknown error.
   * @default false
   */
  relayRemote?: boolean | undefined;
}

export const cmdStreamExceptionFilterDefaults = Object.freeze({ relayRemote: false });

export const cmdStreamExceptionFilterRules: OptionRules<CmdStreamExceptionFilterOptions> = Object.freeze({
  relayRemote: boolean,
});
