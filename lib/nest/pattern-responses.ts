// What comes back for a message by pattern, as Nest's clients hand it on: packets through the deserializer, errors as
// the server sent them.
import type { Deserializer, WritePacket } from '@nestjs/microservices';
import type { CommandSink } from '../client/pending-call.js';
import { WholePacket } from '../codec/whole-packet.js';
import { CmdStreamError } from '../errors.js';

export interface ResponseObserver {
  /** Takes Nest's packets; what `ClientProxy.createObserver` makes. */
  packet(packet: WritePacket): void;
  error(error: unknown): void;
}

/** Nest's own rule, whose class Nest 11 does not export: what is no packet is an answer as a whole. */
const packetDeserializer: Deserializer = Object.freeze({
  deserialize(value: WritePacket | null | undefined): WritePacket {
    const isPacket = value && [value.err, value.response, value.isDisposed].some((part: unknown) => part !== undefined);
    return isPacket ? value : { response: value, isDisposed: true };
  },
});

export class PatternResponses implements CommandSink {
  readonly #observer: ResponseObserver;
  readonly #deserializer: Deserializer | undefined;
  /** A deserializer may be asynchronous: what comes later waits for what came before. */
  #previous: Promise<void> | undefined;

  constructor(observer: ResponseObserver, deserializer: Deserializer | undefined) {
    this.#observer = observer;
    this.#deserializer = deserializer;
  }

  next(value: unknown): void {
    if (!this.#deserializer && !(value instanceof WholePacket))
      return this.#inOrder(() => this.#observer.packet({ response: value }));
    const received = value instanceof WholePacket ? value.packet : { response: value };
    const deserializer = this.#deserializer ?? packetDeserializer;
    this.#previous = this.#deserialize(this.#previous, deserializer, received);
  }

  complete(): void {
    this.#inOrder(() => this.#observer.packet({ isDisposed: true }));
  }

  error(error: unknown): void {
    const isSent = error instanceof CmdStreamError && (error.code === 'REMOTE' || error.code === 'INTERNAL');
    const err: unknown = isSent ? error.payload : error;
    this.#inOrder(() => (err ? this.#observer.packet({ err }) : this.#observer.error(err)));
  }

  #inOrder(tell: () => void): void {
    if (this.#previous) this.#previous = this.#previous.then(tell);
    else tell();
  }

  async #deserialize(
    previous: Promise<void> | undefined,
    deserializer: Deserializer,
    received: unknown,
  ): Promise<void> {
    try {
      const { err, response, isDisposed } = (await deserializer.deserialize(received)) as WritePacket;
      await previous;
      this.#observer.packet(err || isDisposed ? { err, response, isDisposed: true } : { err, response });
    } catch (error) {
      await previous;
      this.#observer.error(error);
    }
  }
}
