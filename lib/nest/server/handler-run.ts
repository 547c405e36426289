// Runs one Nest handler and gives what comes out of Nest's pipeline to the sink.
import type { MessageHandler } from '@nestjs/microservices';
import { isObservable, takeWhile } from 'rxjs';
import type { ResultSink } from '../../server/invoker.js';
import { subscribe } from '../../server/call/result-source.js';
import type { CmdStreamContext } from './cmd-stream.context.js';
import { ForwardingSink } from './response-sinks.js';
import { askToWait } from './lifted-iterable.js';

export function runHandler(handler: MessageHandler, data: unknown, context: CmdStreamContext, sink: ResultSink): void {
  handler(data, context).then(
    (outcome: unknown) => {
      try {
        give(outcome, context, sink);
      } catch (error) {
        // An outcome may throw when it is looked at.
        sink.error(error);
      }
    },
    (error: unknown) => sink.error(error),
  );
}

function give(outcome: unknown, context: CmdStreamContext, sink: ResultSink): void {
  if (!isObservable(outcome)) return sink.complete(outcome);
  // One that pushes all at once can only be stopped from within; the sink says what becomes of what it pushes.
  const results = outcome.pipe(takeWhile((result) => sink.isOpen || sink.next(result) > 0));
  subscribe(results, context.getArgByIndex(0), sink, askToWait);
}

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
