// The outgoing half of one connection: frames of one turn of the event loop leave in one write, a second write
// starts only when the first is done, and a slow peer is noticed by a write that makes no progress.
//
//   writer | taken: written, being written, not yet |      the system      | the peer
//          ^sentBytes                               ^takenBytes
import { AsyncResource } from 'node:async_hooks';
import type { CmdStreamError } from '../errors.js';
import { ByteWriter } from '../wire/byte-writer.js';
import type { ConnectionSocket } from './connection-socket.js';
import type { Clock } from './ticker.js';

/** As much as leaves at once: the peer begins to work on it while this side still writes the rest. */
const FLUSH_BYTES = 8 * 1024;
/** Largest single write: the progress of a Duplex that says no more than that it is done. */
const WRITE_BYTES = 64 * 1024;
/** Linux says that there is room when a third of its buffer is free, which has 4 MiB by default. */
const MOST_STEP_BYTES = 1.5 * 1024 * 1024;

interface Waiter {
  resolve(): void;
  reject(cause: CmdStreamError): void;
}

export class FrameWriter {
  readonly writer = new ByteWriter();
  /** Since when the system has taken nothing of what waits (time of the clock), 0 if nothing waits. */
  stalledSince = 0;
  /** When it last took what had had to wait. */
  movedAt = 0;
  readonly #socket: ConnectionSocket;
  /** A write, and all that follows it, is nobody's who sends: else each would hand his scope on to the next. */
  readonly #scope = new AsyncResource('cmd-stream');
  readonly #onFlushed: () => void;
  readonly #clock: Clock;
  #taken: Buffer | undefined;
  #written = 0;
  /** Bytes of the write that is under way. */
  #writing = 0;
  /** Bytes of all writes that are done. */
  #gone = 0;
  /** What {@link look} saw last. */
  #seen = { taken: 0, burst: 0, isStill: true, hadToWait: false };
  #scheduled: NodeJS.Immediate | undefined;
  #waiters: Waiter[] = [];
  #taking: Waiter[] = [];
  #ended: CmdStreamError | undefined;
  #isAbandoned = false;

  constructor(socket: ConnectionSocket, clock: Clock, onFlushed: () => void) {
    this.#socket = socket;
    this.#clock = clock;
    this.#onFlushed = onFlushed;
  }

  get bufferedBytes(): number {
    return this.writer.length + (this.#taken === undefined ? 0 : this.#taken.length - this.#written);
  }

  /** Bytes sent so far, with those that wait. */
  get sentBytes(): number {
    return this.#gone + this.bufferedBytes;
  }

  /** Those of them that the system has taken. */
  get takenBytes(): number {
    const queued = this.#socket.queuedBytes ?? this.#writing;
    return this.#gone + this.#writing - Math.min(queued, this.#writing);
  }

  /** As much the system may take in one step: it says nothing before the peer has made room for that. */
  get stepBytes(): number {
    return Math.min(this.#seen.burst, MOST_STEP_BYTES);
  }

  /** Looks how far the system is; called by a Ticker. */
  look(now: number): void {
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
  }

  #hasMoved(now: number): void {
    if (this.#seen.hadToWait) this.movedAt = now;
    if (this.stalledSince > 0) this.stalledSince = Math.max(this.stalledSince, now);
  }

  /** Sees to it that what is in the writer leaves at the end of this turn, or now if it is much. */
  schedule(): void {
    // A value that was being written when the connection ended.
    if (this.#isAbandoned) return this.writer.truncate(0);
    if (this.#taken !== undefined) return;
    if (this.writer.length >= FLUSH_BYTES) this.#leave();
    else this.#scheduled ??= setImmediate(() => this.#leave());
  }

  flushed(): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.bufferedBytes === 0) return Promise.resolve();
    const waiters = this.writer.length > 0 ? this.#waiters : this.#taking;
    return new Promise((resolve, reject) => waiters.push({ resolve, reject }));
  }

  /** No more will come: flush the rest, then FIN. */
  end(cause: CmdStreamError): void {
    this.#ended = cause;
    if (this.#taken === undefined) this.#leave();
  }

  /** The socket is gone: nothing more leaves. */
  abandon(cause: CmdStreamError): void {
    this.#ended = cause;
    this.#isAbandoned = true;
    clearImmediate(this.#scheduled);
    this.#taken = undefined;
    this.#writing = this.stalledSince = 0;
    this.writer.truncate(0);
    for (const waiter of [...this.#taking, ...this.#waiters]) waiter.reject(cause);
    this.#taking = this.#waiters = [];
  }

  #leave(): void {
    this.#scope.runInAsyncScope(this.#flush, this);
  }

  #flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.writer.length === 0) {
      if (this.#ended) this.#socket.end();
      return;
    }
    this.#taken = this.writer.take();
    this.#written = 0;
    this.#taking = this.#waiters;
    this.#waiters = [];
    this.#writeNext(this.#taken);
  }

  #writeNext(taken: Buffer): void {
    const from = this.#written;
    const to = Math.min(from + WRITE_BYTES, taken.length);
    this.#writing = to - from;
    this.stalledSince = this.#clock.now;
    this.#socket.write(from === 0 && to === taken.length ? taken : taken.subarray(from, to), (error) => {
      if (!error && this.#taken === taken) this.#scope.runInAsyncScope(this.#wrote, this, taken, to);
    });
  }

  #wrote(taken: Buffer, to: number): void {
    this.#gone += this.#writing;
    this.#writing = 0;
    this.#written = to;
    if (this.#seen.hadToWait) this.movedAt = this.#clock.now;
    if (to === taken.length) return this.#done(taken);
    this.#writeNext(taken);
    this.#onFlushed();
  }

  #done(taken: Buffer): void {
    this.#taken = undefined;
    this.stalledSince = 0;
    if (this.#socket.letsGoOfWrites) this.writer.recycle(taken);
    const waiters = this.#taking;
    this.#taking = [];
    for (const waiter of waiters) waiter.resolve();
    this.#onFlushed();
    if (this.#taken === undefined) this.#flush();
  }
}
