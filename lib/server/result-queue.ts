// What one Command has written and may not send yet: Results wait for credit, everything waits for the socket, and in
// order. What the frames say, and what an end means, is the Command's.
import type { Connection } from '../connection/connection.js';
import { CmdStreamError } from '../errors.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import type { WaitingCommand, WaitingResults } from './waiting-results.js';

export interface QueueHome {
  readonly connection: Connection;
  readonly config: { readonly maxStreamBufferBytes: number };
  /** Undefined while the socket has room for more. */
  readonly drained: Promise<void> | undefined;
  /** What is not written yet, of all Commands together. */
  readonly waiting: WaitingResults;
}

/** Results that a producer has made before it can know that it must wait. */
const IN_HAND = 2;

interface QueuedFrame {
  readonly bytes: Buffer;
  /** Results need credit, marks do not. */
  readonly isResult: boolean;
}

export class ResultQueue {
  readonly #command: WaitingCommand;
  readonly #home: QueueHome;
  #credit: number;
  /** Bytes of each Result that was sent on credit and not taken yet, oldest first; nobody says so of others. */
  readonly #untaken: number[] | undefined;
  #untakenBytes = 0;
  #frames: QueuedFrame[] = [];
  #results = 0;
  #bytes = 0;

  /** `credit`: Results that may be sent; Infinity for a Command without credit. */
  constructor(command: WaitingCommand, home: QueueHome, credit: number) {
    this.#command = command;
    this.#home = home;
    this.#credit = credit;
    if (credit < Infinity) this.#untaken = [];
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /** True if the next Result needs nothing but room in the socket. */
  get isFree(): boolean {
    return this.#hasCredit && this.isEmpty;
  }

  /** True if the next Result must be queued. */
  get isClosed(): boolean {
    return !this.isFree || this.#home.drained !== undefined;
  }

  /** Credit is a number of Results; their bytes have a bound of their own, above which there is one at a time. */
  get #hasCredit(): boolean {
    return this.#credit > 0 && this.#untakenBytes < this.#home.config.maxStreamBufferBytes;
  }

  /** The caller has taken so many, and takes as many more. */
  grant(count: number): void {
    for (const bytes of this.#untaken?.splice(0, count) ?? []) this.#untakenBytes -= bytes;
    this.#credit = Math.min(this.#credit + count, Number.MAX_SAFE_INTEGER);
  }

  /** A Result of so many bytes was sent. */
  spend(bytes: number): void {
    this.#credit--;
    if (this.#untaken === undefined) return;
    this.#untaken.push(bytes);
    this.#untakenBytes += bytes;
  }

  /**
   * Queues a Result, or says why it may not. A producer that waits for room has had one held back, and has one in hand,
   * before it can know that there is none: so many are always taken, and so is the final one.
   */
  put(bytes: Buffer, isFinal: boolean): CmdStreamError | undefined {
    const refusal = isFinal || this.#results < IN_HAND ? undefined : this.#refusal(bytes.length);
    if (refusal) return refusal;
    this.#results++;
    this.#enqueue({ bytes, isResult: true });
    return undefined;
  }

  #refusal(bytes: number): CmdStreamError | undefined {
    const { maxStreamBufferBytes } = this.#home.config;
    const waiting = this.#bytes + bytes;
    if (waiting <= maxStreamBufferBytes) return this.#home.waiting.refusal(bytes);
    const text = `${waiting} bytes of Results wait for their taker: more than maxStreamBufferBytes`;
    return new CmdStreamError('SLOW_CONSUMER', `${text} (${maxStreamBufferBytes})`);
  }

  /** Sends a control frame that needs no credit, behind what is queued. */
  mark(write: (writer: ByteWriter) => void): void {
    if (this.isEmpty) this.#home.waiting.post(write);
    else this.#enqueue({ bytes: this.#home.connection.encodeControl(write), isResult: false });
  }

  #enqueue(frame: QueuedFrame): void {
    this.#frames.push(frame);
    this.#count(frame.bytes.length);
    if (this.#frames.length === 1) this.#home.waiting.join(this.#command);
  }

  /** Sends as much as credit and socket allow; true if nothing waits any more. */
  flush(): boolean {
    for (let frame = this.#frames[0]; frame !== undefined; frame = this.#frames[0]) {
      if (frame.isResult && !this.#hasCredit) return false;
      if (this.#home.drained !== undefined) {
        this.#home.waiting.join(this.#command);
        return false;
      }
      this.#send(frame);
    }
    return true;
  }

  #send({ bytes, isResult }: QueuedFrame): void {
    this.#frames.shift();
    this.#count(-bytes.length);
    if (isResult) {
      this.#results--;
      this.spend(bytes.length);
    }
    this.#home.connection.post((writer) => writer.writeBytes(bytes));
  }

  drop(): void {
    this.#frames = [];
    this.#results = 0;
    this.#count(-this.#bytes);
    this.#home.waiting.leave(this.#command);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#home.waiting.count(bytes);
  }
}
