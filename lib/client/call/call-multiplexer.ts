// The calls of one connection: those that were written and wait for their Results, and those that wait for room at the
// server or in the socket. It lives and dies with the connection.
//
//   submit --> waiting (no room) --> written --> over
import { PatternMessage } from '../../codec/pattern-message.js';
import type { Connection } from '../../connection/connection.js';
import type { ContractTables } from '../../contract/contract.js';
import { protocolError, SeqWindow } from '../../connection/seq-window.js';
import { CmdStreamError } from '../../errors.js';
import { writeCancel, writeCredit } from '../../wire/control-frame.js';
import { LinkedSet } from '../../linked-set.js';
import type { Seq } from '../../wire/frame.js';
import { CallEncoder, type CallEncoderConfig } from './call-encoder.js';
import type { CallHolder, ClientCall } from './client-call.js';

export interface CallMultiplexerConfig extends CallEncoderConfig {
  /** Where the connection leads to, for errors. */
  readonly server: string;
  /** Counts the Commands that all connections of the client have sent. */
  readonly seqCounter: { last: number };
  readonly contract: ContractTables;
  /** Calls that it may have. */
  readonly mostPending: number;
  /** Commands that may wait because the socket takes no more. */
  readonly queue: { readonly maxCommands: number };
  readonly options: { readonly maxSendBufferBytes: number };
  /** `false`: lost Commands are not repeated. */
  readonly retry: object | false;
  /** May this Command be executed twice, where its caller does not say? */
  isIdempotent(command: unknown): boolean;
}

/** What becomes of calls that their connection cannot end itself: whether they are sent again is the group's to say. */
export interface CallListener {
  /** The server has refused it before it began: it may be sent again. */
  onNotStarted(call: ClientCall, error: CmdStreamError): void;
  /** It was not written, and needs another connection. */
  onUnwritten(call: ClientCall, error: CmdStreamError): void;
  /** It was written, and the connection has ended before it was answered. */
  onLost(call: ClientCall, error: CmdStreamError): void;
  /** `afterLast`: the server has answered this Command already. */
  onUnexpectedResult(seq: Seq, result: unknown, bytesRead: number, afterLast: boolean): void;
  /** A frame for a Command that its caller had given up. */
  onLateFrame(): void;
}

export class CallMultiplexer implements CallHolder {
  /** May Commands be written? Set by the session. */
  isOpen = false;
  /** Read-only to others: has anything come that a Command was answered with? */
  hasAnswered = false;
  /** Read-only to others: bytes of the connection that the server has read at least, as its answers show. */
  confirmedBytes = 0;
  readonly server: string;
  readonly #connection: Connection;
  readonly #config: CallMultiplexerConfig;
  readonly #listener: CallListener;
  readonly #written = new WrittenCalls();
  readonly #waiting = new LinkedSet<ClientCall>();
  readonly #seqs = new SeqWindow();
  readonly #encoder: CallEncoder;
  #isExtended = false;
  /** Commands the server runs at a time; 0: it has not said. */
  #maxInFlight = 0;
  #isPumping = false;
  /** Called once, when no call is left. */
  #idleListeners: Set<() => void> | undefined;

  constructor(connection: Connection, config: CallMultiplexerConfig, listener: CallListener) {
    this.#connection = connection;
    this.#config = config;
    this.#listener = listener;
    this.server = config.server;
    this.#encoder = new CallEncoder(connection, config);
  }

  /** Both sides speak the extension; `maxInFlight`: Commands the server runs at a time, 0: as many as there are. */
  extend(maxInFlight: number): void {
    this.#isExtended = this.#encoder.isExtended = true;
    this.#maxInFlight = maxInFlight;
  }

  get size(): number {
    return this.#written.size + this.#waiting.size;
  }

  /** The call that waits for Results of this number. */
  find(seq: Seq): ClientCall | undefined {
    const call = this.#written.get(seq);
    return call?.until === 'answered' ? call : undefined;
  }

  /**
   * A control frame has come for this number; `call`: whose it is, undefined if that is over.
   *
   * @throws {CmdStreamError} PROTOCOL_ERROR when no Command ever had this number, or the server had ended it already
   */
  onAnswer(seq: Seq, call: ClientCall | undefined): void {
    this.hasAnswered = true;
    if (call) return this.#confirm(call);
    this.#seqs.check(seq);
    this.#listener.onLateFrame();
  }

  onResult(seq: Seq, result: unknown, bytesRead: number): void {
    this.hasAnswered = true;
    const call = this.find(seq);
    if (call === undefined) return this.#listener.onUnexpectedResult(seq, result, bytesRead, this.#seqs.hasEnded(seq));
    this.#confirm(call);
    if (call.creditLeft !== undefined && !this.takesCredit(call)) return;
    let isLast: boolean;
    try {
      if (this.#config.contract.commands.hasAnswers) this.#checkDeclared(call, result);
      isLast = !call.isStream && this.#config.contract.results.isLast(result, 'BAD_PAYLOAD');
    } catch (error) {
      return call.sinkFailed(error);
    }
    call.next(result, bytesRead, isLast);
  }

  /** A Result on credit has come. False where the server had none left: it breaks the protocol, and is left. */
  takesCredit(call: ClientCall): boolean {
    if (call.creditLeft! > 0) {
      call.creditLeft!--;
      return true;
    }
    const error = protocolError(`a Result without credit ${call.label}`);
    call.sinkFailed(error);
    this.#connection.destroy(error);
    return false;
  }

  /** @throws {CmdStreamError} PROTOCOL_ERROR when the Command has Results of other types */
  #checkDeclared(call: ClientCall, result: unknown): void {
    const { commands, results } = this.#config.contract;
    const declared = commands.answersTo(call.command);
    const name = results.nameFor(result);
    if (declared.length === 0 || declared.includes(name)) return;
    throw protocolError(`${name} is no Result of it, which has ${declared.join(' or ')} ${call.label}`);
  }

  /** @throws {CmdStreamError} PROTOCOL_ERROR when the Command has Results of the contract, and no JSON values */
  checkValue(call: ClientCall): void {
    if (call.command instanceof PatternMessage || this.#config.contract.results.types.length === 0) return;
    throw protocolError(`a value that is no Result of the contract ${call.label}`);
  }

  /** What a server answers it has read, and everything that was sent before. */
  #confirm({ sentBytes }: ClientCall): void {
    if (sentBytes > this.confirmedBytes) this.confirmedBytes = sentBytes;
  }

  /** Writes the call's Command in its turn: now, or when there is room. */
  submit(call: ClientCall): void {
    call.holder = this;
    const { mostPending, queue } = this.#config;
    if (this.size >= mostPending) {
      const text = `${mostPending} Commands wait for an answer on one connection already, which is the most`;
      call.fail(new CmdStreamError('QUEUE_FULL', `${text}: try more connectionsPerServer`));
    } else if (this.#waiting.size === 0 && this.#hasRoom()) this.#write(call);
    else if (this.#waiting.size >= queue.maxCommands && !this.#socketHasRoom()) {
      const limit = `queue.maxCommands (${queue.maxCommands})`;
      call.fail(new CmdStreamError('QUEUE_FULL', `${limit} Commands wait to be written already`));
    } else this.#wait(call);
  }

  #wait(call: ClientCall): void {
    try {
      this.#config.callBytes.keepUnwritten(call);
    } catch (error) {
      return call.fail(error);
    }
    if (call.isPending) this.#waiting.add(call);
  }

  /** An extended server may refuse what wants an answer, and the connection may be lost. */
  #mayRepeat({ until, command, idempotent }: ClientCall): boolean {
    if (until === 'answered' && this.#isExtended) return true;
    return this.#config.retry !== false && (idempotent ?? this.#config.isIdempotent(command));
  }

  /** Room at the server, which says how many Commands it runs at a time, and in the socket. */
  #hasRoom(): boolean {
    return this.#written.size < (this.#maxInFlight || Infinity) && this.#socketHasRoom();
  }

  #socketHasRoom(): boolean {
    return this.#connection.writer.bufferedBytes <= this.#config.options.maxSendBufferBytes;
  }

  remove(call: ClientCall, reason?: string): void {
    if (call.seq === 0) this.#waiting.delete(call);
    else if (this.#written.delete(call)) {
      if (reason === undefined) this.#ended(call);
      // What is being encoded may never be sent, and the server knows no number before it is.
      else if (call.bytes > 0) this.#cancel(call, reason);
    }
    this.pump();
    if (this.#idleListeners) this.#notifyIdle();
  }

  #cancel({ seq }: ClientCall, reason: string): void {
    if (!this.#isExtended || !this.#connection.isOpen) return;
    this.#connection.writer.post((writer) => writeCancel(writer, seq, reason));
  }

  /** The server has not begun with this Command: it waits elsewhere from now on. */
  notStarted(call: ClientCall, error: CmdStreamError): void {
    this.#written.delete(call);
    this.#ended(call);
    this.pump();
    this.#listener.onNotStarted(call, error);
    if (this.#idleListeners) this.#notifyIdle();
  }

  /** Calls it back once there is no call any more: at once if there is none. */
  whenIdle(callback: () => void): void {
    (this.#idleListeners ??= new Set()).add(callback);
    this.#notifyIdle();
  }

  #notifyIdle(): void {
    const listeners = this.#idleListeners;
    if (listeners === undefined || this.size > 0) return;
    this.#idleListeners = undefined;
    for (const callback of listeners) callback();
  }

  /** The server has said its last word about the call; what follows for it breaks the protocol. */
  #ended(call: ClientCall): void {
    if (call.until === 'answered') this.#seqs.end(call.seq);
  }

  grant(call: ClientCall, count: number): void {
    if (!this.#isExtended || !this.#connection.isOpen || call.seq === 0) return;
    this.#connection.writer.post((writer) => writeCredit(writer, call.seq, count));
  }

  waitsFor(call: ClientCall): { readonly text: string } {
    if (call.seq !== 0) return { text: `${this.server} has not answered` };
    if (this.#socketHasRoom()) return { text: `${this.server} runs as many Commands as it may (${this.#maxInFlight})` };
    return { text: `${this.server} does not read: ${this.#connection.writer.bufferedBytes} bytes wait to be sent` };
  }

  /** Writes what waits, as far as there is room. What fails on the way calls this again: one loop does it all. */
  pump(): void {
    if (this.#isPumping || this.#waiting.size === 0 || !this.isOpen) return;
    this.#isPumping = true;
    for (let call = this.#waiting.first; call !== undefined; call = this.#waiting.first) {
      if (!this.#hasRoom() || !this.isOpen) break;
      this.#waiting.delete(call);
      this.#write(call);
    }
    this.#isPumping = false;
  }

  /** Takes no more calls, and gives back those that were not written. */
  close(reason: CmdStreamError): void {
    this.isOpen = false;
    for (const call of this.takeWaiting()) this.#listener.onUnwritten(call, reason);
    this.#notifyIdle();
  }

  /** Calls that were not written, which it does not hold any more. */
  takeWaiting(): readonly ClientCall[] {
    return this.#waiting.takeAll();
  }

  /** Calls that were written, in that order, which it does not hold any more. */
  takeWritten(): readonly ClientCall[] {
    const written = this.#written.inOrder();
    for (const call of written) this.#written.delete(call);
    return written;
  }

  #write(call: ClientCall): void {
    try {
      // One that had to wait, or is sent again, has its bytes kept. Any other is sent as soon as it is made.
      const leftMs = call.kept === undefined ? call.timeoutMs : call.remainingMs();
      if (leftMs < 0) return call.expire();
      if (!this.#isExtended) this.#encoder.checkPlain(call);
      call.seq = this.#seqs.use(++this.#config.seqCounter.last);
      call.attempts++;
      call.server = this.server;
      if (this.#isExtended && call.credit > 0) call.creditLeft = call.credit;
      this.#written.add(call);
      this.#encoder.write(call, leftMs, call.kept === undefined && this.#mayRepeat(call));
      call.sentBytes = this.#connection.writer.sentBytes;
      // Code of its class has given it up.
      if (!call.isPending) return this.#cancel(call, 'CANCELLED');
      if (call.until === 'written') completeWhenFlushed(call, this.#connection);
    } catch (error) {
      this.#written.delete(call);
      call.fail(error);
    }
  }
}

function completeWhenFlushed(call: ClientCall, connection: Connection): void {
  connection.writer.flushed().then(
    () => call.complete(),
    () => {}, // The end of the connection fails the call.
  );
}

/** A power of two, as all later lengths. */
const FIRST_LENGTH = 64;

/**
 * The calls that were written, by seq. Numbers count up, so an array used as a circle has a place for nearly all of
 * them; a Map takes those whose place an older call still has.
 *
 * Does what a Map alone would do without what that costs: one whose entries come and go copies itself every few hundred
 * calls, and the copies it leaves behind make the garbage collector carry dead calls along until a full collection.
 */
export class WrittenCalls {
  #places = emptyPlaces(FIRST_LENGTH);
  readonly #displaced = new Map<Seq, ClientCall>();
  /** Read-only to others. */
  size = 0;

  get(seq: Seq): ClientCall | undefined {
    const call = this.#places[this.#placeOf(seq)];
    return call?.seq === seq ? call : this.#displaced.get(seq);
  }

  /** Adds a call that has got its seq. */
  add(call: ClientCall): void {
    if (2 * this.size >= this.#places.length) this.#grow();
    this.size++;
    this.#put(call);
  }

  /** False if it was not there. */
  delete(call: ClientCall): boolean {
    const place = this.#placeOf(call.seq);
    if (this.#places[place] === call) this.#places[place] = undefined;
    else if (!this.#displaced.delete(call.seq)) return false;
    this.size--;
    return true;
  }

  /** All calls, in the order in which they were written. */
  inOrder(): readonly ClientCall[] {
    const placed = this.#places.filter((call) => call !== undefined);
    return [...placed, ...this.#displaced.values()].toSorted((a, b) => a.seq - b.seq);
  }

  #put(call: ClientCall): void {
    const place = this.#placeOf(call.seq);
    if (this.#places[place] === undefined) this.#places[place] = call;
    else this.#displaced.set(call.seq, call);
  }

  /** Half of the places stay free, so that calls which are answered out of order displace few others. */
  #grow(): void {
    const calls = this.inOrder();
    this.#places = emptyPlaces(2 * this.#places.length);
    this.#displaced.clear();
    for (const call of calls) this.#put(call);
  }

  /** Also where they count up in steps of 64, as they do with 64 connections in turn: one place further with each. */
  #placeOf(seq: Seq): number {
    const number = Number(seq);
    return (number + (number >>> 6)) & (this.#places.length - 1);
  }
}

function emptyPlaces(length: number): (ClientCall | undefined)[] {
  return Array.from({ length });
}
