// A sink in front of another one; what extends it changes what passes.
import type { ResultSink } from '../server/invoker.js';

export class ForwardingSink implements ResultSink {
  readonly #sink: ResultSink;

  constructor(sink: ResultSink) {
    this.#sink = sink;
  }

  get isOpen(): boolean {
    return this.#sink.isOpen;
  }

  get isAnswered(): boolean {
    return this.#sink.isAnswered ?? false;
  }

  get drained(): Promise<void> | undefined {
    return this.#sink.drained;
  }

  next(result: unknown): number {
    return this.#sink.next(result);
  }

  complete(result?: unknown): void {
    this.#sink.complete(result);
  }

  error(error: unknown): void {
    this.#sink.error(error);
  }
}
