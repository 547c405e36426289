// A Command of a peer of this package: knows its end, its errors, credit and cancellation.
//
// One Result that is the last one and completion in the same turn: the Result alone, as plain peers do. Everything else
// is marked: STREAM before the first Result that might be taken for the last, END or ERROR behind the last.
//
//   producer --> held (one, until the turn ends) --> queue (no credit, or the socket is full) --> socket
import type { Contract } from '../codec/contract.js';
import { dataText, PatternMessage } from '../codec/pattern-message.js';
import { WholePacket } from '../codec/whole-packet.js';
import type { Connection } from '../connection/connection.js';
import { CmdStreamError } from '../errors.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { Control, writeError, writeSeqControl, writeValue, type Metadata } from '../wire/control-frame.js';
import type { Seq } from '../wire/frame.js';
import { deferred, type Deferred } from './deferred.js';
import { RunningCommand, type CommandHome } from './running-command.js';
import type { WaitingResults } from './waiting-results.js';
import { wireErrorOf } from './wire-error.js';

export interface ExtendedHome extends CommandHome {
  readonly connection: Connection;
  readonly config: { readonly contract: Contract; readonly maxStreamBufferBytes: number };
  /** What is not written yet, of all Commands together. */
  readonly waiting: WaitingResults;
}

interface QueuedFrame {
  readonly bytes: Buffer;
  /** Results need credit, marks do not. */
  readonly isResult: boolean;
}

/** running: the handler is at work; ending: its end is queued; settled: everything is sent. */
type State = 'running' | 'ending' | 'settled';

export class ExtendedCommand extends RunningCommand {
  #state: State = 'running';
  #held: { readonly result: unknown } | undefined;
  #isStream = false;
  /** Is nothing, or nothing that ends the Command, sent so far? */
  #needsEnd = true;
  #credit: number;
  #queue: QueuedFrame[] = [];
  #queuedBytes = 0;
  #room: Deferred | undefined;

  constructor(
    seq: Seq,
    value: unknown,
    bytesRead: number,
    receivedAt: number,
    deadline: number | undefined,
    metadata: Metadata,
    /** Results that may be sent; Infinity for a Command without credit. */
    credit: number,
    protected override readonly home: ExtendedHome,
  ) {
    super(seq, value, bytesRead, receivedAt, deadline, metadata, home);
    this.#credit = credit;
  }

  get isOpen(): boolean {
    return this.#state === 'running' && !this.isAborted;
  }

  get drained(): Promise<void> | undefined {
    if (!this.isOpen) return undefined;
    if (this.#credit > 0 && this.#queue.length === 0) return this.home.drained;
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
    this.#flushHeld();
    if (this.#answersValues || this.#isLast(result)) {
      if (this.#isStream) return this.#put(result, false);
      this.#held = { result };
      this.home.waiting.holdBack(this);
      return 0;
    }
    return this.#put(result, false);
  }

  #isLast(result: unknown): boolean {
    if (this.#results.indexOf(result) < 0) throw notInContract(result);
    return this.#results.isLast(result);
  }

  complete(result?: unknown): void {
    if (this.#state !== 'running') return;
    try {
      if (!this.isAborted) this.#finish(result);
    } catch (error) {
      return this.error(error);
    }
    this.#end();
  }

  #finish(result: unknown): void {
    const last = result === undefined ? this.#held : { result };
    if (result !== undefined) this.#flushHeld();
    this.#held = undefined;
    // A last value of nothing says as little as the end alone.
    if (last !== undefined && !(this.#answersValues && last.result === undefined)) {
      const closes = !this.#isStream && (this.#answersValues || this.#isLast(last.result));
      this.#put(last.result, closes);
      if (closes) this.#needsEnd = false;
    }
    if (this.#needsEnd) this.#mark((writer) => writeSeqControl(writer, Control.END, this.seq));
  }

  error(error: unknown): void {
    if (this.#state !== 'running') return this.home.report(error);
    if (!this.isAborted) {
      try {
        this.#flushHeld();
      } catch {
        // The Result that cannot be written gives way to the error.
        this.#held = undefined;
      }
      this.#sendError(error);
    }
    this.#end();
  }

  #sendError(error: unknown): void {
    try {
      const { code, data } = wireErrorOf(error, (hidden) => this.home.report(hidden));
      this.#mark((writer) => writeError(writer, this.seq, code, data));
    } catch (tooLarge) {
      this.home.report(tooLarge);
      if (!this.isAborted) this.#mark((writer) => writeError(writer, this.seq, 'INTERNAL', ''));
    }
  }

  /** The end of the turn: what is held back is not the only Result. */
  release(): void {
    if (!this.isOpen) return;
    try {
      this.#flushHeld();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The caller allows `count` more Results. */
  grant(count: number): void {
    this.#credit = Math.min(this.#credit + count, Number.MAX_SAFE_INTEGER);
    this.pump();
  }

  /** Sends what is queued as far as credit and socket allow. */
  pump(): void {
    while (this.#queue.length > 0 && this.home.drained === undefined) {
      const [frame] = this.#queue as [QueuedFrame];
      if (frame.isResult && this.#credit <= 0) return;
      this.#queue.shift();
      this.#count(-frame.bytes.length);
      if (frame.isResult) this.#credit--;
      this.home.connection.sendControl((writer) => writer.writeBytes(frame.bytes));
    }
    if (this.#queue.length > 0) return;
    if (this.#state === 'ending') this.#settleNow();
    else if (this.#credit > 0) this.#hasRoom();
  }

  /** Ends the Command now: what waits for credit gives way to the error. */
  shutDown(cause: CmdStreamError): void {
    this.#dropQueue();
    if (this.#state === 'ending') this.#sendError(cause);
    else this.error(cause);
    this.abort(cause);
  }

  override abort(reason?: unknown): void {
    super.abort(reason);
    this.#dropQueue();
    this.#held = undefined;
    this.#hasRoom();
    if (this.#state === 'ending') this.#settleNow();
  }

  #dropQueue(): void {
    this.#queue = [];
    this.#count(-this.#queuedBytes);
  }

  #hasRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #flushHeld(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    if (!this.#isStream && !this.#answersValues)
      this.#mark((writer) => writeSeqControl(writer, Control.STREAM, this.seq));
    this.#isStream = true;
    this.#put(held.result, false);
  }

  /** Sends a Result, or queues it. */
  #put(result: unknown, isLast: boolean): number {
    const asValue = this.#answersValues;
    const write = (writer: ByteWriter): void => this.#writeValue(writer, result, isLast);
    if (this.#mustQueue) {
      const bytes = asValue ? this.home.connection.encodeControl(write) : this.home.connection.encode(this.seq, result);
      this.#enqueue({ bytes, isResult: true });
      return bytes.length;
    }
    this.#credit--;
    return asValue ? this.home.connection.sendControl(write) : this.home.connection.send(this.seq, result);
  }

  #writeValue(writer: ByteWriter, result: unknown, isLast: boolean): void {
    const isPacket = result instanceof WholePacket;
    writeValue(writer, this.seq, dataText(isPacket ? result.packet : result), isLast, isPacket);
  }

  /** Sends a control frame that needs no credit, behind what is queued. */
  #mark(write: (writer: ByteWriter) => void): void {
    if (this.#queue.length === 0) this.home.connection.sendControl(write);
    else this.#enqueue({ bytes: this.home.connection.encodeControl(write), isResult: false });
  }

  get #mustQueue(): boolean {
    return this.#queue.length > 0 || this.#credit <= 0 || this.home.drained !== undefined;
  }

  #enqueue(frame: QueuedFrame): void {
    this.#queue.push(frame);
    this.#count(frame.bytes.length);
    const { maxStreamBufferBytes } = this.home.config;
    if (!frame.isResult) return;
    this.home.waiting.check();
    if (this.#queuedBytes <= maxStreamBufferBytes) return;
    const text = `${this.#queuedBytes} bytes of Results wait for their taker: more than maxStreamBufferBytes`;
    throw new CmdStreamError('SLOW_CONSUMER', `${text} (${maxStreamBufferBytes})`);
  }

  #count(bytes: number): void {
    this.#queuedBytes += bytes;
    this.home.waiting.count(bytes);
  }

  /** Ends the Command although its handler goes on: it is told by the signal. */
  #fail(error: unknown): void {
    this.error(error);
    // Not this class's abort(): it would drop the queued error.
    super.abort(error);
  }

  #end(): void {
    if (this.#queue.length > 0) this.#state = 'ending';
    else this.#settleNow();
  }

  #settleNow(): void {
    this.#state = 'settled';
    this.settle();
  }
}

function notInContract(result: unknown): CmdStreamError {
  const name = (result as { constructor?: { name?: string } } | null | undefined)?.constructor?.name ?? typeof result;
  return new CmdStreamError('RESULT_NOT_IN_CONTRACT', `${name} is not in the contract's \`results\``);
}
