// A Command of a peer of this package: knows its end, its errors, credit and cancellation.
//
// One Result that is the last one and completion in the same turn: the Result alone, as plain peers do. Everything else
// is marked: STREAM before the first Result that might be taken for the last, END or ERROR behind the last.
//
//   producer --> held (one, until the turn ends) --> queue (no credit, or the socket is full) --> socket
import { resultCountOf } from '../../contract/command.js';
import type { TypeTable } from '../../contract/type-table.js';
import { dataText, PatternMessage, WholePacket } from '../../codec/pattern-message.js';
import { CmdStreamError } from '../../errors.js';
import type { ByteWriter } from '../../wire/byte-writer.js';
import { Control, writeSeqControl, writeValue, type DataJson } from '../../wire/control-frame.js';
import { deferred, type Deferred } from '../../callbacks.js';
import { ServerCall, type ArrivedCommand, type CallSession } from './server-call.js';
import { ResultQueue } from './result-queue.js';
import type { ScheduledCall } from '../session/send-scheduler.js';
import { encodeErrorFrame, frameError, handlerError, sessionError, type WireError } from './wire-error.js';

/** A Result that may be the only one, as it was when it was given: what becomes of the object later is not sent. */
interface HeldResult {
  readonly isNothing: boolean;
  /** For what watches the Command. */
  readonly result: unknown;
  write(writer: ByteWriter, isLast: boolean): void;
}

/** running: the handler is at work; ending: its end is queued; settled: everything is sent. */
type State = 'running' | 'ending' | 'settled';

export class ExtendedCall extends ServerCall implements ScheduledCall {
  /** Has its handler said that it is done? */
  #isHandlerDone = false;
  /** Made when there is credit to count, or something must wait. */
  #queue: ResultQueue | undefined;
  #state: State = 'running';
  #held: HeldResult | undefined;
  #isStream = false;
  /** Was a Result sent, or queued, that is not the only one? */
  #hasResult = false;
  /** Must END follow? Not behind a Result that the peer takes for the last one. */
  #needsEnd = true;
  /** What `next` has thrown. Where an Invoker hands it to `error`, it is no failure of the handler. */
  #thrown: unknown;
  #room: Deferred | undefined;

  /** `credit`: Results that may be sent; 0 for a Command without credit, which may send as many as it has. */
  constructor(arrived: ArrivedCommand, session: CallSession, limitMs: number, credit: number) {
    super(arrived, session, limitMs);
    if (credit > 0) this.#queue = new ResultQueue(this, session, credit);
  }

  get isOpen(): boolean {
    return this.#state === 'running' && this.abortReason === undefined;
  }

  get drained(): Promise<void> | undefined {
    if (!this.isOpen) return undefined;
    if (this.#queue === undefined || this.#queue.isFree) return this.session.scheduler.drained;
    this.#room ??= deferred();
    return this.#room.promise;
  }

  get #results(): TypeTable {
    return this.session.config.contract.results;
  }

  /** Does this Command answer with JSON values instead of Results of the contract? */
  get #answersValues(): boolean {
    return this.command instanceof PatternMessage || this.#results.types.length === 0;
  }

  /** Must what comes next wait? */
  get #mustQueue(): boolean {
    return this.session.scheduler.isCongested || this.#queue?.isFree === false;
  }

  next(result: unknown): number {
    if (!this.isOpen) return 0;
    try {
      if (this.isEncoding)
        throw new CmdStreamError('ENCODE_FAILED', 'nothing can be sent while a value is being written');
      this.isEncoding = true;
      try {
        return this.#next(result);
      } finally {
        this.doneEncoding();
      }
    } catch (error) {
      this.#thrown = error;
      throw error;
    }
  }

  #next(result: unknown): number {
    this.#flushHeld();
    if (!this.isOpen) return 0;
    const mayBeLast = this.#answersValues || this.#isLast(result);
    if (this.#isStream || !mayBeLast) {
      this.#hasResult = true;
      return this.#put(result, false, false);
    }
    const held = this.#hold(result);
    // Its code may have ended the Command.
    if (this.isOpen) this.#held = held;
    return 0;
  }

  #hold(result: unknown): HeldResult {
    const { connection, scheduler } = this.session;
    if (!this.#answersValues) {
      const bytes = scheduler.hold(this, (writer) => connection.writer.writeValue(writer, this.seq, result));
      return { isNothing: false, result, write: (writer) => writer.writeBytes(bytes) };
    }
    const isPacket = result instanceof WholePacket;
    const text = this.#textOf(result);
    scheduler.holdBack(this);
    return {
      isNothing: result === undefined,
      result,
      write: (writer, isLast) => writeValue(writer, this.seq, text, isLast, isPacket),
    };
  }

  #textOf(result: unknown): string {
    return dataText(result instanceof WholePacket ? result.packet : result, this.session.connection.dataLimits);
  }

  /** For what is written at once. */
  #jsonOf(result: unknown): DataJson {
    if (!(this.command instanceof PatternMessage) || result instanceof WholePacket) return this.#textOf(result);
    return this.session.config.direction.dataCodec.write(this.command.route, result);
  }

  #isLast(result: unknown): boolean {
    return this.#results.isLastListed(result);
  }

  complete(result?: unknown): void {
    this.#isHandlerDone = true;
    if (this.#state !== 'running') return this.handlerEnded();
    if (this.isEncoding) return this.endBehind(() => this.complete(result));
    this.isEncoding = true;
    try {
      if (this.abortReason === undefined) this.#finish(result);
      this.#end();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.doneEncoding();
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
      this.#putFrame((writer) => held.write(writer, true), true, held.result);
    } else if (!this.#hasResult && !this.#isStream && resultCountOf(this.command) === 'one Result')
      return this.#withoutResult();
    if (this.#needsEnd) this.#sendControl((writer) => writeSeqControl(writer, Control.END, this.seq));
  }

  #withoutResult(): void {
    const remedy = `a Command has one: give one, or let ${this.commandName} extend VoidCommand or StreamCommand`;
    const error = new CmdStreamError('NO_RESULT', `${this.handlerName()} gave no Result; ${remedy}`);
    this.session.report(error);
    this.failure = { error };
    this.#sendError(sessionError(error, this.#report));
  }

  error(error: unknown): void {
    this.#isHandlerDone = true;
    if (this.#state !== 'running') return this.#lateError(error);
    if (this.isEncoding) return this.endBehind(() => this.error(error));
    this.failure = { error };
    if (error === this.#thrown && error !== undefined) return this.#fail(error);
    const { dataLimits } = this.session.connection;
    this.#endWith(() => handlerError(this.failureOf(error), this.#report, dataLimits));
  }

  /** What a handler gives up with, because the Command was ended, is known. */
  #lateError(error: unknown): void {
    if (error === undefined || error !== this.endReason) this.session.report(this.failureOf(error));
    this.handlerEnded();
  }

  /** A Result cannot be sent. */
  #fail(error: unknown): void {
    this.failure = { error };
    this.#endWith(() => this.#frameError(error));
  }

  #frameError(error: unknown): WireError {
    return frameError(error, this.#report, this.session.connection.dataLimits, () => this.handlerName());
  }

  get #report(): (hidden: unknown) => void {
    return (hidden) => this.session.report(hidden);
  }

  #endWith(error: () => WireError): void {
    if (this.abortReason === undefined) {
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
    this.failureCode = error.code;
    const bytes = encodeErrorFrame(this.session.connection, this.seq, error, this.#report);
    this.#sendControl((writer) => writer.writeBytes(bytes));
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

  /** The caller allows `count` more Results. False if none was sent that it could have taken. */
  grant(count: number): boolean {
    if (this.#queue === undefined) return false;
    const wereSent = this.#queue.grant(count);
    this.pump();
    return wereSent;
  }

  /** Sends what is queued as far as credit and socket allow. */
  pump(): void {
    const queue = this.#queue!;
    if (!queue.flush()) return;
    if (this.#state === 'ending') return this.#settleNow();
    if (this.#room === undefined || !queue.isFree) return;
    const { scheduler } = this.session;
    if (scheduler.isCongested) scheduler.join(this);
    else this.#hasRoom();
  }

  /** Ends the Command now: what waits for credit gives way to the error. */
  destroy(cause: CmdStreamError): void {
    this.scope.runInAsyncScope(this.#destroy, this, cause);
  }

  protected override timeOut(cause: CmdStreamError): void {
    this.#destroy(cause);
  }

  #destroy(cause: CmdStreamError): void {
    this.endReason = cause;
    this.failure = { error: cause };
    this.#leaveHandler();
    this.#queue?.drop();
    if (this.#state === 'ending') this.#sendError(sessionError(cause, this.#report));
    else this.#endWith(() => sessionError(cause, this.#report));
    this.abort(cause);
  }

  override abort(reason?: unknown): void {
    super.abort(reason);
    this.#queue?.drop();
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
    if (!this.#answersValues) this.#sendControl((writer) => writeSeqControl(writer, Control.STREAM, this.seq));
    this.#isStream = true;
    this.#putFrame((writer) => held.write(writer, false), false, held.result);
  }

  /** Sends a Result, or queues it. `isFinal`: none follows. */
  #put(result: unknown, isLast: boolean, isFinal: boolean): number {
    const { connection } = this.session;
    return this.#putFrame(
      this.#answersValues
        ? (writer) => this.#writeValue(writer, result, isLast)
        : (writer) => connection.writer.writeValue(writer, this.seq, result),
      isFinal,
      result,
    );
  }

  #putFrame(write: (writer: ByteWriter) => void, isFinal: boolean, result: unknown): number {
    const bytes = this.#mustQueue
      ? this.#ensureQueue().put(write, isFinal)
      : this.#spend(this.session.connection.writer.send(write));
    if (typeof bytes !== 'number') {
      this.#stop(bytes);
      return 0;
    }
    this.watch?.onResult(result, bytes);
    return bytes;
  }

  #spend(bytes: number): number {
    this.#queue?.spend(bytes);
    return bytes;
  }

  /** Sends a control frame, which needs no credit: behind what is queued; in its turn, where the socket has no room. */
  #sendControl(write: (writer: ByteWriter) => void): void {
    if (this.#queue === undefined && !this.session.scheduler.isCongested) this.session.connection.writer.post(write);
    else this.#ensureQueue().putControl(write);
  }

  #ensureQueue(): ResultQueue {
    return (this.#queue ??= new ResultQueue(this, this.session, Infinity));
  }

  #writeValue(writer: ByteWriter, result: unknown, isLast: boolean): void {
    writeValue(writer, this.seq, this.#jsonOf(result), isLast, result instanceof WholePacket);
  }

  #leaveHandler(): void {
    if (!this.#isHandlerDone) this.leaveHandler();
  }

  /** Ends the Command although its handler goes on, which learns it by the signal. */
  #stop(error: unknown): void {
    this.endReason = error;
    this.#leaveHandler();
    this.#fail(error);
    // Not the abort() of this class: it would drop the queued error.
    super.abort(error);
  }

  #end(): void {
    if (this.#state !== 'running') return;
    this.#hasRoom();
    if (this.#queue === undefined || this.#queue.isEmpty) this.#settleNow();
    else this.#state = 'ending';
  }

  #settleNow(): void {
    this.#state = 'settled';
    this.settle();
  }
}
