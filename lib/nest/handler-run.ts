// Runs one Nest handler and gives what comes out of Nest's pipeline to the sink.
import type { MessageHandler } from '@nestjs/microservices';
import { catchError, isObservable, takeWhile, throwError } from 'rxjs';
import { CmdStreamError, isCmdStreamError, messageOf } from '../errors.js';
import type { ResultSink } from '../server/invoker.js';
import { subscribe } from '../server/outcome.js';
import type { CmdStreamContext } from './cmd-stream.context.js';
import { ForwardingSink } from './forwarding-sink.js';
import { askToWait } from './lifted-iterable.js';

export function runHandler(handler: MessageHandler, data: unknown, context: CmdStreamContext, sink: ResultSink): void {
  handler(data, context).then(
    (outcome: unknown) => {
      if (isObservable(outcome)) {
        // One that pushes all at once can only be stopped from within.
        const results = outcome.pipe(
          takeWhile(() => sink.isOpen),
          toRemoteError,
        );
        subscribe(results, context, sink, askToWait);
      } else sink.complete(outcome);
    },
    (error: unknown) => sink.error(remoteError(error)),
  );
}

/** What Nest's exception layer has made of an exception is meant for the caller: it travels as it is. */
function remoteError(error: unknown): CmdStreamError {
  if (isCmdStreamError(error)) return error;
  return new CmdStreamError('REMOTE', messageOf(error), { payload: error, cause: error });
}

/** Is this what Nest's exception layer makes of an unknown error, behind a line in the log with its stack? */
export function isLoggedByNest(error: unknown): boolean {
  if (!isCmdStreamError(error) || error.code !== 'REMOTE') return false;
  const { status, message } = (error.payload ?? {}) as Record<string, unknown>;
  return status === 'error' && message === 'Internal server error';
}

const toRemoteError = catchError((error: unknown) => throwError(() => remoteError(error)));

/** Tells Nest's observers when a Command has ended, in the async context in which it began. */
export class HookedSink extends ForwardingSink {
  readonly #end: () => void;

  constructor(sink: ResultSink, end: () => void) {
    super(sink);
    this.#end = end;
  }

  override complete(result?: unknown): void {
    super.complete(result);
    this.#end();
  }

  override error(error: unknown): void {
    super.error(error);
    this.#end();
  }
}
