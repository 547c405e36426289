// What one Command has written and may not send yet: Results wait for credit, everything waits for the socket, and in
// order; and what was sent on credit and not taken. What the frames say, and what an end means, is the Command's.
import { CmdStreamError } from '../../errors.js';
import type { ByteWriter } from '../../wire/byte-writer.js';
import { PackedFrames } from '../../wire/packed-frames.js';
import { MADE_AHEAD, type ScheduledCall } from '../session/send-scheduler.js';
import type { CallSession } from './server-call.js';
import { CREDIT_WINDOW_BYTES } from '../../wire/control-frame.js';

/** A batch is complete with so many bytes; it counts until its last Result is taken. */
const BATCH_BYTES = CREDIT_WINDOW_BYTES / 256;

interface Batch {
  results: number;
  bytes: number;
}

type Write = (writer: ByteWriter) => void;

export class ResultQueue {
  readonly #call: ScheduledCall;
  readonly #session: CallSession;
  #credit: number;
  /** Results that the caller lets the Command be ahead. */
  #window: number;
  /** Results that were sent on credit; when others are taken is not known. */
  readonly #untaken: UntakenResults | undefined;
  #frames: PackedFrames | undefined;
  /** Results that wait. */
  #results = 0;
  /** Bytes of memory that the scheduler knows of. */
  #counted = 0;
  /** Its turn came while a value was being encoded. */
  #missedTurn = false;

  /** `credit`: Results that may be sent; Infinity for a Command without credit. */
  constructor(call: ScheduledCall, session: CallSession, credit: number) {
    this.#call = call;
    this.#session = session;
    this.#credit = this.#window = credit;
    if (credit < Infinity) this.#untaken = new UntakenResults();
  }

  get isEmpty(): boolean {
    return this.#frames === undefined || this.#frames.length === 0;
  }

  /** True if the next Result needs nothing but room in the socket. */
  get isFree(): boolean {
    return this.#hasCredit && this.isEmpty;
  }

  get #hasCredit(): boolean {
    return this.#credit > 0 && (this.#untaken === undefined || this.#untaken.hasRoom);
  }

  /** The caller has taken so many, and takes as many more. False if none was sent that it could have taken. */
  grant(count: number): boolean {
    const wereSent = count > 0 && this.#untaken !== undefined && !this.#untaken.isEmpty;
    const further = this.#furtherOf(count);
    this.#window += further;
    this.#untaken?.take(count - further);
    this.#credit = Math.min(this.#credit + count, Number.MAX_SAFE_INTEGER);
    return wereSent;
  }

  /**
   * Of that credit, what is for no Result that was taken: a caller who had taken all there was lets the Command be
   * twice as far ahead, when half as many as it could be so far are taken.
   */
  #furtherOf(count: number): number {
    return count === this.#window * 1.5 ? this.#window : 0;
  }

  /** A Result of so many bytes was sent. */
  spend(bytes: number): void {
    this.#credit--;
    this.#untaken?.add(bytes);
  }

  /**
   * Queues a Result; gives its bytes, or why it may not wait. A producer that waits for room has had one held back, and
   * has made one more, before it can know that there is none: so many are always taken, and so is the final one. All
   * are encoded at once: they say what they said when they were given.
   *
   * @throws {CmdStreamError} when the Result cannot be encoded
   */
  put(write: Write, isFinal: boolean): number | CmdStreamError {
    const { connection, scheduler } = this.#session;
    const mustTake = isFinal || this.#results < MADE_AHEAD;
    let refusal: CmdStreamError | undefined;
    try {
      return this.#append((writer) => {
        const bytes = connection.writer.encode(writer, write);
        if (!mustTake && (refusal = scheduler.refusalOf(bytes, this.#frames!.bytes + bytes))) throw refusal;
      }, true);
    } catch (error) {
      if (error === refusal && refusal) return refusal;
      throw error;
    }
  }

  /** Sends a control frame, which needs no credit: behind what is queued; in its turn, where the socket has no room. */
  putControl(write: Write): void {
    const isNext = this.isEmpty && (!this.#session.scheduler.isCongested || this.#frames?.isWriting === true);
    if (isNext) this.#session.connection.writer.post(write);
    else this.#append((writer) => void this.#session.connection.writer.encode(writer, write), false);
  }

  #append(write: Write, isResult: boolean): number {
    const frames = (this.#frames ??= new PackedFrames());
    const wasEmpty = this.isEmpty;
    const bytes = this.#write(frames, write, isResult);
    // What was dropped while its value was written counts for nothing.
    if (frames.length === 0) return 0;
    if (isResult) this.#results++;
    if (wasEmpty) this.#session.scheduler.join(this.#call);
    return bytes;
  }

  #write(frames: PackedFrames, write: Write, isResult: boolean): number {
    try {
      return frames.append(write, isResult);
    } finally {
      // A frame that fails has made its memory grow, too, and may have kept others from being sent.
      this.#recount();
      if (this.#missedTurn && !this.isEmpty) this.#session.scheduler.join(this.#call);
      this.#missedTurn = false;
    }
  }

  /** Sends as much as credit and socket allow; true if nothing waits any more. */
  flush(): boolean {
    while (!this.isEmpty) {
      if (this.#frames!.startsWithResult && !this.#hasCredit) return false;
      // The value that is being written has led here: its turn comes when it is.
      if (this.#frames!.isWriting) {
        this.#missedTurn = true;
        return false;
      }
      if (this.#session.scheduler.isCongested) {
        this.#session.scheduler.join(this.#call);
        return false;
      }
      this.#sendFirst();
    }
    return true;
  }

  #sendFirst(): void {
    const frames = this.#frames!;
    const isResult = frames.startsWithResult;
    const bytes = frames.shift();
    this.#recount();
    if (isResult) {
      this.#results--;
      this.spend(bytes.length);
    }
    this.#session.connection.writer.post((writer) => writer.writeBytes(bytes));
  }

  drop(): void {
    this.#frames?.clear();
    this.#results = 0;
    this.#recount();
    this.#session.scheduler.leave(this.#call);
  }

  #recount(): void {
    const change = (this.#frames?.cost ?? 0) - this.#counted;
    // First: what is counted may be the end of the connection, with which all is dropped.
    this.#counted += change;
    this.#session.scheduler.count(change);
  }
}

/**
 * The Results of one Command that were sent on credit and not taken yet: how many bytes they are, as nearly as the
 * window needs it. Small ones are counted in batches, so that what is remembered of them is small, and removed in
 * constant time.
 */
export class UntakenResults {
  #bytes = 0;
  /** Oldest first; never more than the window has room for. */
  readonly #batches: Batch[] = [];

  /** Credit is a number of Results; their bytes have a bound of their own, above which there is one at a time. */
  get hasRoom(): boolean {
    return this.#bytes < CREDIT_WINDOW_BYTES;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const last = this.#batches.at(-1);
    if (last === undefined || last.bytes >= BATCH_BYTES || bytes >= BATCH_BYTES)
      this.#batches.push({ results: 1, bytes });
    else {
      last.results++;
      last.bytes += bytes;
    }
  }

  /** The oldest were taken. */
  take(count: number): void {
    let left = count;
    for (let first = this.#batches[0]; first !== undefined; first = this.#batches[0]) {
      if (first.results > left) {
        first.results -= left;
        return;
      }
      left -= first.results;
      this.#bytes -= first.bytes;
      this.#batches.shift();
    }
  }
}
