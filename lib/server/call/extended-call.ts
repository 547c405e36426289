// A Command of a peer of this package: knows its end, its errors, credit and cancellation.
//
// One Result that is the last one and completion in the same turn: the Result alone, as plain peers do. Everything else
// is marked: STREAM before the first Result that might be taken for the last, END or ERROR behind the last.
//
//   producer --> held (one, until the turn ends) --> queue (no credit, or the socket is full) --> socket
import type { Contract } from '../../contract/contract.js';
import { dataText, PatternMessage, WholePacket } from '../../codec/pattern-message.js';
import { CmdStreamError } from '../../errors.js';
import type { ByteWriter } from '../../wire/byte-writer.js';
import { Control, writeSeqControl, writeValue, type Metadata } from '../../wire/control-frame.js';
import type { Seq } from '../../wire/frame.js';
import { deferred, type Deferred } from '../../callbacks.js';
import { ServerCall, type CommandHome, type HandlerNames } from './server-call.js';
import { ResultQueue, type QueueHome } from './result-queue.js';
import type { SessionConfig } from '../session/session-config.js';
import type { ScheduledCall } from '../session/send-scheduler.js';
import { encodeErrorFrame, frameError, handlerError, sessionError, type WireError } from './wire-error.js';

export interface ExtendedHome extends CommandHome, HandlerNames, QueueHome {
  readonly config: Pick<SessionConfig, 'contract' | 'maxStreamBufferBytes'>;
}

/** A Result that may be the only one, as it was when it was given: what becomes of the object later is not sent. */
interface HeldResult {
  readonly isNothing: boolean;
  write(writer: ByteWriter, isLast: boolean): void;
}

/** running: the handler is at work; ending: its end is queued; settled: everything is sent. */
type State = 'running' | 'ending' | 'settled';

export class ExtendedCall extends ServerCall implements ScheduledCall {
  /** Does it count as running? */
  isStarted = false;
  readonly #queue: ResultQueue;
  #state: State = 'running';
  #held: HeldResult | undefined;
  #isStream = false;
  /** Is nothing, or nothing that ends the Command, sent so far? */
  #needsEnd = true;
  /** What `next` has thrown: an Invoker that hands it to `error` quotes the session. */
  #thrown: unknown;
  #room: Deferred | undefined;

  constructor(
    seq: Seq,
    value: unknown,
    bytesRead: number,
    receivedAt: number,
    deadline: number | undefined,
    overAt: number,
    metadata: Metadata,
    /** Results that may be sent; Infinity for a Command without credit. */
    credit: number,
    protected override readonly home: ExtendedHome,
  ) {
    super(seq, value, bytesRead, receivedAt, deadline, overAt, metadata, home);
    this.#queue = new ResultQueue(this, home, credit);
  }

  get isOpen(): boolean {
    return this.#state === 'running' && !this.isAborted;
  }

  get drained(): Promise<void> | undefined {
    if (!this.isOpen) return undefined;
    if (this.#queue.isFree) return this.home.drained;
    this.#room ??= deferred();
    return this.#room.promise;
  }

  get #results(): Contract['results'] {
    return this.home.config.contract.results;
  }

  /** Does this Command answer with JSON values instead of Results of the contract? */
  get #answersValues(): boolean {
    return this.value instanceof PatternMessage || this.#results.types.length === 0;
  }

  next(result: unknown): number {
    if (!this.isOpen) return 0;
    try {
      if (this.isTaking)
        throw new CmdStreamError('ENCODE_FAILED', 'nothing can be sent while a value is being written');
      this.take();
      try {
        return this.#next(result);
      } finally {
        this.taken();
      }
    } catch (error) {
      this.#thrown = error;
      throw error;
    }
  }

  #next(result: unknown): number {
    this.#flushHeld();
    if (!this.isOpen) return 0;
    const endsLikeOne = this.#answersValues || this.#isLast(result);
    if (this.#isStream || !endsLikeOne) return this.#put(result, false, false);
    const held = this.#hold(result);
    // Its code may have ended the Command.
    if (!this.isOpen) return 0;
    this.#held = held;
    this.home.waiting.holdBack(this);
    return 0;
  }

  #hold(result: unknown): HeldResult {
    if (!this.#answersValues) {
      const { connection, waiting } = this.home;
      const bytes = waiting.encode((writer) => connection.writeFrame(writer, this.seq, result));
      return { isNothing: false, write: (writer) => writer.writeBytes(bytes) };
    }
    const isPacket = result instanceof WholePacket;
    const text = this.#textOf(result);
    return {
      isNothing: result === undefined,
      write: (writer, isLast) => writeValue(writer, this.seq, text, isLast, isPacket),
    };
  }

  #textOf(result: unknown): string {
    return dataText(result instanceof WholePacket ? result.packet : result, this.home.connection.dataLimits);
  }

  #isLast(result: unknown): boolean {
    return this.#results.isLastListed(result);
  }

  complete(result?: unknown): void {
    if (this.#state !== 'running') return;
    if (this.isTaking) return this.endBehind(() => this.complete(result));
    this.take();
    try {
      if (!this.isAborted) this.#finish(result);
      this.#end();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.taken();
    }
  }

  #finish(result: unknown): void {
    const held = this.#held;
    if (result !== undefined) this.#flushHeld();
    if (this.#state !== 'running') return;
    this.#held = undefined;
    if (result !== undefined) {
      this.#needsEnd = this.#isStream || !(this.#answersValues || this.#isLast(result));
      this.#put(result, !this.#needsEnd, true);
    } else if (held !== undefined && !held.isNothing) {
      // A last value of nothing says as little as the end alone.
      this.#needsEnd = false;
      this.#putFrame((writer) => held.write(writer, true), true);
    }
    if (this.#needsEnd) this.#queue.mark((writer) => writeSeqControl(writer, Control.END, this.seq));
  }

  error(error: unknown): void {
    if (this.#state !== 'running') return this.home.report(this.home.failureOf(error));
    if (this.isTaking) return this.endBehind(() => this.error(error));
    if (error === this.#thrown && error !== undefined) return this.#fail(error);
    const { dataLimits } = this.home.connection;
    this.#endWith(() => handlerError(this.home.failureOf(error), (hidden) => this.home.report(hidden), dataLimits));
  }

  /** A Result cannot be sent. */
  #fail(error: unknown): void {
    this.#endWith(() => this.#frameError(error));
  }

  #frameError(error: unknown): WireError {
    const { dataLimits } = this.home.connection;
    return frameError(
      error,
      (hidden) => this.home.report(hidden),
      dataLimits,
      () => this.home.handlerOf(this.value),
    );
  }

  #endWith(error: () => WireError): void {
    if (!this.isAborted) {
      try {
        this.#flushHeld();
      } catch {
        // The Result that cannot be written gives way to the error.
      }
      if (this.#state === 'running') this.#sendError(error());
    }
    this.#end();
  }

  #sendError(error: WireError): void {
    const bytes = encodeErrorFrame(this.home.connection, this.seq, error, (hidden) => this.home.report(hidden));
    this.#queue.mark((writer) => writer.writeBytes(bytes));
  }

  /** The end of the turn: what is held back is not the only Result. */
  release(): void {
    if (this.isOpen) this.scope.runInAsyncScope(this.#release, this);
  }

  #release(): void {
    try {
      this.#flushHeld();
    } catch (error) {
      this.#stop(error);
    }
  }

  /** The caller allows `count` more Results. */
  grant(count: number): void {
    this.#queue.grant(count);
    this.pump();
  }

  /** Sends what is queued as far as credit and socket allow. */
  pump(): void {
    if (!this.#queue.flush()) return;
    if (this.#state === 'ending') return this.#settleNow();
    if (this.#room === undefined || !this.#queue.isFree) return;
    if (this.home.drained === undefined) this.#hasRoom();
    else this.home.waiting.join(this);
  }

  /** Ends the Command now: what waits for credit gives way to the error. */
  shutDown(cause: CmdStreamError): void {
    this.scope.runInAsyncScope(this.#shutDown, this, cause);
  }

  #shutDown(cause: CmdStreamError): void {
    this.endReason = cause;
    this.#queue.drop();
    if (this.#state === 'ending') this.#sendError(sessionError(cause, (hidden) => this.home.report(hidden)));
    else this.#endWith(() => sessionError(cause, (hidden) => this.home.report(hidden)));
    this.abort(cause);
  }

  override abort(reason?: unknown): void {
    super.abort(reason);
    this.#queue.drop();
    this.#held = undefined;
    this.#hasRoom();
    if (this.#state === 'ending') this.#settleNow();
  }

  #hasRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #flushHeld(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    // Only the first is ever held, and values say themselves whether they are the last.
    if (!this.#answersValues) this.#queue.mark((writer) => writeSeqControl(writer, Control.STREAM, this.seq));
    this.#isStream = true;
    this.#putFrame((writer) => held.write(writer, false), false);
  }

  /** Sends a Result, or queues it. `isFinal`: none follows. */
  #put(result: unknown, isLast: boolean, isFinal: boolean): number {
    const { connection } = this.home;
    const asValue = this.#answersValues;
    if (!asValue && !this.#queue.isClosed) {
      const length = connection.send(this.seq, result);
      this.#queue.spend(length);
      return length;
    }
    return this.#putFrame(
      asValue
        ? (writer) => this.#writeValue(writer, result, isLast)
        : (writer) => connection.writeFrame(writer, this.seq, result),
      isFinal,
    );
  }

  #putFrame(write: (writer: ByteWriter) => void, isFinal: boolean): number {
    if (!this.#queue.isClosed) {
      const length = this.home.connection.sendControl(write);
      this.#queue.spend(length);
      return length;
    }
    const queued = this.#queue.put(write, isFinal);
    if (typeof queued === 'number') return queued;
    this.#stop(queued);
    return 0;
  }

  #writeValue(writer: ByteWriter, result: unknown, isLast: boolean): void {
    writeValue(writer, this.seq, this.#textOf(result), isLast, result instanceof WholePacket);
  }

  /** Ends the Command although its handler goes on: it is notify by the signal. */
  #stop(error: unknown): void {
    this.endReason = error;
    this.#fail(error);
    // Not this class's abort(): it would drop the queued error.
    super.abort(error);
  }

  #end(): void {
    if (this.#state !== 'running') return;
    this.#hasRoom();
    if (this.#queue.isEmpty) this.#settleNow();
    else this.#state = 'ending';
  }

  #settleNow(): void {
    this.#state = 'settled';
    this.settle();
  }
}
