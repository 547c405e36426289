// Lets HttpExceptions travel: without it Nest answers them, validation errors included, with "Internal server error".
import {
  Catch,
  HttpException,
  Inject,
  Logger,
  Optional,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { responseAdapter } from './response-adapter.js';

/** What the caller of a Command gets to see of an HttpException. @publicApi */
export interface HttpErrorPayload {
  readonly status: 'error';
  readonly statusCode: number;
  readonly message: string;
  /** What the exception was made with; for a validation error the list of messages is in it. */
  readonly details: unknown;
}

/**
 * Global filter: HttpExceptions of Commands and messages travel as {@link HttpErrorPayload}; RpcExceptions and unknown
 * errors as Nest has them. HTTP requests of a hybrid application are answered as by Nest's own filter; errors of anything else
 * (GraphQL) are thrown on. It may be a provider (`APP_FILTER`) or made by hand (`app.useGlobalFilters`).
 *
 * @publicApi
 */
@Catch()
export class CmdStreamExceptionFilter implements ExceptionFilter {
  readonly #rpc = new BaseRpcExceptionFilter();
  readonly #adapterHost: HttpAdapterHost | undefined;

  constructor(@Optional() @Inject(HttpAdapterHost) adapterHost?: HttpAdapterHost) {
    this.#adapterHost = adapterHost;
  }

  catch(exception: unknown, host: ArgumentsHost): Observable<unknown> | void {
    const type = host.getType<string>();
    if (type === 'http') {
      return new BaseExceptionFilter(this.#adapterHost?.httpAdapter ?? responseAdapter).catch(exception, host);
    }
    if (type !== 'rpc') return this.#throwOn(exception);
    if (exception instanceof HttpException) return throwError(() => payloadOf(exception));
    return this.#rpc.catch(exception as never, host);
  }

  /** As Nest's filter of external contexts: what no client is told by an HttpException is for the log. */
  #throwOn(exception: unknown): never {
    if (!(exception instanceof HttpException)) Logger.error(exception, CmdStreamExceptionFilter.name);
    throw exception;
  }
}

function payloadOf(exception: HttpException): HttpErrorPayload {
  const { message } = exception;
  return { status: 'error', statusCode: exception.getStatus(), message, details: exception.getResponse() };
}
