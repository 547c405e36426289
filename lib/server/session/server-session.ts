// The server's side of one connection: runs each Command that arrives, keeps count of those that run, and decides
// when to go on reading. Ends with its connection, but not before its last Command and its last event have ended.
import type { Duplex } from 'node:stream';
import type { AsyncScope } from '../../async-scope.js';
import type { Contract } from '../../contract/contract.js';
import { Connection, type ConnectionListener } from '../../connection/connection.js';
import { PatternMessage } from '../../codec/pattern-message.js';
import { CmdStreamError, messageOf, peerText } from '../../errors.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import type { Seq } from '../../wire/frame.js';
import { writeServerInfo } from '../../wire/server-info.js';
import { deferred, type Deferred, isPromiseLike } from '../../callbacks.js';
import { PlainCall, type PlainHome } from '../call/plain-call.js';
import type { ServerCall } from '../call/server-call.js';
import type { PlainErrorMapper } from '../server-options.js';
import type { SessionConfig } from './session-config.js';
import { SessionExtension, type ExtensionHost } from './session-extension.js';
import { SessionLimits, type LimitedSession } from './session-limits.js';
import { maxWaitingBytes, REMEDY } from './send-scheduler.js';

/** What a session tells the server. */
export interface ServerSessionListener {
  /** An error that nobody else hears of. */
  onCommandError(error: unknown): void;
  /** A frame for a Command that was over. */
  onLateFrame(): void;
  /** The connection has ended; its Commands may still be running. */
  onConnectionEnd(session: ServerSession, cause: CmdStreamError): void;
  /** The connection and all its Commands have ended. */
  onSessionEnd(session: ServerSession, cause: CmdStreamError): void;
}

export class ServerSession implements ConnectionListener, PlainHome, ExtensionHost, LimitedSession {
  readonly connection: Connection;
  readonly config: SessionConfig;
  readonly #owner: ServerSessionListener;
  /** Those that asked to be notify when nobody waits any more. */
  readonly #watching = new Set<ServerCall>();
  readonly #limits: SessionLimits | undefined;
  #running = 0;
  #extension: SessionExtension | undefined;
  #endCause: CmdStreamError | undefined;
  #over = false;
  #quietSince: number;
  #draining: Deferred | undefined;

  constructor(socket: Duplex, config: SessionConfig, owner: ServerSessionListener) {
    this.config = config;
    this.#owner = owner;
    this.#quietSince = config.ticker.now;
    config.load.opened(this);
    this.connection = new Connection(socket, config, this);
    this.connection.post((writer) => writeServerInfo(writer, config.serverInfo));
    const { receiveTimeoutMs, idleTimeoutMs } = config.limits;
    if (this.#endCause !== undefined || (receiveTimeoutMs === 0 && idleTimeoutMs === 0)) return;
    this.#limits = new SessionLimits(this, config.limits, config.ticker);
    config.ticker.add(this.#limits);
  }

  get remoteAddress(): string {
    return this.connection.remoteAddress;
  }

  get localAddress(): string {
    return this.connection.localAddress;
  }

  get endCause(): CmdStreamError | undefined {
    return this.#endCause;
  }

  get scope(): AsyncScope {
    return this.config.scope;
  }

  get results(): Contract['results'] {
    return this.config.contract.results;
  }

  get onPlainError(): PlainErrorMapper | 'close' {
    return this.config.onPlainError;
  }

  /** True if the peer is one of this package. */
  get isExtended(): boolean {
    return this.#extension !== undefined;
  }

  get isDone(): boolean {
    return this.#extension?.isDone ?? false;
  }

  /**
   * Reading goes on only while there is room for more Commands and for their Results. Not so with a peer of this
   * package: it keeps to the limits it was notify, and its credit and cancellations must not wait behind Commands.
   */
  get isHeldBack(): boolean {
    const { maxInFlight, sendHighWaterBytes } = this.config;
    if (this.#extension) return false;
    return this.#running >= maxInFlight || this.connection.bufferedBytes > sendHighWaterBytes;
  }

  /** Commands and events that are running. */
  get inFlight(): number {
    return this.#running;
  }

  get drained(): Promise<void> | undefined {
    if (this.#endCause !== undefined || !this.#isCongested) return undefined;
    this.#draining ??= deferred();
    return this.#draining.promise;
  }

  get #isCongested(): boolean {
    return this.connection.bufferedBytes > this.config.sendHighWaterBytes;
  }

  /** Tells the peer that the server drains. A plain one cannot be notify. */
  goAway(reason: string): void {
    this.#extension?.goAway(reason);
  }

  /** True if a draining server may end this connection: no Command is running and none is on its way. */
  isQuiet(now: number, quietPeriodMs: number): boolean {
    if (this.#extension === undefined) return this.hasRested(now, quietPeriodMs);
    return this.#extension.isQuiet && this.hasRested(now, 0);
  }

  /** True if nothing is running or under way, and nothing was for so long. */
  hasRested(now: number, quietPeriodMs: number): boolean {
    if (this.#running > 0) return false;
    if (this.connection.bufferedBytes > 0 || this.connection.isReceiving) return false;
    return now - this.#quietSince >= quietPeriodMs;
  }

  /** Answers what is still running with an error, where the peer knows errors, and ends. */
  shutDown(cause: CmdStreamError): void {
    if (this.#extension === undefined) return this.destroy(cause);
    this.#extension.shutDown(cause);
    this.end(cause);
    this.endIfDone();
  }

  end(cause: CmdStreamError): void {
    this.connection.end(cause);
  }

  destroy(cause: CmdStreamError): void {
    this.#extension?.stopEvents(cause);
    this.connection.destroy(cause);
    this.endIfDone();
  }

  onServerInfo(): void {}

  onProbeAnswer(): void {}

  onProbe(): boolean {
    if (!this.config.extension) return false;
    this.#extension = new SessionExtension(this);
    return true;
  }

  onPing(count: number): void {
    this.#limits?.heard();
    if (this.#extension) return this.#extension.onPing(count);
    this.connection.sendPings(count);
    this.#lookAtGate();
  }

  onValue(seq: Seq, value: unknown, bytesRead: number, frame?: Buffer): void {
    this.#limits?.heard();
    if (this.#extension) this.#extension.onValue(seq, value, bytesRead, frame);
    else if (this.#makesRoom()) this.run(new PlainCall(seq, value, bytesRead, this.connection.receivedAt, this));
  }

  /** A plain peer cannot be notify that the server runs too much: the connection that has the most goes. */
  #makesRoom(): boolean {
    const { load } = this.config;
    if (!load.isFull) return true;
    const largest = load.largestBeside(this);
    const text = `the server runs maxInFlight (${load.maxInFlight}) Commands: the connection with the most had to go`;
    largest.end(new CmdStreamError('OVERLOADED', text));
    return largest !== this;
  }

  nameOf(command: unknown): string {
    return this.config.contract.commands.nameFor(command);
  }

  handlerOf(command: unknown, isEvent = false): string {
    const handler = this.#handlerNameOf(command);
    const kind = isEvent ? 'the event ' : command instanceof PatternMessage ? 'pattern ' : '';
    const name = kind + (command instanceof PatternMessage ? routeText(command) : this.nameOf(command));
    return handler === undefined ? `the handler of ${name}` : `${handler}, the handler of ${name},`;
  }

  #handlerNameOf(command: unknown): string | undefined {
    try {
      return this.config.invoker.handlerOf?.(command);
    } catch (error) {
      this.report(error);
      return undefined;
    }
  }

  /** Once for each type of Commands: a handler that does it does it always. */
  wentOn(command: unknown): void {
    const name = this.nameOf(command);
    if (this.config.wentOn.has(name)) return;
    this.config.wentOn.add(name);
    const text = `the handler of ${name} goes on after its last Result: a plain peer gets nothing of that`;
    const remedy = 'all but the last must have a lastOne() that returns false (this is said once)';
    this.report(new CmdStreamError('RESULT_AFTER_LAST', `${text}; ${remedy}`));
  }

  onControl(kind: number, reader: ByteReader): void {
    this.#limits?.heard();
    this.#extension!.onControl(kind, reader);
  }

  onRefused(seq: Seq, error: CmdStreamError): void {
    this.#limits?.heard();
    this.#extension!.onRefused(seq, error);
  }

  onLateFrame(): void {
    this.#owner.onLateFrame();
  }

  onFlushed(): void {
    this.#quietSince = this.config.ticker.now;
    if (!this.#isCongested) this.#hasDrained();
    this.#extension?.onFlushed();
    this.#lookAtGate();
  }

  #hasDrained(): void {
    this.#draining?.resolve();
    this.#draining = undefined;
  }

  onEnd(cause: CmdStreamError): void {
    this.#endCause = cause;
    this.config.load.ended(this);
    if (this.#limits) this.config.ticker.delete(this.#limits);
    this.#hasDrained();
    this.#owner.onConnectionEnd(this, cause);
    this.#extension?.onEnd(cause);
    for (const command of this.#watching) command.abort(cause);
    this.endIfDone();
  }

  onReadEnd(): void {
    this.#extension?.onReadEnd();
  }

  run(command: ServerCall): void {
    this.#running++;
    this.config.load.started(this);
    this.#lookAtGate();
    command.scope.runInAsyncScope(this.#invoke, this, command);
  }

  #invoke(command: ServerCall): void {
    try {
      const done = this.config.invoker.invoke(command.value, command, command);
      done?.then(
        () => command.complete(),
        (error: unknown) => command.error(error),
      );
    } catch (error) {
      command.error(error);
    }
  }

  watch(command: ServerCall): void {
    this.#watching.add(command);
  }

  send(seq: Seq, result: unknown): number {
    const bytes = this.connection.send(seq, result);
    this.#lookAtGate();
    return bytes;
  }

  settled(command: ServerCall): void {
    this.#watching.delete(command);
    this.config.load.settled(this);
    if (--this.#running === 0) this.#quietSince = this.config.ticker.now;
    this.#lookAtGate();
    this.endIfDone();
  }

  get isFull(): boolean {
    return this.connection.bufferedBytes > maxWaitingBytes(this.config);
  }

  overflow(): void {
    const limit = `maxStreamBufferBytes and maxSendBufferBytes together (${maxWaitingBytes(this.config)})`;
    const what = `${this.connection.bufferedBytes} bytes wait for a peer that does not read so fast`;
    this.destroy(new CmdStreamError('SEND_BUFFER_FULL', `${what}: more than ${limit}; ${REMEDY}`));
  }

  report(error: unknown): void {
    this.#owner.onCommandError(error);
  }

  failureOf(error: unknown): unknown {
    const { invoker } = this.config;
    if (!invoker.failureOf) return error;
    try {
      const failure = invoker.failureOf(error);
      // The error itself may be whatever was thrown, and is not looked at.
      if (failure === error || !isPromiseLike(failure)) return failure;
      void this.#awaitReport(failure);
      return this.#withoutFailure(error, 'gave a promise, which nobody waits for');
    } catch (thrown) {
      this.report(thrown);
      return this.#withoutFailure(error, `threw: ${messageOf(thrown)}`);
    }
  }

  async #awaitReport(promise: PromiseLike<unknown>): Promise<void> {
    try {
      await promise;
    } catch (error) {
      this.report(error);
    }
  }

  /** What the Command has failed with must not be lost, and is not shown to the caller. */
  #withoutFailure(cause: unknown, what: string): CmdStreamError {
    const text = `the Invoker's failureOf ${what}; it was given: ${messageOf(cause)}`;
    return new CmdStreamError('INTERNAL', text, { cause });
  }

  /** Tells its owner, once, when the connection and all that ran on it have ended. */
  endIfDone(): void {
    if (this.#endCause === undefined || this.#running > 0 || this.#over || this.#extension?.hasEvents) return;
    this.#over = true;
    this.#owner.onSessionEnd(this, this.#endCause);
  }

  #lookAtGate(): void {
    if (this.isHeldBack) this.connection.pause();
    else this.connection.resume();
  }
}

/** The pattern of a packet is in what a serializer made of it. */
function routeText({ route, isPacket }: PatternMessage): string {
  return isPacket ? 'of a packet' : peerText(route);
}
