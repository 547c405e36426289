// The client's side of one connection: begins with the handshake, gives what comes back to the calls that wait for it,
// and watches whether the server is still there.
//
//   handshake --(agreed)--> open --(GOAWAY, close)--> draining --> ended
import type { Duplex } from 'node:stream';
import { Connection, type ConnectionConfig, type ConnectionListener } from '../../connection/connection.js';
import {
  Keepalive,
  type PeerView,
  type PingCallbacks,
  type ResolvedKeepaliveOptions,
} from '../../connection/keepalive.js';
import { protocolError } from '../../connection/seq-window.js';
import type { Ticker, Ticking } from '../../connection/ticker.js';
import { CmdStreamError } from '../../errors.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import { Control, writeControl } from '../../wire/control-frame.js';
import { readGoaway } from '../../wire/control-reader.js';
import type { Seq } from '../../wire/frame.js';
import { CallMultiplexer, type CallListener, type CallMultiplexerConfig } from '../call/call-multiplexer.js';
import { ClientHandshake, type ClientHandshakeConfig } from './client-handshake.js';
import { deliverControl } from './result-frames.js';
import type { ClientCall } from '../call/client-call.js';
import { PingQueue } from './ping-queue.js';
import { Silence } from './silence.js';

export interface ClientSessionConfig
  extends ConnectionConfig, Omit<CallMultiplexerConfig, 'options'>, Omit<ClientHandshakeConfig, 'options'> {
  /** `false`: the peer is not asked whether it is there. */
  readonly keepalive: ResolvedKeepaliveOptions | false;
  /** Are other connections open that could take its calls? */
  readonly group: { readonly hasOthers: boolean };
}

/** What happens to the connection. */
export interface ClientSessionListener {
  onOpen(session: ClientSession): void;
  /**
   * The server wants it to end: new Commands go elsewhere. `isUnneeded`: because nothing happens on it, and not because
   * the server drains.
   */
  onGoaway(session: ClientSession, isUnneeded: boolean): void;
  /** The connection has fallen silent, or bytes came again. */
  onSilenceChange(): void;
  /** `hungUpOnProbe`: between ServerInfo and the answer to the probe. */
  onEnd(session: ClientSession, cause: CmdStreamError, hungUpOnProbe: boolean): void;
}

/** Why a server wants a connection to end that it would take again at once: nothing happens on it. */
const IDLENESS: ReadonlySet<string> = new Set(['idle', 'silent']);

export class ClientSession implements ConnectionListener, PeerView {
  readonly connection: Connection;
  /** Where the connection leads to, for errors. */
  readonly server: string;
  /** Since when it exists, in monotonic milliseconds. */
  readonly since = performance.now();
  /** Read-only to others: do both sides speak the extension? */
  isExtended = false;
  /** Read-only to others: has it taken any call? */
  isUsed = false;
  readonly #config: ClientSessionConfig;
  readonly #listener: ClientSessionListener;
  readonly #callListener: CallListener;
  readonly #calls: CallMultiplexer;
  readonly #pings = new PingQueue(() => this.#sendPing());
  readonly #keepalive: Keepalive | undefined;
  readonly #silence: Silence | undefined;
  #handshake: ClientHandshake | undefined;
  /** Why this side has ended it. */
  #ownCause: CmdStreamError | undefined;

  /** `callListener` is for what becomes of calls, `listener` for the rest. */
  constructor(
    socket: Duplex,
    config: ClientSessionConfig,
    listener: ClientSessionListener,
    callListener: CallListener,
  ) {
    this.#config = config;
    this.server = config.server;
    this.#listener = listener;
    this.#callListener = callListener;
    this.connection = new Connection(socket, config, this);
    this.#handshake = new ClientHandshake(this.connection, config, (maxInFlight) => this.#open(maxInFlight));
    this.#calls = new CallMultiplexer(this.connection, config, callListener);
    if (!config.keepalive) return;
    const onDead = (cause: CmdStreamError): void => this.connection.destroy(cause);
    this.#keepalive = new Keepalive(config.keepalive, config.ticker, this, onDead, config.options.writeStallTimeoutMs);
    this.#silence = new Silence(this, () => listener.onSilenceChange());
  }

  /** The server has greeted and was asked whether it knows the extension. */
  get isProbing(): boolean {
    return this.#handshake?.isProbing ?? false;
  }

  get pending(): number {
    return this.#calls.size;
  }

  /** Is something under way that another connection could take, should this one have fallen silent? */
  get isWaiting(): boolean {
    return this.#config.group.hasOthers && (this.pending > 0 || this.connection.writer.bufferedBytes > 0);
  }

  /** Better avoided, although it is open. */
  get isSilent(): boolean {
    return this.#silence?.isSilent ?? false;
  }

  get ticker(): Ticker {
    return this.#config.ticker;
  }

  get aliveAt(): number {
    return this.connection.aliveAt;
  }

  get sentBytes(): number {
    return this.connection.writer.sentBytes;
  }

  get bytesAhead(): number {
    const { position } = this.#pings;
    if (position === undefined) return 0;
    const confirmed = Math.max(this.#calls.confirmedBytes, this.#pings.confirmedBytes);
    return this.connection.writer.bytesAhead(position, confirmed);
  }

  /** Has anything come that a Command was answered with? */
  get hasAnswered(): boolean {
    return this.#calls.hasAnswered;
  }

  get roundTripMs(): number | undefined {
    return this.#keepalive?.roundTripMs;
  }

  #sendPing(): number {
    const { sentBytes } = this.connection.writer;
    this.connection.writer.postPings(1);
    return sentBytes;
  }

  find(seq: Seq): ClientCall | undefined {
    return this.#calls.find(seq);
  }

  /** Calls it back once no call is left here: at once if there is none. */
  whenIdle(callback: () => void): void {
    this.#calls.whenIdle(callback);
  }

  /** Writes the call's Command in its turn: now, or when there is room. */
  submit(call: ClientCall): void {
    this.isUsed = true;
    this.#calls.submit(call);
  }

  ping(callbacks: PingCallbacks): () => void {
    return this.#pings.add(callbacks);
  }

  /** How many wait for a pong. */
  get waitingForPong(): number {
    return this.#pings.waiting;
  }

  flushed(): Promise<void> {
    return this.connection.writer.flushed();
  }

  /** Resolves when the socket is closed. */
  closed(): Promise<void> {
    return this.connection.closed();
  }

  /** Takes no more calls: those that were not written are given back, the others are still answered. */
  close(reason: CmdStreamError): void {
    if (this.#calls.isOpen) this.#calls.close(reason);
  }

  /** Ends in order. */
  end(cause: CmdStreamError): void {
    this.#ownCause = cause;
    this.connection.end(cause);
  }

  destroy(cause: CmdStreamError): void {
    this.#ownCause = cause;
    this.connection.destroy(cause);
  }

  onServerInfo(info: Buffer): void {
    this.#handshake?.onServerInfo(info);
  }

  onProbeAnswer(extended: boolean): void {
    this.#handshake?.onProbeAnswer(extended);
  }

  onPing(count: number): void {
    this.#pings.answered(count);
  }

  onValue(seq: Seq, result: unknown, bytesRead: number): void {
    this.#calls.onResult(seq, result, bytesRead);
  }

  onRefused(seq: Seq, error: CmdStreamError): void {
    const call = this.find(seq);
    if (call) call.sinkFailed(labelled(error, call));
    else this.#callListener.onLateFrame();
  }

  /** What was answered once would be answered again: this call is not lost with the connection, it has failed. */
  onUnreadable(seq: Seq, error: CmdStreamError): void {
    const call = this.find(seq);
    call?.sinkFailed(labelled(error, call));
  }

  onControl(kind: number, reader: ByteReader): void {
    if (this.#handshake) return this.#handshake.onControl(kind, reader);
    if (kind === Control.GOAWAY) return this.#onGoaway(readGoaway(reader));
    if (!deliverControl(kind, reader, this.#calls, this.#config.direction) && kind <= Control.DONE)
      throw protocolError(`a server does not send the control frame ${kind} here`);
  }

  onFlushed(): void {
    this.#calls.pump();
  }

  onEnd(cause: CmdStreamError): void {
    const hungUpOnProbe = this.isProbing;
    this.#handshake = undefined;
    this.#calls.isOpen = false;
    for (const ticking of this.#watches()) this.#config.ticker.delete(ticking);
    const lost = {
      code: 'CONNECTION_LOST',
      message: `the connection to ${this.server} was lost: ${cause.message}`,
    } as const;
    const { code, message } = this.#ownCause ?? lost;
    const written = new CmdStreamError(code, message, { cause, sent: true });
    const notWritten = new CmdStreamError(code, message, { cause });
    const calls = this.#calls.takeWritten();
    const unwritten = this.#calls.takeWaiting();
    this.#listener.onEnd(this, cause, hungUpOnProbe);
    for (const call of calls) this.#callListener.onLost(call, written);
    for (const call of unwritten) this.#callListener.onUnwritten(call, notWritten);
    this.#calls.close(notWritten);
    this.#pings.fail(notWritten);
  }

  #onGoaway(reason: string): void {
    if (!this.#calls.isOpen) return;
    if (reason === 'CONTRACT_MISMATCH')
      return this.destroy(new CmdStreamError(reason, 'the server refused this client: their contracts differ'));
    this.connection.writer.send((writer) => writeControl(writer, Control.DONE));
    const isUnneeded = IDLENESS.has(reason);
    this.#listener.onGoaway(this, isUnneeded);
    const text = isUnneeded ? `the connection to ${this.server} was idle` : `${this.server} drains`;
    this.close(new CmdStreamError('SHUTDOWN', text));
  }

  *#watches(): Iterable<Ticking> {
    if (this.#keepalive) yield this.#keepalive;
    if (this.#silence) yield this.#silence;
  }

  #open(maxInFlight: number | undefined): void {
    this.#handshake = undefined;
    this.isExtended = maxInFlight !== undefined;
    if (maxInFlight !== undefined) this.#calls.extend(maxInFlight);
    this.#calls.isOpen = true;
    for (const ticking of this.#watches()) this.#config.ticker.add(ticking);
    this.#listener.onOpen(this);
  }
}

/** A Result that cannot be read, and what it was to answer. */
function labelled(error: CmdStreamError, call: ClientCall): CmdStreamError {
  return new CmdStreamError(error.code, `${error.message} ${call.label}`, { cause: error.cause ?? error });
}
