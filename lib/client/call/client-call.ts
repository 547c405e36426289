// One call of a client from dispatch to its end. Knows its number once it was written; ends exactly once.
import { CmdStreamError, isCmdStreamError } from '../../errors.js';
import { NO_METADATA, type Metadata } from '../../wire/control-frame.js';
import type { KeptBytes } from './call-bytes.js';
import type { CircuitPermit } from '../circuit-breaker.js';
import type { Deadline, Deadlines, Timed } from './deadlines.js';
import type { SignalListeners } from './signal-listeners.js';
import { isPromiseLike, notify } from '../../callbacks.js';
import type { CallOutcome, SentCommand } from '../../instrumentation/instrumentation.js';
import { CANCELLED, breakerVerdict, nameOfSent, type CallWatch } from './call-outcome.js';
import { AsyncResource } from 'node:async_hooks';

const COMPLETED: CallOutcome = Object.freeze({ how: 'completed' });

/**
 * Takes what comes back for one Command. After `complete` or `error` nothing more is called.
 * What `next` throws ends the call and is given to `error`; what the other two throw is ignored.
 *
 * @publicApi
 */
export interface CommandSink<R = unknown> {
  /** A Result, in order, and the bytes of its frame. */
  next(result: R, bytesRead: number): void;
  /** The last Result has been given to `next`. */
  complete(): void;
  /** The call has failed, with a CmdStreamError or the reason of its signal; nothing comes after it. */
  error(error: unknown): void;
}

/** A sink as a call has it: `complete` does not fail. */
export interface CallSink {
  /** `isLast`: what the Result says of itself, which is asked once; it ends the call. */
  next(result: unknown, bytesRead: number, isLast: boolean): unknown;
  complete(): unknown;
  error(error: unknown): unknown;
  /** Its user has the call itself, and knows of what he cancels. Who waits for a promise does not. */
  readonly hasCall?: boolean;
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
  /**
   * Stops waiting: its sink is not called any more. A server of this package stops working on it; from a plain one late
   * Results may come, as unexpected ones. No effect once it has ended.
   */
  cancel(): void;
}

/**
 * What one call says besides its Command; all are optional.
 *
 * @publicApi
 */
export interface CallOptions {
  /**
   * Most milliseconds until the call is over, waiting for a connection included; 0: no limit. What is left travels to
   * servers of this package.
   * Default: the client's `timeoutMs` for `execute`, no limit for streams.
   */
  timeoutMs?: number | undefined;
  /** Cancels the call when it aborts; its reason becomes the error. */
  signal?: AbortSignal | undefined;
  /** Travels with the Command to servers of this package; a plain one makes it an error, EXTENSION_UNAVAILABLE. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /**
   * May the Command be executed twice, so that it is sent again when its connection is lost before the first Result?
   * Default: what its class or type says of itself (`idempotent`).
   */
  idempotent?: boolean | undefined;
}

/** What else a call may want of its connection. */
export interface CallNeeds {
  /** Results that may come before more are asked for; 0: as many as there are. */
  readonly credit?: number;
  /** What ends the call well: its last Result (the default), or that the socket has taken its Command. */
  readonly until?: 'answered' | 'written';
  /** Metadata that its caller did not give, such as trace ids: left out towards plain peers. */
  readonly ambient?: Metadata | undefined;
  readonly watch?: CallWatch | undefined;
}

/** Where a call is held as long as it is pending: by the group, or by the connection that is to write it or has. */
export interface CallHolder {
  /** The call is over. `reason`: why its caller gave up before the server had ended it, a code. */
  remove(call: ClientCall, reason?: string): void;
  /** The caller takes `count` more Results; where no Command is written, none is asked for. */
  grant?(call: ClientCall, count: number): void;
  /** Where its connection leads to, for errors. */
  readonly server?: string | undefined;
  /** What the call waits for, for the error of one that waits no longer; `cause`: why that has not come. */
  waitsFor(call: ClientCall): { readonly text: string; readonly cause?: CmdStreamError | undefined };
}

export class ClientCall implements Call, SentCommand, Timed {
  /** Set by the connection that writes it. */
  seq = 0;
  /** The server has marked a stream: only its END, or an ERROR, is the end. */
  isStream = false;
  /** How often it was sent. */
  attempts = 0;
  /** Bytes of its frame, once it was written. */
  bytes = 0;
  /** Where it was last written to. */
  server: string | undefined;
  /** Bytes of its connection that were sent with it and before it. */
  sentBytes = 0;
  /** Results that the server may still send on credit; undefined: as many as there are. */
  creditLeft: number | undefined;
  /** Read-only to others: false once it was answered, failed or cancelled. */
  isPending = true;
  /** What it says, as bytes: where it waits, or may have to be sent again. */
  kept: KeptBytes | undefined;
  /** An earlier attempt may have been executed, whatever becomes of this one. */
  mayHaveRun = false;
  /** Its last Result has come: the server has nothing left to cancel. */
  #isAnswered = false;
  readonly credit: number;
  readonly metadata: Metadata | undefined;
  /** The client's may come later, before it is written. */
  ambient: Metadata;
  /** Has it any of the two? */
  hasMetadata: boolean;
  readonly until: 'answered' | 'written';
  readonly timeoutMs: number;
  readonly startedAt = performance.now();
  /** Its neighbours in the line of its {@link Deadline}. */
  sooner: Timed | undefined;
  later: Timed | undefined;
  /** May it be executed twice? Undefined: as its class says. */
  readonly idempotent: boolean | undefined;
  readonly #sink: CallSink;
  readonly #watch: CallWatch | undefined;
  #report: ((outcome: CallOutcome) => void) | undefined;
  #deadline: Deadline | undefined;
  #stopListening: (() => void) | undefined;

  constructor(
    readonly command: unknown,
    sink: CallSink,
    /** Where it waits now. */
    public holder: CallHolder,
    { timeoutMs = 0, metadata, idempotent }: CallOptions = {},
    { credit = 0, until = 'answered', ambient = NO_METADATA, watch }: CallNeeds = {},
  ) {
    this.#sink = sink;
    this.timeoutMs = timeoutMs;
    this.idempotent = idempotent;
    this.metadata = metadata;
    this.credit = credit;
    this.ambient = ambient;
    this.hasMetadata = metadata !== undefined || ambient !== NO_METADATA;
    this.until = until;
    this.#watch = watch;
  }

  /** What was sent and where to, for the end of an error's text. */
  get label(): string {
    const { server } = this.holder;
    return `(${nameOfSent(this.command)}${server === undefined ? '' : ` at ${server}`})`;
  }

  /** Whole milliseconds that are left; 0: no limit, negative: the time is over. */
  remainingMs(): number {
    if (this.timeoutMs === 0) return 0;
    return Math.round(this.timeoutMs - (performance.now() - this.startedAt)) || -1;
  }

  /** Starts the time limit and listens to the signal. */
  watch(signal: AbortSignal | undefined, signals: SignalListeners, deadlines: Deadlines): void {
    if (this.timeoutMs > 0) this.#deadline = deadlines.add(this);
    if (signal === undefined) return;
    const onAbort = (): void => this.#abandon({ how: 'cancelled', error: signal.reason }, 'CANCELLED');
    if (signal.aborted) onAbort();
    else this.#stopListening = signals.add(signal, onAbort);
  }

  /** Its time is over. */
  expire(): void {
    if (!this.isPending) return;
    const { text, cause } = this.holder.waitsFor(this);
    const what = `${nameOfSent(this.command)}: no answer within timeoutMs (${this.timeoutMs})`;
    const error = new CmdStreamError('TIMEOUT', `${what}: ${text}`, {
      sent: this.attempts > 0,
      ...(cause && { cause }),
    });
    this.#abandon({ how: 'timed out', error }, 'TIMEOUT');
  }

  #abandon(outcome: CallOutcome, reason: string): void {
    if (this.#settle(outcome, reason)) this.#giveError(outcome.error);
  }

  /** `report` is called with the outcome of this attempt; it takes the place of an earlier one. */
  onReport(report: ((outcome: CallOutcome) => void) | undefined): void {
    this.#report = report;
  }

  /** The circuit breaker that gave `permit` learns the outcome of this attempt. */
  reportTo(permit: CircuitPermit, isFailure: (error: unknown) => boolean): void {
    this.#report = (outcome) =>
      notify(() => {
        const hasServed = breakerVerdict(outcome, isFailure);
        if (hasServed === undefined) return permit.release();
        return hasServed ? permit.succeed() : permit.fail(outcome.error);
      });
  }

  /** How this attempt ended, which need not be the end of the call. */
  report(outcome: CallOutcome): void {
    const report = this.#report;
    this.#report = undefined;
    report?.(outcome);
  }

  /** A Result has come; `isLast`: it ends the call. */
  next(result: unknown, bytesRead: number, isLast: boolean): void {
    if (!this.isPending) return;
    this.#isAnswered = isLast;
    this.#freeKept();
    this.#watch?.onResult(this, result, bytesRead);
    // A hook may have ended it.
    if (!this.isPending) return;
    try {
      // What code of the user promises, whatever its type says, may fail later.
      const taken = this.#sink.next(result, bytesRead, isLast);
      if (taken !== undefined && isPromiseLike(taken))
        taken.then(undefined, (error: unknown) => this.sinkFailed(error));
    } catch (error) {
      return this.sinkFailed(error);
    }
    if (isLast) this.complete();
  }

  complete(): void {
    // That it was written says nothing about the server.
    if (this.until === 'written') this.report(CANCELLED);
    if (this.#settle(COMPLETED)) this.#sink.complete();
  }

  /** The call failed at the server or on the way, or was given up before it was on its way. */
  fail(failure: unknown, how: 'failed' | 'cancelled' = 'failed'): void {
    const error = this.mayHaveRun ? asSent(failure) : failure;
    if (this.#settle({ how, error })) this.#giveError(error);
  }

  #giveError(error: unknown): void {
    notify(() => this.#sink.error(error));
  }

  /** What has come cannot be read, or the sink does not take it: the rest is not wanted. */
  sinkFailed(failure: unknown): void {
    const error = asSent(failure);
    this.#abandon({ how: 'failed', error }, isCmdStreamError(error) ? error.code : 'CANCELLED');
  }

  cancel(): void {
    this.#settle(CANCELLED, 'CANCELLED');
  }

  /** Given up by its number: a caller who waits without the call in hand learns of it, or would wait for ever. */
  forget(): void {
    if (this.#sink.hasCall) return this.cancel();
    const text = `forget() was called with the number of the Command ${this.label}`;
    this.#abandon({ how: 'cancelled', error: new CmdStreamError('CANCELLED', text, { sent: true }) }, 'CANCELLED');
  }

  /** Asks for more Results of a call with credit. */
  grant(count: number): void {
    if (this.creditLeft !== undefined) this.creditLeft += count;
    if (this.isPending) this.holder.grant?.(this, count);
  }

  #settle(outcome: CallOutcome, reason?: string): boolean {
    if (!this.isPending) return false;
    this.isPending = false;
    this.#deadline?.remove(this);
    this.#stopListening?.();
    this.#freeKept();
    this.holder.remove(this, this.#isAnswered ? undefined : reason);
    this.report(outcome);
    this.#watch?.onEnd(this, outcome);
    return true;
  }

  #freeKept(): void {
    if (this.kept === undefined) return;
    this.kept.free();
    this.kept = undefined;
  }

  /** Makes it a call that was not written yet; `holder` has it until it is. */
  rewind(holder: CallHolder): void {
    this.seq = 0;
    this.bytes = 0;
    this.isStream = false;
    this.creditLeft = undefined;
    this.holder = holder;
  }
}

/** The server may have begun with the Command: an error of this package must not say that it was not sent. */
function asSent(error: unknown): unknown {
  if (!isCmdStreamError(error) || error.sent) return error;
  const { code, message, payload } = error;
  return new CmdStreamError(code, message, { cause: error, sent: true, payload });
}

/**
 * A sink of a user: called in the async scope in which it was given, whatever runs when something comes back, and free
 * to fail at the end. A scope itself, because every call that is sent for an Observable needs one.
 */
export class CallerSink<R = unknown> extends AsyncResource implements CommandSink<R> {
  readonly #sink: CommandSink<R>;

  constructor(
    sink: CommandSink<R>,
    readonly hasCall = false,
  ) {
    super('cmd-stream');
    this.#sink = sink;
  }

  next(result: R, bytesRead = 0): void {
    return this.runInAsyncScope(this.#sink.next, this.#sink, result, bytesRead);
  }

  complete(): void {
    notify(() => this.runInAsyncScope(this.#sink.complete, this.#sink));
  }

  error(error: unknown): void {
    notify(() => this.runInAsyncScope(this.#sink.error, this.#sink, error));
  }
}
