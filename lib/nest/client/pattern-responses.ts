// What comes back for a message by pattern, as Nest's clients hand it on: packets through the deserializer, errors as
// the server sent them.
import type { Deserializer, WritePacket } from '@nestjs/microservices';
import type { CommandSink } from '../../client/call/client-call.js';
import { isPromiseLike, notify } from '../../callbacks.js';
import { WholePacket } from '../../codec/pattern-message.js';
import { CmdStreamError, isCmdStreamError } from '../../errors.js';

/** An error that a packet of Nest's cannot carry, because it counts as none there: `''`, `0`, `null`, … */
export class EmptyError {
  readonly #error: unknown;

  constructor(error: unknown) {
    this.#error = error;
  }

  /** What the error of a packet stands for. Asks nothing of it: it may be anything that was thrown. */
  static unwrap(error: unknown): { readonly error: unknown } | undefined {
    if (typeof error !== 'object' || error === null || !(#error in error)) return undefined;
    return { error: error.#error };
  }
}

/** What an answer that waits holds besides its bytes, about: its promises, their closures and the decoded value. */
const BYTES_OF_WAITING = 1300;
const givenUp: ReadonlySet<string> = new Set(['TIMEOUT', 'CLOSED', 'SLOW_CONSUMER']);

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
  /**
   * A deserializer may be asynchronous: what comes later waits for what came before. Never rejects; undefined: none
   * waits.
   */
  #previous: Promise<void> | undefined;
  readonly #maxStreamBufferBytes: number;
  #waiting = 0;
  #waitingBytes = 0;
  #isOver = false;

  /** `maxStreamBufferBytes`: may wait for an asynchronous deserializer; one answer may go beyond. */
  constructor(observe: Observe, deserializer: Deserializer | undefined, maxStreamBufferBytes: number) {
    this.#maxStreamBufferBytes = maxStreamBufferBytes;
    this.#observe = observe;
    this.#deserializer = deserializer;
  }

  next(value: unknown, bytes: number): void {
    if (!this.#deserializer && !(value instanceof WholePacket))
      return this.#inOrder(() => this.#tell({ response: value }));
    this.#checkRoom();
    const packet = this.#deserialize(value instanceof WholePacket ? value.packet : { response: value });
    if (!this.#previous && !isPromiseLike(packet)) return this.#hand(packet);
    this.#waiting++;
    this.#waitingBytes += bytes + BYTES_OF_WAITING;
    const handed = this.#handLater(this.#previous, packet).finally(() => {
      this.#waiting--;
      this.#waitingBytes -= bytes + BYTES_OF_WAITING;
      if (this.#previous === handed) this.#previous = undefined;
    });
    this.#previous = handed;
  }

  #checkRoom(): void {
    if (this.#waitingBytes < this.#maxStreamBufferBytes) return;
    const limit = `the client's maxStreamBufferBytes is ${this.#maxStreamBufferBytes}`;
    const held = `counted as ${this.#waitingBytes} bytes (${BYTES_OF_WAITING} each beside their own)`;
    const text = `${this.#waiting} answers, ${held}, wait for the asynchronous deserializer of the client`;
    throw new CmdStreamError('SLOW_CONSUMER', `${text}: ${limit}`, { sent: true });
  }

  complete(): void {
    this.#inOrder(() => this.#tell({ isDisposed: true }));
  }

  error(error: unknown): void {
    const isSent = isCmdStreamError(error) && (error.code === 'REMOTE' || error.code === 'INTERNAL');
    const err: unknown = isSent ? error.payload : error;
    if (isGivenUp(error)) {
      // What waits is not wanted any more.
      this.#fail(err);
      this.#isOver = true;
      return;
    }
    this.#inOrder(() => this.#fail(err));
  }

  #fail(error: unknown): void {
    this.#tell({ err: error || new EmptyError(error) });
  }

  #tell(packet: WritePacket): void {
    if (!this.#isOver) this.#observe(packet);
  }

  #inOrder(tell: () => void): void {
    if (this.#previous) this.#previous = this.#previous.then(() => notify(tell));
    else tell();
  }

  /** The packet, or what becomes it or its error later. */
  #deserialize(received: unknown): WritePacket | Promise<WritePacket> {
    try {
      return (this.#deserializer ?? packetDeserializer).deserialize(received) as WritePacket | Promise<WritePacket>;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  async #handLater(previous: Promise<void> | undefined, packet: WritePacket | Promise<WritePacket>): Promise<void> {
    try {
      const ready = await packet;
      await previous;
      this.#hand(ready);
    } catch (error) {
      await previous;
      notify(() => this.#fail(error));
    }
  }

  #hand(packet: WritePacket): void {
    try {
      const { err, response, isDisposed } = packet;
      this.#tell(err || isDisposed ? { err, response, isDisposed: true } : { err, response });
    } catch (error) {
      notify(() => this.#fail(error));
    }
  }
}

/** Is this the error of who does not want the answers any more, rather than of one who could not give them? */
function isGivenUp(error: unknown): boolean {
  return !isCmdStreamError(error) || givenUp.has(error.code);
}
