// Sinks before the sink of one Command or message, which change what passes or learn of its end.
import type { Serializer } from '@nestjs/microservices';
import { plainData, WholePacket } from '../../codec/pattern-message.js';
import { isForCaller } from '../../server/call/wire-error.js';
import type { ResultSink } from '../../server/invoker.js';
import { serialized } from '../packet-forms.js';

/** Passes everything on. */
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

/** The end of an event is that of the promise that its server gave. */
export class PromisedEnd extends ForwardingSink {
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;

  constructor(sink: ResultSink, resolve: () => void, reject: (error: unknown) => void) {
    super(sink);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  override complete(): void {
    this.#resolve();
  }

  override error(error: unknown): void {
    this.#reject(error);
  }
}

/** Answers by pattern through a serializer of Nest: each becomes the packet that the serializer makes of it. */
export class SerializedResponses extends ForwardingSink {
  readonly #serializer: Serializer;
  readonly #id: string;
  readonly #failureOf: (error: unknown) => unknown;

  /** `failureOf`: what of an error is meant for the caller. */
  constructor(sink: ResultSink, serializer: Serializer, id: string, failureOf: (error: unknown) => unknown) {
    super(sink);
    this.#failureOf = failureOf;
    this.#serializer = serializer;
    this.#id = id;
  }

  override next(response: unknown): number {
    return super.next(this.#packet({ response }));
  }

  override complete(response?: unknown): void {
    if (response === undefined) super.complete();
    else this.#end({ response, isDisposed: true });
  }

  /** Only what is meant for the caller is the serializer's: the rest must not be shown. */
  override error(error: unknown): void {
    const failure = this.#failureOf(error);
    if (!isForCaller(failure)) return super.error(failure);
    let err: unknown;
    try {
      err = plainData(failure.payload);
    } catch {
      return super.error(failure);
    }
    this.#end({ err, isDisposed: true });
  }

  #end(response: object): void {
    let packet: WholePacket;
    try {
      packet = this.#packet(response);
    } catch (error) {
      return super.error(error);
    }
    super.complete(packet);
  }

  #packet(response: object): WholePacket {
    return new WholePacket(serialized(this.#serializer, { ...response, id: this.#id }));
  }
}
