// A sink of a user: called in the async scope in which it was given, whoever's turn it is when something comes back.
import { AsyncResource } from 'node:async_hooks';
import type { CommandSink } from './pending-call.js';

/** A scope itself, because every call that is sent for an Observable needs one. */
export class CallerSink<R = unknown> extends AsyncResource implements CommandSink<R> {
  readonly #sink: CommandSink<R>;

  constructor(sink: CommandSink<R>) {
    super('cmd-stream');
    this.#sink = sink;
  }

  next(result: R, bytesRead = 0): void {
    return this.runInAsyncScope(this.#sink.next, this.#sink, result, bytesRead);
  }

  complete(): void {
    return this.runInAsyncScope(this.#sink.complete, this.#sink);
  }

  error(error: unknown): void {
    return this.runInAsyncScope(this.#sink.error, this.#sink, error);
  }
}
