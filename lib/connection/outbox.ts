// The outgoing half of one connection: frames of one turn of the event loop leave in one write, a second write
// starts only when the first is done, and a slow peer is noticed by a write that makes no progress.
import { AsyncResource } from 'node:async_hooks';
import type { CmdStreamError } from '../errors.js';
import { ByteWriter } from '../wire/byte-writer.js';
import type { SocketFace } from './socket-face.js';

/** As much as leaves at once: the peer begins to work on it while this side still writes the rest. */
const FLUSH_BYTES = 8 * 1024;
/** Largest single write: its completion is the progress a stalled peer is judged by. */
const WRITE_BYTES = 64 * 1024;

interface Waiter {
  resolve(): void;
  reject(cause: CmdStreamError): void;
}

export class Outbox {
  readonly writer = new ByteWriter();
  /** Since when the current write is waiting (monotonic milliseconds), 0 if none is. */
  stalledSince = 0;
  readonly #socket: SocketFace;
  /** A write, and all that follows it, is nobody's who sends: else each would hand his scope on to the next. */
  readonly #scope = new AsyncResource('cmd-stream');
  readonly #onFlushed: () => void;
  #taken: Buffer | undefined;
  #written = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #waiters: Waiter[] = [];
  #taking: Waiter[] = [];
  #ended: CmdStreamError | undefined;

  constructor(socket: SocketFace, onFlushed: () => void) {
    this.#socket = socket;
    this.#onFlushed = onFlushed;
  }

  get bufferedBytes(): number {
    return this.writer.length + (this.#taken === undefined ? 0 : this.#taken.length - this.#written);
  }

  /** Sees to it that what is in the writer leaves at the end of this turn, or now if it is much. */
  schedule(): void {
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
    clearImmediate(this.#scheduled);
    this.#taken = undefined;
    this.stalledSince = 0;
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
    this.stalledSince = performance.now();
    this.#socket.write(from === 0 && to === taken.length ? taken : taken.subarray(from, to), (error) => {
      if (error || this.#taken !== taken) return;
      this.#written = to;
      if (to < taken.length) {
        this.#writeNext(taken);
        this.#onFlushed();
      } else this.#done(taken);
    });
  }

  #done(taken: Buffer): void {
    this.#taken = undefined;
    this.stalledSince = 0;
    if (this.#socket.letsGoOfWrites) this.writer.recycle(taken);
    const waiters = this.#taking;
    this.#taking = [];
    for (const waiter of waiters) waiter.resolve();
    this.#onFlushed();
    if (this.#taken === undefined && (this.writer.length > 0 || this.#ended)) this.#flush();
  }
}
