// The server's side of one connection: runs each Command that arrives, keeps those that run, and decides when to go on
// reading and when the connection has been idle or silent for too long. Ends with its connection, but not before its
// last Command and its last event have ended.
import type { Duplex } from 'node:stream';
import { Connection, type ConnectionListener } from '../../connection/connection.js';
import type { Clock, Ticking } from '../../connection/ticker.js';
import type { PeerIdentity } from '../../contract/command.js';
import { CmdStreamError } from '../../errors.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import { NO_METADATA } from '../../wire/control-frame.js';
import type { Seq } from '../../wire/frame.js';
import { writeServerInfo } from '../../wire/server-info.js';
import type { ExtendedCall } from '../call/extended-call.js';
import { PlainCall } from '../call/plain-call.js';
import { RunningCalls } from '../call/running-calls.js';
import type { CallSession, ServerCall } from '../call/server-call.js';
import type { ByteAccount, BytesHolder } from '../byte-budget.js';
import type { ConnectionLoad, LoadHolder } from '../server-load.js';
import { ConnectionPeer, shownCertificate, type ShownCertificate } from './connection-peer.js';
import { RateLimit } from './rate-limit.js';
import { SendScheduler } from './send-scheduler.js';
import type { SessionConfig, SessionLimitsConfig } from './session-config.js';
import { SessionExtension } from './session-extension.js';

/** What a session tells the server. */
export interface ServerSessionListener {
  /** An error that no answer carries. */
  onCommandError(error: unknown): void;
  /** A frame for a Command that was over. */
  onLateFrame(): void;
  /** The connection is there, nothing was sent or received. */
  onConnection(session: ServerSession): void;
  /** The connection has ended; its Commands may still be running. */
  onConnectionEnd(session: ServerSession, cause: CmdStreamError): void;
  /** The connection and all its Commands have ended. */
  onSessionEnd(session: ServerSession): void;
  /** The socket of an ended connection is closed. */
  onSocketClosed(session: ServerSession): void;
}

export class ServerSession implements ConnectionListener, CallSession, BytesHolder, LoadHolder {
  readonly config: SessionConfig;
  readonly connection: Connection;
  readonly scheduler: SendScheduler;
  readonly load: ConnectionLoad;
  readonly account: ByteAccount;
  endCause: CmdStreamError | undefined;
  /** Undefined where there is none to be kept. */
  readonly #shownCertificate: ShownCertificate | undefined;
  #peer: ConnectionPeer | undefined;
  readonly #listener: ServerSessionListener;
  readonly #limits: SessionLimits | undefined;
  /** Commands of a plain peer that run; those of others are kept by the extension, by their numbers. */
  readonly #plainCalls = new RunningCalls();
  #extension: SessionExtension | undefined;
  /** Of pings, once there are any. */
  #pingRate: RateLimit | undefined;
  #isOver = false;
  /** A plain peer is to send no more Commands, and knows no word for that. */
  #takesNoMore = false;
  /** When it last did something. */
  #activeAt: number;

  constructor(socket: Duplex, config: SessionConfig, listener: ServerSessionListener) {
    this.config = config;
    this.#listener = listener;
    this.#activeAt = config.ticker.now;
    this.load = config.load.addConnection(this);
    this.#shownCertificate = shownCertificate(socket);
    this.account = config.budget.addHolder(this);
    this.connection = new Connection(socket, config, this);
    this.scheduler = new SendScheduler(this.connection, config, this.account);
    listener.onConnection(this);
    this.connection.writer.post((writer) => writeServerInfo(writer, config.serverInfo));
    const { receiveTimeoutMs, idleTimeoutMs } = config.limits;
    if (this.endCause !== undefined || (receiveTimeoutMs === 0 && idleTimeoutMs === 0)) return;
    this.#limits = new SessionLimits(this, config.limits, config.ticker);
    config.ticker.add(this.#limits);
  }

  get peer(): PeerIdentity {
    this.#peer ??= new ConnectionPeer(this.connection.addresses, this.#shownCertificate);
    return this.#peer;
  }

  /** True if the peer is one of this package. */
  get isExtended(): boolean {
    return this.#extension !== undefined;
  }

  /** True once such a peer has said that no Command follows. */
  get isDone(): boolean {
    return this.#extension?.isDone ?? false;
  }

  get #calls(): readonly ServerCall[] {
    return (this.#extension?.calls ?? this.#plainCalls).all();
  }

  /**
   * Must reading stop? A plain peer is read only while there is room for more Commands and for their Results. One of
   * this package always is: it keeps to the limits that it knows, its credit and cancellations must not wait behind
   * Commands, and those can be refused.
   */
  get mustPause(): boolean {
    if (this.#extension) return false;
    if (this.#takesNoMore) return true;
    return this.load.inFlight >= this.config.maxInFlight || this.scheduler.isCongested || this.hasTooMuch;
  }

  /** Does it hold so much, where little is left for all, that it gets no more? */
  get hasTooMuch(): boolean {
    return this.account.hasTooMuch(this.connection.writer.bufferedBytes);
  }

  onHeld(change: number): void {
    this.account.countConnection(change);
  }

  /** What was sent is still flushed, if it is little. */
  giveWay(cause: CmdStreamError): void {
    const { connection } = this;
    this.#extension?.stopEvents(cause);
    const mayFlush = this.endCause === undefined && !connection.writer.isEncoding && !this.scheduler.isCongested;
    if (mayFlush) connection.end(cause);
    else connection.destroy(cause);
    this.endIfDone();
  }

  onRelief(): void {
    this.regulate();
  }

  regulate(): void {
    if (this.#extension) return;
    if (this.mustPause) this.connection.pause();
    else this.connection.resume();
  }

  /** Asks the peer to send no more Commands, as the server drains. A plain one knows no word for that. */
  goAway(reason: string): void {
    this.#extension?.goAway(reason);
  }

  /** Reads no further Commands of a plain peer: those that were read can be answered, though it is never silent. */
  takeNoMore(): void {
    this.#takesNoMore = true;
    this.regulate();
  }

  /** True if a draining server may end this connection: no Command is running and none is on its way. */
  mayEnd(now: number, quietPeriodMs: number): boolean {
    if (this.#extension === undefined) {
      if (this.#takesNoMore) return this.load.inFlight === 0 && this.connection.writer.bufferedBytes === 0;
      return this.isIdle(now, quietPeriodMs);
    }
    return this.#extension.isDone && !this.#extension.hasEvents && this.isIdle(now, 0);
  }

  /** True if nothing is running or under way, and nothing was for so long. */
  isIdle(now: number, forMs: number): boolean {
    if (this.load.inFlight > 0) return false;
    if (this.connection.writer.bufferedBytes > 0 || this.connection.isReceiving) return false;
    return now - this.#activeAt >= forMs;
  }

  /** Ends in order: what was sent is flushed. */
  close(cause: CmdStreamError): void {
    this.connection.end(cause);
  }

  /** Answers what is still running with an error, where the peer knows errors, and ends. */
  abort(cause: CmdStreamError): void {
    if (this.#extension === undefined) return this.destroy(cause);
    this.#extension.abort(cause);
    this.close(cause);
    this.endIfDone();
  }

  /** Ends at once. */
  destroy(cause: CmdStreamError): void {
    this.#extension?.stopEvents(cause);
    this.connection.destroy(cause);
    this.endIfDone();
  }

  onProbe(): boolean {
    if (!this.config.extension) return false;
    this.#extension = new SessionExtension(this);
    return true;
  }

  /** @throws {CmdStreamError} PING_FLOOD */
  onPing(count: number): void {
    this.#limits?.onFrame();
    this.#pingRate ??= new RateLimit(this.config.rates.maxPingsPerSecond, 'PING_FLOOD', 'maxPingsPerSecond');
    this.#pingRate.add(count, this.connection.arrivedAt);
    if (this.#extension) return this.#extension.onPing(count);
    this.connection.writer.postPings(count);
    this.regulate();
  }

  onValue(seq: Seq, command: unknown, bytesRead: number, frame?: Buffer): void {
    this.#limits?.onFrame();
    if (this.#extension) return this.#extension.onCommand(seq, command, bytesRead, frame);
    if (!this.config.load.makeRoomFor(this.load)) return;
    const { receivedAt } = this.connection;
    const call = new PlainCall({ seq, command, bytesRead, receivedAt, metadata: NO_METADATA }, this);
    this.#plainCalls.add(call);
    this.run(call);
  }

  onControl(kind: number, reader: ByteReader): void {
    this.#limits?.onFrame();
    this.#extension!.onControl(kind, reader);
  }

  onRefused(seq: Seq, error: CmdStreamError): void {
    this.#limits?.onFrame();
    this.#extension!.onRefused(seq, error);
  }

  onReadEnd(): void {
    this.#extension?.onReadEnd();
  }

  onFlushed(): void {
    this.#activeAt = this.config.ticker.now;
    this.scheduler.onFlushed();
    this.regulate();
  }

  onEnd(cause: CmdStreamError): void {
    this.endCause = cause;
    this.load.remove();
    this.account.end();
    if (this.#limits) this.config.ticker.delete(this.#limits);
    // What listeners do now finds all of them closed. Events go on: they have no caller who waits on the connection.
    for (const call of this.#calls) call.markAborted(cause);
    this.scheduler.onEnd();
    this.#listener.onConnectionEnd(this, cause);
    for (const call of this.#calls) call.abort(cause);
    this.endIfDone();
  }

  onClosed(): void {
    this.#listener.onSocketClosed(this);
  }

  run(call: ServerCall): void {
    call.isStarted = true;
    call.observe();
    this.load.started();
    this.account.countCalls(call.cost);
    this.regulate();
    call.scope.runInAsyncScope(this.#invoke, this, call);
  }

  #invoke(call: ServerCall): void {
    const { invoker, commandTimeoutMs } = this.config;
    try {
      const timeoutMs = invoker.timeoutMsOf?.(call.command) ?? commandTimeoutMs;
      if (timeoutMs > 0) call.limit(timeoutMs);
      const done = invoker.invoke(call.command, call, call);
      done?.then(
        () => call.complete(),
        (error: unknown) => call.error(error),
      );
    } catch (error) {
      call.error(error);
    }
  }

  settled(call: ServerCall): void {
    if (this.#extension) this.#extension.calls.delete(call as ExtendedCall);
    else this.#plainCalls.delete(call);
    if (!call.isStarted) return;
    if (call.runsOn) {
      call.countsApart = true;
      this.load.left();
      this.account.leave(call.cost);
    } else {
      this.load.settled();
      this.account.countCalls(-call.cost);
    }
    if (this.load.inFlight > 0) return this.regulate();
    this.#activeAt = this.config.ticker.now;
    this.regulate();
    this.endIfDone();
  }

  handlerEnded(call: ServerCall): void {
    this.load.handlerEnded();
    this.account.free(call.cost);
  }

  report(error: unknown): void {
    this.#listener.onCommandError(error);
  }

  onLateFrame(): void {
    this.#listener.onLateFrame();
  }

  endIfDone(): void {
    if (this.endCause === undefined || this.load.inFlight > 0 || this.#isOver || this.#extension?.hasEvents) return;
    this.#isOver = true;
    this.#listener.onSessionEnd(this);
  }
}

/**
 * The time limits between frames: for the next one to arrive, and for doing nothing at all. Within a frame, and for
 * writing, it is the connection itself that looks at the clock.
 */
export class SessionLimits implements Ticking {
  readonly #session: ServerSession;
  readonly #config: SessionLimitsConfig;
  readonly #clock: Clock;
  #frameAt: number;
  /** The peer was asked to go. */
  #leaving: { readonly cause: CmdStreamError; readonly until: number } | undefined;

  constructor(session: ServerSession, config: SessionLimitsConfig, clock: Clock) {
    this.#session = session;
    this.#config = config;
    this.#clock = clock;
    this.#frameAt = clock.now;
  }

  /** A whole frame has arrived. */
  onFrame(): void {
    if (this.#config.receiveTimeoutMs > 0) this.#frameAt = this.#clock.now;
  }

  tick(now: number): void {
    if (this.#leaving !== undefined) return this.#seeOff(this.#leaving, now);
    if (this.#session.mustPause) this.#frameAt = now;
    const cause = this.#overdue(now);
    if (cause === undefined) return;
    if (!this.#session.isExtended) return this.#session.close(cause);
    this.#session.goAway(cause.code === 'IDLE_TIMEOUT' ? 'idle' : 'silent');
    this.#leaving = { cause, until: now + this.#config.gracePeriodMs };
  }

  #overdue(now: number): CmdStreamError | undefined {
    const { receiveTimeoutMs, idleTimeoutMs } = this.#config;
    if (receiveTimeoutMs > 0 && now - this.#frameAt >= receiveTimeoutMs) {
      const limit = `receiveTimeoutMs (${receiveTimeoutMs})`;
      return new CmdStreamError('RECEIVE_TIMEOUT', `no whole Command or ping arrived within ${limit}`);
    }
    if (idleTimeoutMs > 0 && this.#session.isIdle(now, idleTimeoutMs)) {
      return new CmdStreamError('IDLE_TIMEOUT', `the connection was idle for idleTimeoutMs (${idleTimeoutMs})`);
    }
    return undefined;
  }

  /** What the peer had sent before it knew is still answered. */
  #seeOff({ cause, until }: { readonly cause: CmdStreamError; readonly until: number }, now: number): void {
    if (this.#session.mayEnd(now, 0)) this.#session.close(cause);
    else if (now >= until && !this.#session.isDone) this.#session.abort(cause);
  }
}
