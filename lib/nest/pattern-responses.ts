// What comes back for a message by pattern, as Nest's clients hand it on: packets through the deserializer, errors as
// the server sent them.
import type { Deserializer, WritePacket } from '@nestjs/microservices';
import type { CommandSink } from '../client/pending-call.js';
import { told } from '../client/told.js';
import { WholePacket } from '../codec/whole-packet.js';
import { CmdStreamError } from '../errors.js';

/** An error that a packet of Nest's cannot carry, because it counts as none there: `''`, `0`, `null`, … */
export class EmptyError {
  constructor(readonly error: unknown) {}
}

/** Takes Nest's packets; what `ClientProxy.createObserver` makes. */
type Observe = (packet: WritePacket) => void;

/** Nest's own rule, whose class Nest 11 does not export: what is no packet is an answer as a whole. */
const packetDeserializer: Deserializer = Object.freeze({
  deserialize(value: WritePacket | null | undefined): WritePacket {
    const isPacket = value && [value.err, value.response, value.isDisposed].some((part: unknown) => part !== undefined);
    return isPacket ? value : { response: value, isDisposed: true };
  },
});

export class PatternResponses implements CommandSink {
  readonly #observe: Observe;
  readonly #deserializer: Deserializer | undefined;
  /** A deserializer may be asynchronous: what comes later waits for what came before. Never rejects. */
  #previous: Promise<void> | undefined;

  constructor(observe: Observe, deserializer: Deserializer | undefined) {
    this.#observe = observe;
    this.#deserializer = deserializer;
  }

  next(value: unknown): void {
    if (!this.#deserializer && !(value instanceof WholePacket))
      return this.#inOrder(() => this.#observe({ response: value }));
    const received = value instanceof WholePacket ? value.packet : { response: value };
    const deserializer = this.#deserializer ?? packetDeserializer;
    this.#previous = this.#deserialize(this.#previous, deserializer, received);
  }

  complete(): void {
    this.#inOrder(() => this.#observe({ isDisposed: true }));
  }

  error(error: unknown): void {
    const isSent = error instanceof CmdStreamError && (error.code === 'REMOTE' || error.code === 'INTERNAL');
    const err: unknown = isSent ? error.payload : error;
    this.#inOrder(() => this.#fail(err));
  }

  #fail(error: unknown): void {
    this.#observe({ err: error || new EmptyError(error) });
  }

  #inOrder(tell: () => void): void {
    if (this.#previous) this.#previous = this.#previous.then(() => told(tell));
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
      this.#observe(err || isDisposed ? { err, response, isDisposed: true } : { err, response });
    } catch (error) {
      await previous;
      told(() => this.#fail(error));
    }
  }
}
