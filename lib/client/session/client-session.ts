// The client's side of one connection, from ServerInfo to its end: finds out what the server can do, and gives what
// comes back to the calls that wait for it.
//
//   greeting --> probing --(00 | 80 00)--> agreeing --(plain, or HELLO fits)--> open --(GOAWAY, leave)--> leaving --> ended
import type { Duplex } from 'node:stream';
import type { Contract } from '../../contract/contract.js';
import type { Fingerprint } from '../../codec/fingerprint.js';
import { Connection, type ConnectionConfig, type ConnectionListener } from '../../connection/connection.js';
import { Keepalive, type KeepalivePeer, type ResolvedKeepaliveOptions } from '../../connection/keepalive.js';
import { protocolError } from '../../connection/seq-window.js';
import type { Ticker, Ticking } from '../../connection/ticker.js';
import { GREETING_LIMIT } from '../../connection/codec-direction.js';
import { CmdStreamError } from '../../errors.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import { Control, EXTENSION_VERSION, writeControl, writeHello } from '../../wire/control-frame.js';
import { readGoaway, readHello } from '../../wire/control-reader.js';
import type { Seq } from '../../wire/frame.js';
import { checkServerInfo } from '../../wire/server-info.js';
import { CallMultiplexer, type CallListener, type CallMultiplexerConfig } from '../call/call-multiplexer.js';
import { deliverControl, type CallFinder } from './result-frames.js';
import type { ClientCall } from '../call/client-call.js';
import { PingQueue, type PingWaiter } from './ping-queue.js';
import { Silence, type QuietPeer } from './silence.js';

export interface ClientSessionConfig extends ConnectionConfig, Omit<CallMultiplexerConfig, 'options'> {
  readonly contract: Contract;
  readonly fingerprint: Fingerprint;
  readonly serverInfo: Buffer;
  readonly extension: boolean | 'require';
  /** `false`: the peer is not asked whether it is there. */
  readonly keepalive: ResolvedKeepaliveOptions | false;
  /** Are other connections open that could take its calls? */
  readonly group: { readonly hasOthers: boolean };
}

/** What is told of the connection. */
export interface ClientSessionListener {
  onOpen(session: ClientSession): void;
  /** The server wants it to end: new Commands go elsewhere. `isUnneeded`: because nothing happens on it, and not because the server drains. */
  onGoaway(session: ClientSession, isUnneeded: boolean): void;
  /** The connection has fallen silent, or bytes came again. */
  onSilenceChange(): void;
  /** `hungUpOnProbe`: between ServerInfo and the answer to the probe. */
  onEnd(session: ClientSession, cause: CmdStreamError, hungUpOnProbe: boolean): void;
}

/** Why a server wants a connection to end that it would take again at once: nothing happens on it. */
const IDLENESS: ReadonlySet<string> = new Set(['idle', 'silent']);

type State = 'greeting' | 'probing' | 'agreeing' | 'open' | 'leaving' | 'ended';

export class ClientSession implements ConnectionListener, CallFinder, KeepalivePeer, QuietPeer {
  readonly connection: Connection;
  /** Since when it exists, in monotonic milliseconds. */
  readonly since = performance.now();
  readonly #config: ClientSessionConfig;
  readonly server: string;
  readonly #listener: ClientSessionListener;
  readonly #callListener: CallListener;
  readonly #calls: CallMultiplexer;
  readonly #pings = new PingQueue(() => this.#sendPing());
  readonly #keepalive: Keepalive | undefined;
  readonly #silence: Silence | undefined;
  #state: State = 'greeting';
  #isExtended = false;
  #hasAnswered = false;
  #isUsed = false;
  /** Bytes that the server has read at least. */
  #confirmedBytes = 0;
  /** Why this side has ended it. */
  #ownCause: CmdStreamError | undefined;

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
    this.#calls = new CallMultiplexer(this.connection, config, callListener);
    if (!config.keepalive) return;
    this.#keepalive = new Keepalive(config.keepalive, config.ticker, this, config.options.writeStallTimeoutMs);
    this.#silence = new Silence(this);
  }

  /** The server has greeted and was asked whether it knows the extension. */
  get isProbing(): boolean {
    return this.#state === 'probing';
  }

  get isExtended(): boolean {
    return this.#isExtended;
  }

  get pending(): number {
    return this.#calls.size;
  }

  get isBusy(): boolean {
    return this.#calls.size > 0;
  }

  get isWaiting(): boolean {
    return this.#config.group.hasOthers && (this.isBusy || this.connection.writer.bufferedBytes > 0);
  }

  /** Better avoided, although it is open. */
  get isSilent(): boolean {
    return this.#silence?.isSilent ?? false;
  }

  onQuiet(): void {
    this.#listener.onSilenceChange();
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
    return position === undefined ? 0 : this.connection.writer.bytesAhead(position, this.#confirmedBytes);
  }

  /** Has anything come that a Command was answered with? */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  get roundTripMs(): number | undefined {
    return this.#keepalive?.roundTripMs;
  }

  #sendPing(): number {
    const { sentBytes } = this.connection.writer;
    this.connection.writer.postPings(1);
    return sentBytes;
  }

  /** What a server answers it has read, and everything that was sent before. */
  #confirm(sentBytes: number): void {
    this.#confirmedBytes = Math.max(this.#confirmedBytes, sentBytes);
  }

  find(seq: Seq): ClientCall | undefined {
    return this.#calls.find(seq);
  }

  findLive(seq: Seq): ClientCall | undefined {
    const call = this.find(seq);
    this.#hasAnswered = true;
    if (call) {
      this.#confirm(call.sentBytes);
      return call;
    }
    this.#calls.checkSeq(seq);
    this.#callListener.onLateFrame();
    return undefined;
  }

  notStarted(call: ClientCall, error: CmdStreamError): void {
    this.#calls.notStarted(call, error);
  }

  /** Calls it back once no call is left here: at once if there is none. */
  whenIdle(callback: () => void): void {
    this.#calls.whenIdle(callback);
  }

  /** Has it taken any call? */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** Writes the call's Command in its turn: now, or when there is room. */
  submit(call: ClientCall): void {
    this.#isUsed = true;
    this.#calls.submit(call);
  }

  ping(): Promise<number> {
    return new Promise((answered, failed) => void this.pingFor({ answered, failed }));
  }

  /** Pings for somebody who may leave before the pong comes, with what this returns. */
  pingFor(waiter: PingWaiter): () => void {
    return this.#pings.add(waiter);
  }

  /** Who waits for a pong. */
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

  /** Takes no more calls; those that were not written are given back. Ends when the others are answered. */
  leave(reason: CmdStreamError): void {
    if (this.#state !== 'open') return;
    this.#state = 'leaving';
    this.#calls.close(reason);
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

  onSilence(cause: CmdStreamError): void {
    this.connection.destroy(cause);
  }

  onServerInfo(info: Buffer): void {
    checkServerInfo(this.#config.serverInfo, info);
    if (this.#config.extension === false) return this.#open();
    this.#state = 'probing';
    this.connection.probe();
  }

  onProbe(): boolean {
    return false;
  }

  onProbeAnswer(extended: boolean): void {
    this.#state = 'agreeing';
    if (extended) return;
    if (this.#config.extension === 'require') {
      return this.destroy(
        new CmdStreamError('EXTENSION_UNAVAILABLE', 'the server is a plain one, and option "extension" is "require"'),
      );
    }
    this.#open();
  }

  onPing(count: number): void {
    this.#confirm(this.#pings.answered(count));
  }

  onValue(seq: Seq, result: unknown, bytesRead: number): void {
    this.#hasAnswered = true;
    const call = this.find(seq);
    if (call === undefined) return this.#callListener.onUnexpectedResult(seq, result, bytesRead);
    this.#confirm(call.sentBytes);
    let isLast: boolean;
    try {
      isLast = !call.isStream && this.#config.contract.results.isLast(result, 'BAD_PAYLOAD');
    } catch (error) {
      return call.sinkFailed(error);
    }
    call.next(result, bytesRead, isLast);
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
    if (!this.#isExtended) return this.#onHello(kind, reader);
    if (kind === Control.GOAWAY) return this.#onGoaway(readGoaway(reader));
    if (!deliverControl(kind, reader, this) && kind <= Control.DONE)
      throw protocolError(`a server does not send the control frame ${kind} here`);
  }

  onFlushed(): void {
    this.#calls.pump();
  }

  onEnd(cause: CmdStreamError): void {
    const hungUpOnProbe = this.isProbing;
    this.#state = 'ended';
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

  #onHello(kind: number, reader: ByteReader): void {
    if (kind !== Control.HELLO) throw protocolError(`the first control frame must be HELLO, not ${kind}`);
    const hello = readHello(reader);
    this.connection.writer.limitFrames(hello.maxFrameBytes);
    const { fingerprint, options, timeoutMs } = this.#config;
    fingerprint.check(hello);
    this.#isExtended = true;
    this.#calls.extend(hello.maxInFlight);
    const limits = { maxFrameBytes: options.maxResultBytes, maxInFlight: 0, timeoutMs };
    const own = { version: EXTENSION_VERSION, features: 0, ...limits, ...fingerprint };
    this.connection.writer.send((writer) => writeHello(writer, own), { limit: GREETING_LIMIT });
    this.#open();
  }

  #onGoaway(reason: string): void {
    if (this.#state !== 'open') return;
    if (reason === 'CONTRACT_MISMATCH')
      return this.destroy(new CmdStreamError(reason, 'the server refused this client: their contracts differ'));
    this.connection.writer.send((writer) => writeControl(writer, Control.DONE));
    const isUnneeded = IDLENESS.has(reason);
    this.#listener.onGoaway(this, isUnneeded);
    this.leave(
      new CmdStreamError(
        'SHUTDOWN',
        isUnneeded ? `the connection to ${this.server} was idle` : `${this.server} drains`,
      ),
    );
  }

  *#watches(): Iterable<Ticking> {
    if (this.#keepalive) yield this.#keepalive;
    if (this.#silence) yield this.#silence;
  }

  #open(): void {
    this.#state = 'open';
    this.#calls.isOpen = true;
    for (const ticking of this.#watches()) this.#config.ticker.add(ticking);
    this.#listener.onOpen(this);
  }
}

/** A Result that cannot be read, and what it was to answer. */
function labelled(error: CmdStreamError, call: ClientCall): CmdStreamError {
  return new CmdStreamError(error.code, `${error.message} ${call.label}`, { cause: error.cause ?? error });
}
