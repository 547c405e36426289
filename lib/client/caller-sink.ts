// A sink of a user: called in the async scope in which it was given, whoever's turn it is when something comes back.
import { AsyncResource } from 'node:async_hooks';
import type { CommandSink } from './pending-call.js';

export class CallerSink<R = unknown> implements CommandSink<R> {
  readonly #sink: CommandSink<R>;
  readonly #scope = new AsyncResource('cmd-stream');

  constructor(sink: CommandSink<R>) {
    this.#sink = sink;
  }

  next(result: R, bytesRead = 0): void {
    return this.#scope.runInAsyncScope(this.#sink.next, this.#sink, result, bytesRead);
  }

  complete(): void {
    return this.#scope.runInAsyncScope(this.#sink.complete, this.#sink);
  }

  error(error: unknown): void {
    return this.#scope.runInAsyncScope(this.#sink.error, this.#sink, error);
  }
}
