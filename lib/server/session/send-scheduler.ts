// What of one extended connection is not written yet, all Commands together: a bound on its bytes, whose turn it is when
// the socket has room, and what is held back until the turn of the event loop ends.
import type { Connection } from '../../connection/connection.js';
import { CmdStreamError } from '../../errors.js';
import { LinkedSet } from '../../linked-set.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import type { SessionConfig } from './session-config.js';

/** The connection as those that wait for it see it. */
export interface WaitingHost {
  readonly connection: Connection;
  readonly config: SessionConfig;
  /** Undefined while there is room for more. */
  readonly drained: Promise<void> | undefined;
}

/** A Command that has something to send. */
export interface ScheduledCall {
  /** The turn of the event loop has ended. */
  release(): void;
  /** The socket has room. */
  pump(): void;
}

/** Larger frames keep the memory they were written to, smaller ones are copied out of it. */
const KEPT_BYTES = 4096;

/** Results that a producer has made before it can know that it must wait. */
export const IN_HAND = 2;

export class SendScheduler {
  readonly #host: WaitingHost;
  readonly #maxBytes: number;
  /** One Result may stand above the high-water mark, however large it is. */
  readonly #maxWritten: number;
  #bytes = 0;
  #scratch: ByteWriter | undefined;
  #heldBack: ScheduledCall[] = [];
  /** In the order in which they take turns. */
  readonly #queue = new LinkedSet<ScheduledCall>();

  constructor(host: WaitingHost) {
    const { options, sendHighWaterBytes } = host.config;
    this.#host = host;
    this.#maxBytes = maxWaitingBytes(host.config);
    this.#maxWritten = Math.max(options.maxSendBufferBytes, sendHighWaterBytes + options.maxResultBytes);
  }

  /** Counts bytes of memory that are held, or, when negative, are not any more. */
  count(bytes: number): void {
    this.#bytes += bytes;
  }

  get #waiting(): number {
    return this.#bytes + this.#host.connection.bufferedBytes;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#waiting + bytes <= this.#maxBytes;
  }

  /** Why a Command that could not wait for room may queue no more. */
  refusal(): CmdStreamError {
    const limit = `maxStreamBufferBytes and maxSendBufferBytes of the server together (${this.#maxBytes})`;
    return tooMany(`${this.#waiting} bytes of Results wait on this connection: no more than ${limit} may`);
  }

  /** The bytes of a frame that is sent later, under the rules of {@link Connection.encode}. */
  encode(write: (writer: ByteWriter) => void): Buffer {
    const writer = this.#scratch ?? new ByteWriter();
    this.#scratch = undefined;
    try {
      this.#host.connection.encode(writer, write);
      const taken = writer.take();
      if (taken.length > KEPT_BYTES) return taken;
      const bytes = Buffer.from(taken);
      writer.recycle(taken);
      return bytes;
    } finally {
      this.#scratch = writer;
    }
  }

  /** Writes what takes no turn: a pong, the refusal of a Command. A peer that has them made and does not read loses its connection. */
  post(write: (writer: ByteWriter) => void): void {
    const { connection } = this.#host;
    connection.post(write);
    if (connection.bufferedBytes <= this.#maxWritten) return;
    const text = `${this.#waiting} bytes wait for a peer that does not read: more than maxSendBufferBytes`;
    connection.destroy(new CmdStreamError('SEND_BUFFER_FULL', `${text} (${this.#maxWritten})`));
  }

  /** Calls `command.release()` at the end of this turn. */
  holdBack(command: ScheduledCall): void {
    if (this.#heldBack.push(command) > 1) return;
    setImmediate(() => {
      const heldBack = this.#heldBack;
      this.#heldBack = [];
      for (const held of heldBack) held.release();
    });
  }

  /** Calls `command.pump()`, once, when the socket has room and it is its turn. */
  join(command: ScheduledCall): void {
    this.#queue.add(command);
  }

  leave(command: ScheduledCall): void {
    this.#queue.delete(command);
  }

  /** The socket has room, perhaps. Who joins again meanwhile is the last in the row. */
  onFlushed(): void {
    for (let command = this.#queue.first; command !== undefined; command = this.#queue.first) {
      if (this.#host.drained !== undefined) return;
      this.#queue.delete(command);
      command.pump();
    }
  }
}

/** What may wait for one peer, of sources that could wait themselves. */
export function maxWaitingBytes({ options, maxStreamBufferBytes }: SessionConfig): number {
  return maxStreamBufferBytes + options.maxSendBufferBytes;
}

/** In the errors of sources that cannot wait: who sees them is the one who called. */
export const REMEDY = 'an async generator waits for its taker, where an Observable cannot';

export function tooMany(what: string): CmdStreamError {
  return new CmdStreamError('SLOW_CONSUMER', `${what}; ${REMEDY}`);
}
