// Answers by pattern through a custom Nest serializer: each becomes the packet that the serializer makes of it.
import type { Serializer } from '@nestjs/microservices';
import { WholePacket } from '../codec/whole-packet.js';
import { isCmdStreamError } from '../errors.js';
import type { ResultSink } from '../server/invoker.js';
import { ForwardingSink } from './forwarding-sink.js';

export class SerializedResponses extends ForwardingSink {
  readonly #serializer: Serializer;
  readonly #id: string;

  constructor(sink: ResultSink, serializer: Serializer, id: string) {
    super(sink);
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
    if (isCmdStreamError(error) && error.code === 'REMOTE') this.#end({ err: error.payload, isDisposed: true });
    else super.error(error);
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
    return new WholePacket(this.#serializer.serialize({ ...response, id: this.#id }));
  }
}
