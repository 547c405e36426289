// What of one connection is not written yet, all Commands together: whether the socket has room, whose turn it is when
// it has, what is held back until this turn of the event loop ends, and the bounds beyond which a peer that does not
// read loses its Command or its connection. (How long it may take nothing at all is measured by the connection.)
import type { Connection } from '../../connection/connection.js';
import type { ResolvedConnectionOptions } from '../../connection/connection-options.js';
import { CmdStreamError } from '../../errors.js';
import { LinkedSet } from '../../linked-set.js';
import { deferred, type Deferred } from '../../callbacks.js';
import { ByteWriter, type SpareBlocks } from '../../wire/byte-writer.js';
import type { ByteAccount } from '../byte-budget.js';

export interface SendSchedulerConfig {
  readonly options: ResolvedConnectionOptions;
  readonly sendHighWaterBytes: number;
  readonly maxStreamBufferBytes: number;
  readonly spareBlocks: SpareBlocks;
}

/** A Command that has something to send. */
export interface ScheduledCall {
  /** The turn of the event loop has ended. */
  release(): void;
  /** The socket has room. */
  pump(): void;
}

/** Results that a producer has made before it can know that it must wait. */
export const MADE_AHEAD = 2;

/** In the errors of sources that cannot wait: who sees them is the one who called. */
const REMEDY = 'an async generator waits for its taker, where an Observable cannot';

export class SendScheduler {
  readonly #connection: Connection;
  readonly #config: SendSchedulerConfig;
  readonly #account: ByteAccount;
  /** What may wait for one peer, of sources that could wait themselves. */
  readonly #maxBytes: number;
  /** Memory that is held for frames that wait. */
  #bytes = 0;
  #heldBack: ScheduledCall[] | undefined;
  /** Their frames, one behind the other. */
  #held: ByteWriter | undefined;
  /** In the order in which they take turns. */
  #queue: LinkedSet<ScheduledCall> | undefined;
  #draining: Deferred | undefined;

  constructor(connection: Connection, config: SendSchedulerConfig, account: ByteAccount) {
    this.#connection = connection;
    this.#config = config;
    this.#account = account;
    this.#maxBytes = config.maxStreamBufferBytes + config.options.maxSendBufferBytes;
  }

  /** True while the socket has no room for more. */
  get isCongested(): boolean {
    return this.#connection.writer.bufferedBytes > this.#config.sendHighWaterBytes && this.#connection.isOpen;
  }

  /** Undefined while the socket has room; else resolves when it has, or when the connection has ended. */
  get drained(): Promise<void> | undefined {
    if (!this.isCongested) return undefined;
    this.#draining ??= deferred();
    return this.#draining.promise;
  }

  /** The socket has room, perhaps. What joins again meanwhile is the last in the row. */
  onFlushed(): void {
    if (this.#draining !== undefined && !this.isCongested) this.#hasDrained();
    const queue = this.#queue;
    if (queue === undefined) return;
    for (let call = queue.first; call !== undefined; call = queue.first) {
      if (this.isCongested) return;
      queue.delete(call);
      call.pump();
    }
  }

  /** The connection has ended. */
  onEnd(): void {
    this.#hasDrained();
  }

  #hasDrained(): void {
    this.#draining?.resolve();
    this.#draining = undefined;
  }

  /** Calls `call.pump()`, once, when the socket has room and it is its turn. */
  join(call: ScheduledCall): void {
    (this.#queue ??= new LinkedSet()).add(call);
  }

  leave(call: ScheduledCall): void {
    this.#queue?.delete(call);
  }

  /** Calls `call.release()` at the end of this turn. */
  holdBack(call: ScheduledCall): void {
    if (this.#heldBack !== undefined) return void this.#heldBack.push(call);
    const heldBack = (this.#heldBack = [call]);
    setImmediate(() => this.#releaseAll(heldBack));
  }

  #releaseAll(heldBack: readonly ScheduledCall[]): void {
    this.#heldBack = undefined;
    for (const held of heldBack) held.release();
    // Not if a release has made another Command give something.
    if (this.#heldBack === undefined) this.#held?.release();
  }

  /**
   * Holds back a frame of the Command as {@link holdBack} does; its bytes are there until the Command was released.
   *
   * @throws {CmdStreamError} as {@link FrameWriter.encode}
   */
  hold(call: ScheduledCall, write: (writer: ByteWriter) => void): Buffer {
    const bytes = this.#encode(write);
    this.holdBack(call);
    return bytes;
  }

  #encode(write: (writer: ByteWriter) => void): Buffer {
    const writer = this.#held ?? new ByteWriter(this.#config.spareBlocks);
    // What is given while this is written has a writer of its own.
    this.#held = undefined;
    const mark = writer.length;
    try {
      this.#connection.writer.encode(writer, write);
      return writer.bytesFrom(mark);
    } finally {
      this.#held = writer;
    }
  }

  /** Counts bytes of memory that are held, or, when negative, are not any more. */
  count(bytes: number): void {
    this.#bytes += bytes;
    this.#account.countCalls(bytes);
  }

  get #waiting(): number {
    return this.#bytes + this.#connection.writer.bufferedBytes;
  }

  /**
   * Why a Command that has `sum` bytes of Results waiting, `bytes` of them new, and could not wait for room may queue
   * no more; undefined while it may.
   */
  refusalOf(bytes: number, sum: number): CmdStreamError | undefined {
    const { maxStreamBufferBytes } = this.#config;
    if (sum > maxStreamBufferBytes) {
      const text = `${sum} bytes of Results wait for their taker: more than maxStreamBufferBytes`;
      return tooMany(`${text} (${maxStreamBufferBytes}) of the server`);
    }
    if (this.#account.hasTooMuch(this.#connection.writer.bufferedBytes)) return tooMany(this.#account.tooMuch);
    if (this.#waiting + bytes <= this.#maxBytes) return undefined;
    const limit = `maxStreamBufferBytes and maxSendBufferBytes of the server together (${this.#maxBytes})`;
    return tooMany(`${this.#waiting} bytes of Results wait on this connection: no more than ${limit} may`);
  }

  /** True while more waits than may, of a Command whose peer knows no error. */
  get isFull(): boolean {
    return this.#connection.writer.bufferedBytes > this.#maxBytes;
  }

  /** Why a source that cannot wait costs the connection, where its Command cannot be ended alone. */
  overflow(): CmdStreamError {
    const limit = `maxStreamBufferBytes and maxSendBufferBytes together (${this.#maxBytes})`;
    const what = `${this.#connection.writer.bufferedBytes} bytes wait for a peer that does not read so fast`;
    return new CmdStreamError('SEND_BUFFER_FULL', `${what}: more than ${limit}; ${REMEDY}`);
  }

  /**
   * Writes what takes no turn: a pong, the refusal of a Command. A peer that has them made and does not read loses its
   * connection.
   */
  post(write: (writer: ByteWriter) => void): void {
    const connection = this.#connection;
    const { options, sendHighWaterBytes } = this.#config;
    connection.writer.post(write);
    // One Result may stand above the high-water mark, however large it is.
    const limit = Math.max(options.maxSendBufferBytes, sendHighWaterBytes + options.maxResultBytes);
    if (connection.writer.bufferedBytes <= limit) return;
    const text = `${this.#waiting} bytes wait for a peer that does not read: more than maxSendBufferBytes`;
    connection.destroy(new CmdStreamError('SEND_BUFFER_FULL', `${text} (${limit})`));
  }
}

function tooMany(what: string): CmdStreamError {
  return new CmdStreamError('SLOW_CONSUMER', `${what}; ${REMEDY}`);
}
