// The outgoing half of one connection: encodes frames, of which nothing is left when that fails, and sends them. Frames
// of one turn of the event loop, or of a part of it, leave in one write; the next write starts when that is done, and a
// slow peer is noticed by one that makes no progress.
//
//   newest | in #bytes, then in #flushing | taken by the system | read by the peer | oldest
//          ^ sentBytes counts from here    ^ takenBytes from here
import { AsyncResource } from 'node:async_hooks';
import { CmdStreamError, encodeError } from '../errors.js';
import { ByteWriter, type SpareBlocks } from '../wire/byte-writer.js';
import type { Seq } from '../wire/frame.js';
import { frameTooLarge, type CodecDirection, type FrameLimit } from './codec-direction.js';
import { travelMs } from './connection-options.js';
import type { ConnectionSocket } from './connection-socket.js';
import type { ReadingTurns } from './reading-turns.js';
import type { Clock } from './ticker.js';

/** As much leaves at once: the peer begins to work on it while this side still writes the rest. */
const FLUSH_BYTES = 8 * 1024;
/** Largest single write: of a Duplex no other progress is seen than that a write is done. */
const WRITE_BYTES = 64 * 1024;
/** As much memory is at work in any connection that writes, and is not counted as held. */
const WORKING_BYTES = 8 * 1024;
/** Linux reports room when a third of its buffer is free, which has 4 MiB by default. */
const MOST_STEP_BYTES = 1.5 * 1024 * 1024;

export interface FrameWriterConfig {
  readonly side: 'client' | 'server';
  readonly direction: CodecDirection;
  readonly ticker: Clock;
  /** Whether it is alone. */
  readonly readingTurns: Pick<ReadingTurns, 'isShared'>;
  /** Counts what all connections have sent. */
  readonly traffic?: { sent: number } | undefined;
  /** Shared by connections: one that has nothing to send keeps no memory for it. */
  readonly spareBlocks: SpareBlocks;
}

type Write = (writer: ByteWriter) => void;

export interface SendOptions {
  /** Writes control frames that belong to the frame. */
  readonly before?: Write;
  /** Of the frame, if it is another one than for values. */
  readonly limit?: FrameLimit;
}

/** The connection whose frames a writer sends. */
export interface FrameWriterOwner {
  /** The socket took what was handed to it. */
  onFlushed(): void;
  /** It may hold more memory than before, or less. */
  onHeld(): void;
}

/** A caller that waits for {@link FrameWriter.flushed}. */
interface PendingFlush {
  resolve(): void;
  reject(cause: CmdStreamError): void;
}

/** Its fields are read only to others. */
export class FrameWriter {
  /** Bytes that wait for the peer to read. */
  bufferedBytes = 0;
  /** Bytes sent so far, with those that wait. */
  sentBytes = 0;
  /** Code of a user may run, from which nothing can be sent. */
  isEncoding = false;
  /** Since when the system has taken nothing of what waits (time of the clock), 0 if nothing waits. */
  stalledSince = 0;
  /** When it last took what had had to wait. */
  movedAt = 0;
  readonly #config: FrameWriterConfig;
  readonly #socket: ConnectionSocket;
  readonly #bytes: ByteWriter;
  /** Writes run in it: in the scope of one sender, they would hand that on to the next. */
  readonly #scope = new AsyncResource('cmd-stream');
  readonly #owner: FrameWriterOwner;
  #limit: FrameLimit;
  /** What one flush hands to the socket, in one write or in several. */
  #flushing: Buffer | undefined;
  /** Bytes of it that were written. */
  #written = 0;
  /** Bytes of the write that is under way. */
  #writing = 0;
  /** Bytes of all writes that are done. */
  #gone = 0;
  /** What the last {@link tick} saw. */
  #seen = { taken: 0, burst: 0, isStill: true, hadToWait: false };
  /** Will what was written leave, in this turn of the event loop? */
  #isScheduled = false;
  /** Callers that wait for what is in `#bytes`, and for what is in `#flushing`. */
  #nextFlushes: PendingFlush[] | undefined;
  #flushes: PendingFlush[] | undefined;
  #ended: CmdStreamError | undefined;
  #isAbandoned = false;

  constructor(config: FrameWriterConfig, socket: ConnectionSocket, owner: FrameWriterOwner) {
    this.#config = config;
    this.#bytes = new ByteWriter(config.spareBlocks);
    this.#limit = config.direction.send;
    this.#socket = socket;
    this.#owner = owner;
  }

  /** Bytes of memory it holds beyond what any that writes does. */
  get heldBytes(): number {
    return Math.max(0, this.#bytes.capacity + (this.#flushing?.buffer.byteLength ?? 0) - WORKING_BYTES);
  }

  /** Bytes of what was sent that the system has taken. */
  get takenBytes(): number {
    // The socket of an idle connection, one of thousands, is not asked.
    if (this.#writing === 0) return this.#gone;
    const queued = this.#socket.queuedBytes ?? this.#writing;
    return this.#gone + this.#writing - Math.min(queued, this.#writing);
  }

  /** Most bytes that the system takes at once: it reports room only when the peer has read about so many. */
  get stepBytes(): number {
    return Math.min(this.#seen.burst, MOST_STEP_BYTES);
  }

  /**
   * Bytes that the peer may have to read before it reads what was sent behind the first `sent`; `confirmed`: what it
   * has read.
   */
  bytesAhead(sent: number, confirmed: number): number {
    // Of what still waits here, each step that the peer makes is seen.
    if (this.takenBytes <= sent) return this.stepBytes;
    return Math.max(0, sent - confirmed);
  }

  /** Keeps to the largest frame that the peer takes, if that is less than the own limit. */
  limitFrames(bytes: number): void {
    const isClient = this.#config.side === 'client';
    const option = isClient ? 'maxCommandBytes of the server' : 'maxResultBytes of the client';
    if (bytes > 0 && bytes < this.#limit.bytes) this.#limit = { bytes, option };
  }

  /** Sends what fits into any frame, as soon as no value is being written; nothing once the connection has ended. */
  post(write: Write): void {
    if (this.#ended !== undefined) return;
    if (this.isEncoding) {
      process.nextTick(() => this.post(write));
      return;
    }
    const mark = this.#bytes.length;
    write(this.#bytes);
    this.#schedule(mark);
  }

  /** Posts that many pings, or pongs. */
  postPings(count: number): void {
    this.post((writer) => writer.writeZeros(count));
  }

  /**
   * Sends the frame that `write` writes and returns its length in bytes. Nothing is left of one that fails.
   *
   * @throws {CmdStreamError} CLOSED when the connection is not open; FRAME_TOO_LARGE; ENCODE_FAILED or the error of
   * `write`
   */
  send(write: Write, { before, limit = this.#limit }: SendOptions = NO_OPTIONS): number {
    const bytes = this.#bytes;
    const mark = this.#begin();
    let start = mark;
    this.isEncoding = true;
    try {
      if (before) {
        before(bytes);
        start = bytes.length;
        this.#checkLength(start - mark, this.#limit);
      }
      write(bytes);
      this.#checkLength(bytes.length - start, limit);
      const length = bytes.length - start;
      this.#schedule(mark);
      return length;
    } catch (error) {
      bytes.truncate(mark);
      throw encodeError(error);
    } finally {
      this.isEncoding = false;
    }
  }

  /**
   * Encodes into `writer`, under the rules of {@link send}, a frame that is sent later; returns its length in bytes.
   */
  encode(writer: ByteWriter, write: Write): number {
    const mark = writer.length;
    try {
      write(writer);
      this.#checkLength(writer.length - mark, this.#limit);
    } catch (error) {
      writer.truncate(mark);
      throw encodeError(error);
    }
    return writer.length - mark;
  }

  /** Writes the frame of a value: for {@link send} and {@link encode}. */
  writeValue(writer: ByteWriter, seq: Seq, value: unknown): void {
    writer.writeUvarint(seq);
    this.#config.direction.encode(value, writer);
  }

  #begin(): number {
    if (this.#ended !== undefined) throw new CmdStreamError('CLOSED', 'the connection is not open');
    if (this.isEncoding)
      throw new CmdStreamError('ENCODE_FAILED', 'nothing can be sent while a value is being written');
    return this.#bytes.length;
  }

  #checkLength(length: number, limit: FrameLimit): void {
    if (length > limit.bytes) throw frameTooLarge(length, limit);
  }

  /** What was written behind `mark` leaves in this turn, or now if there is much. */
  #schedule(mark: number): void {
    // A value that was being written when the connection was destroyed.
    if (this.#isAbandoned) return this.#bytes.truncate(0);
    const { length } = this.#bytes;
    this.bufferedBytes += length - mark;
    this.sentBytes += length - mark;
    // What waits for the socket is the only thing that grows.
    if (this.#flushing !== undefined) return this.#owner.onHeld();
    if (length >= FLUSH_BYTES) this.#startFlush();
    else if (!this.#isScheduled) this.#scheduleFlush();
  }

  /**
   * A connection that is alone writes behind all promises that this one event has set going, the answers it has brought
   * and what is sent for them. Among others, to which these calls may go in turn, it waits for the end of the turn, so
   * that each of them has one write and not one for each event.
   */
  #scheduleFlush(): void {
    this.#isScheduled = true;
    if (this.#config.readingTurns.isShared) setImmediate(FrameWriter.#flushScheduled, this);
    else process.nextTick(FrameWriter.#flushScheduled, this);
  }

  static #flushScheduled(writer: FrameWriter): void {
    if (writer.#isScheduled) writer.#startFlush();
  }

  /** Resolves when everything sent so far was taken by the socket; rejects if the connection ends before. */
  flushed(): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.bufferedBytes === 0) return Promise.resolve();
    const flushes = this.#bytes.length > 0 ? (this.#nextFlushes ??= []) : (this.#flushes ??= []);
    return new Promise((resolve, reject) => flushes.push({ resolve, reject }));
  }

  /** No more will come: flushes the rest, then sends FIN. */
  end(cause: CmdStreamError): void {
    this.#ended = cause;
    if (this.#flushing === undefined) this.#startFlush();
  }

  /** The socket is gone: nothing more leaves. */
  abandon(cause: CmdStreamError): void {
    this.#ended = cause;
    this.#isAbandoned = true;
    this.#isScheduled = false;
    this.#flushing = undefined;
    this.#writing = this.stalledSince = this.bufferedBytes = 0;
    this.sentBytes = this.#gone;
    // While a value is being written, its bytes must have a place.
    if (this.isEncoding) this.#bytes.truncate(0);
    else this.#bytes.release();
    for (const flush of [...(this.#flushes ?? []), ...(this.#nextFlushes ?? [])]) flush.reject(cause);
    this.#flushes = this.#nextFlushes = undefined;
  }

  /** Sees how far the system is; called with the ticks of the connection. */
  tick(now: number): void {
    const seen = this.#seen;
    const taken = this.takenBytes;
    const moved = taken - seen.taken;
    if (moved > 0) {
      seen.burst = seen.isStill ? moved : seen.burst + moved;
      this.#hasMoved(now);
    }
    seen.taken = taken;
    seen.isStill = moved === 0;
    seen.hadToWait = this.#writing > 0;
    if (this.bufferedBytes === 0) this.#bytes.release();
  }

  #hasMoved(now: number): void {
    if (this.#seen.hadToWait) this.movedAt = now;
    if (this.stalledSince > 0) this.stalledSince = Math.max(this.stalledSince, now);
  }

  /** The error of a peer that has taken nothing for `writeStallTimeoutMs`; what was before `from` does not count. */
  overdue(writeStallTimeoutMs: number, now: number, from = 0): CmdStreamError | undefined {
    if (writeStallTimeoutMs === 0 || this.stalledSince === 0) return undefined;
    // The system reports in steps what the peer takes: no longer than as long again is waited for the next one.
    const limitMs = writeStallTimeoutMs + Math.min(writeStallTimeoutMs, travelMs(this.stepBytes));
    if (now - Math.max(this.stalledSince, from) < limitMs) return undefined;
    const text = `the peer took no byte within writeStallTimeoutMs (${writeStallTimeoutMs})`;
    return new CmdStreamError('WRITE_STALL_TIMEOUT', text);
  }

  #startFlush(): void {
    this.#scope.runInAsyncScope(this.#flush, this);
  }

  #flush(): void {
    this.#isScheduled = false;
    if (this.#bytes.length === 0) {
      if (this.#ended) this.#socket.end();
      return this.#owner.onHeld();
    }
    this.#flushing = this.#bytes.take();
    this.#written = 0;
    this.#flushes = this.#nextFlushes;
    this.#nextFlushes = undefined;
    this.#writeNext(this.#flushing);
    this.#owner.onHeld();
  }

  #writeNext(flushing: Buffer): void {
    const from = this.#written;
    const to = Math.min(from + WRITE_BYTES, flushing.length);
    this.#writing = to - from;
    this.stalledSince = this.#config.ticker.now;
    this.#socket.write(from === 0 && to === flushing.length ? flushing : flushing.subarray(from, to), (error) => {
      if (!error && this.#flushing === flushing) this.#scope.runInAsyncScope(this.#wrote, this, flushing, to);
    });
  }

  #wrote(flushing: Buffer, to: number): void {
    this.bufferedBytes -= this.#writing;
    this.#gone += this.#writing;
    if (this.#config.traffic) this.#config.traffic.sent += this.#writing;
    this.#writing = 0;
    this.#written = to;
    if (this.#seen.hadToWait) this.movedAt = this.#config.ticker.now;
    if (to === flushing.length) return this.#done(flushing);
    this.#writeNext(flushing);
    this.#owner.onFlushed();
  }

  #done(flushing: Buffer): void {
    this.#flushing = undefined;
    this.stalledSince = 0;
    if (this.#socket.letsGoOfWrites) this.#bytes.recycle(flushing);
    const flushes = this.#flushes;
    this.#flushes = undefined;
    if (flushes !== undefined) for (const { resolve } of flushes) resolve();
    this.#owner.onFlushed();
    if (this.#flushing === undefined) this.#flush();
  }
}

const NO_OPTIONS: SendOptions = Object.freeze({});
