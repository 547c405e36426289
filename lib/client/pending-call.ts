// One call of a client from dispatch to its end. Knows its number once it was written; ends exactly once.
import { CmdStreamError } from '../errors.js';

/**
 * Takes what comes back for one Command. After `complete` or `error` nothing more is called.
 * What `next` throws ends the call and is given to `error`; what the other two throw is ignored.
 *
 * @publicApi
 */
export interface CommandSink<R = unknown> {
  /** A Result, in order. */
  next(result: R): void;
  /** The last Result has been given to `next`. */
  complete(): void;
  error(error: unknown): void;
}

/**
 * A call that was dispatched.
 *
 * @publicApi
 */
export interface Call {
  /** Number of the Command on its connection; 0 until it was written. */
  readonly seq: number;
  /** False once it was answered, failed or cancelled. */
  readonly isPending: boolean;
  /** Forgets the Command: its sink is not called any more, late Results are unexpected ones. No effect once it has ended. */
  cancel(): void;
}

/** @publicApi */
export interface CallOptions {
  /**
   * Most milliseconds until the call is over, waiting for a connection included; 0: no limit.
   * Default: the client's `timeoutMs` for `execute`, no limit for streams.
   */
  timeoutMs?: number;
  /** Cancels the call when it aborts; its reason becomes the error. */
  signal?: AbortSignal;
}

/** Where a call is registered as long as it is pending. */
export interface CallHome {
  /** The call does not wait any more. */
  forget(call: PendingCall): void;
}

export class PendingCall implements Call {
  /** Set once, by the link that writes it. */
  seq = 0;
  readonly #sink: CommandSink;
  #home: CallHome | undefined;
  #timer: NodeJS.Timeout | undefined;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  #pending = true;

  constructor(
    readonly command: unknown,
    sink: CommandSink,
    home: CallHome,
    /** What ends it well: its last Result, or that the socket has taken its Command. */
    readonly until: 'answered' | 'written' = 'answered',
  ) {
    this.#sink = sink;
    this.#home = home;
  }

  get isPending(): boolean {
    return this.#pending;
  }

  /** Starts the time limit and listens to the signal. */
  watch(timeoutMs: number, signal: AbortSignal | undefined): void {
    if (timeoutMs > 0) this.#timer = setTimeout(() => this.#timedOut(timeoutMs), timeoutMs);
    if (signal === undefined) return;
    this.#signal = signal;
    this.#onAbort = () => this.fail(signal.reason);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** May the server have seen the Command? */
  get isSent(): boolean {
    return this.seq !== 0;
  }

  #timedOut(timeoutMs: number): void {
    const sent = this.isSent;
    this.fail(new CmdStreamError('TIMEOUT', `no answer within timeoutMs (${timeoutMs})`, { sent }));
  }

  next(result: unknown): void {
    if (this.#pending) this.#sink.next(result);
  }

  complete(): void {
    if (!this.#settle()) return;
    try {
      this.#sink.complete();
    } catch {
      // A sink's failure is its own; the connection serves others.
    }
  }

  fail(error: unknown): void {
    if (!this.#settle()) return;
    try {
      this.#sink.error(error);
    } catch {
      // As in complete(): there is nobody else to tell.
    }
  }

  cancel(): void {
    this.#settle();
  }

  #settle(): boolean {
    if (!this.#pending) return false;
    this.#pending = false;
    clearTimeout(this.#timer);
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#home?.forget(this);
    this.#home = undefined;
    return true;
  }
}
