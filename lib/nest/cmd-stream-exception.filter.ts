// Lets HttpExceptions travel: without it Nest answers them, validation errors included, with "Internal server error".
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { Inject, Optional } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';

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
 * errors as Nest has them. HTTP requests of a hybrid application go to Nest's own filter.
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
    if (host.getType<string>() !== 'rpc')
      return new BaseExceptionFilter(this.#adapterHost?.httpAdapter).catch(exception, host);
    if (exception instanceof HttpException) return throwError(() => payloadOf(exception));
    return this.#rpc.catch(exception as never, host);
  }
}

function payloadOf(exception: HttpException): HttpErrorPayload {
  const { message } = exception;
  return { status: 'error', statusCode: exception.getStatus(), message, details: exception.getResponse() };
}
