// A sink in front of another one; what extends it changes what passes.
import type { ResultSink } from '../../server/invoker.js';
import type { Serializer } from '@nestjs/microservices';
import { plainData, WholePacket } from '../../codec/pattern-message.js';
import { CmdStreamError } from '../../errors.js';
import { isPromiseLike } from '../../callbacks.js';
import { isForCaller } from '../../server/call/wire-error.js';

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

// Answers by pattern through a custom Nest serializer: each becomes the packet that the serializer makes of it.

/** Says what of an error is meant for the caller. */
export interface FailureShaper {
  failureOf(error: unknown): unknown;
}

/**
 * What a serializer of Nest makes of a packet.
 *
 * @throws {CmdStreamError} ENCODE_FAILED for a promise, which Nest's transports would send as it is
 */
export function serialized(serializer: Serializer, packet: object): unknown {
  const made: unknown = serializer.serialize(packet);
  if (!isPromiseLike(made)) return made;
  // That it rejects is nobody's business any more.
  made.then(undefined, () => {});
  throw new CmdStreamError('ENCODE_FAILED', 'the serializer gave a promise: a serializer must give the packet itself');
}

export class SerializedResponses extends ForwardingSink {
  readonly #serializer: Serializer;
  readonly #id: string;
  readonly #failures: FailureShaper;

  constructor(sink: ResultSink, serializer: Serializer, id: string, failures: FailureShaper) {
    super(sink);
    this.#failures = failures;
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
    const failure = this.#failures.failureOf(error);
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
