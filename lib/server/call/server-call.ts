// One Command from its arrival to its end: context and sink in one object, because every Command needs both. What its
// answers look like on the wire is decided by the subclasses: PlainCall, ExtendedCall and EventCall.
import type { AsyncResource } from 'node:async_hooks';
import { callSafely, isPromiseLike } from '../../callbacks.js';
import { PatternMessage } from '../../codec/pattern-message.js';
import type { Connection } from '../../connection/connection.js';
import { MAX_TIMER_MS } from '../../connection/connection-options.js';
import type { CommandContext, PeerIdentity } from '../../contract/command.js';
import { CmdStreamError, isCmdStreamError, messageOf, peerText } from '../../errors.js';
import type { CommandOutcome } from '../../instrumentation/instrumentation.js';
import type { WatchedCommand } from '../../instrumentation/observers.js';
import { NO_METADATA, type Metadata } from '../../wire/control-frame.js';
import type { Seq } from '../../wire/frame.js';
import type { ResultSink } from '../invoker.js';
import { costOfCommand, type ByteAccount } from '../byte-budget.js';
import type { ConnectionLoad } from '../server-load.js';
import type { SendScheduler } from '../session/send-scheduler.js';
import type { SessionConfig } from '../session/session-config.js';
import { BegunCommand } from './begun-command.js';
import { guardSignal } from './guarded-signal.js';

/** A Command, a message or an event as it has arrived. */
export interface ArrivedCommand {
  /** 0 for an event by pattern, which has no number. */
  readonly seq: Seq;
  readonly command: unknown;
  readonly bytesRead: number;
  readonly receivedAt: number;
  readonly metadata: Metadata;
}

/** A session as its calls see it, and what serves them. The fields are its own to write. */
export interface CallSession {
  readonly config: SessionConfig;
  readonly connection: Connection;
  readonly peer: PeerIdentity;
  /** What may be sent, and what waits for that. */
  readonly scheduler: SendScheduler;
  /** How many calls of this connection run. */
  readonly load: ConnectionLoad;
  /** What is held for its peer. */
  readonly account: ByteAccount;
  /** Does it hold so much, where little is left for all, that it gets no more? */
  readonly hasTooMuch: boolean;
  /** Why the connection ended, undefined while it lives. */
  readonly endCause: CmdStreamError | undefined;
  /** Runs its handler. */
  run(call: ServerCall): void;
  /** The call is over; nothing more is sent for it. */
  settled(call: ServerCall): void;
  /** The handler of a call that was over before it has ended, too. */
  handlerEnded(call: ServerCall): void;
  /** Goes on reading, or not: what waits to be sent has changed. */
  regulate(): void;
  /** Ends the session if its connection has ended and none of its calls is left. */
  endIfDone(): void;
  /** An error that no answer carries. */
  report(error: unknown): void;
  /** A frame for a Command that was over. */
  onLateFrame(): void;
}

/** What an entry of metadata takes beside its text. */
const ENTRY_BYTES = 16;

/** Made anew each time, since handlers see it and may write to it. */
export const tooLate = (): CmdStreamError => new CmdStreamError('TIMEOUT', "the caller's time limit is over");
const COMPLETED: CommandOutcome = Object.freeze({ how: 'completed' });
const cancelled = (): CmdStreamError => new CmdStreamError('CANCELLED', 'the caller does not wait any more');
const answered = (): CmdStreamError =>
  new CmdStreamError('ANSWERED', 'the Command is over, no answer is awaited any more');

export abstract class ServerCall implements CommandContext, ResultSink {
  readonly seq: Seq;
  readonly command: unknown;
  readonly bytesRead: number;
  readonly receivedAt: number;
  readonly deadline: number | undefined;
  /** The deadline in monotonic milliseconds, by which it is kept; Infinity: none. */
  readonly overAt: number;
  readonly metadata: Metadata;
  /** Bytes of memory that it counts for while it runs. */
  readonly cost: number;
  /** Does its handler run? Only then it counts. The session's to write. */
  isStarted = false;
  /** Was it ended while its handler was at work, which it still is? */
  runsOn = false;
  /** Does such a handler count apart? The session's to write. */
  countsApart = false;
  /** What watches it; undefined once it is over, or where nothing does. */
  protected watch: WatchedCommand | undefined;
  /** What it has failed with. */
  protected failure: { readonly error: unknown } | undefined;
  /** The code that its caller was sent. */
  protected failureCode: string | undefined;
  /** Its neighbours among the running calls, which write them. */
  previous: ServerCall | undefined;
  following: ServerCall | undefined;
  /** Why the caller does not wait any more; undefined while it does, or once it has its answer. */
  protected abortReason: unknown;
  /** The reason of the signal when the Command is over; undefined: that it was answered. */
  protected endReason: unknown;
  /** Is a Result being encoded? Code of its class (a getter, `toJSON`) runs meanwhile, and may use this sink. */
  protected isEncoding = false;
  protected readonly session: CallSession;
  /** The end that such code has asked for. */
  #endsBehind: (() => void) | undefined;
  #scope: AsyncResource | undefined;
  #controller: AbortController | undefined;
  /** What of this package ends with it. */
  #followers: (() => void)[] | undefined;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #limitTimer: NodeJS.Timeout | undefined;

  /** `limitMs`: how long the caller waits; 0: as long as it takes. */
  constructor(arrived: ArrivedCommand, session: CallSession, limitMs = 0) {
    const { receivedAt } = arrived;
    this.seq = arrived.seq;
    this.command = arrived.command;
    this.bytesRead = arrived.bytesRead;
    this.receivedAt = receivedAt;
    // The deadline is for the application to read: what is measured here does not jump with the clock on the wall.
    this.deadline = limitMs > 0 ? receivedAt + limitMs : undefined;
    this.overAt = limitMs > 0 ? session.connection.arrivedAt + limitMs : Infinity;
    this.metadata = arrived.metadata;
    this.cost = costOf(arrived);
    this.session = session;
    // The code of its class may have ended the connection while it was decoded.
    this.abortReason = session.endCause;
  }

  abstract readonly isOpen: boolean;
  abstract readonly drained: Promise<void> | undefined;
  abstract next(result: unknown): number;
  abstract complete(result?: unknown): void;
  abstract error(error: unknown): void;
  /** It has run for longer than it may, and fails with that: its handler learns it by the signal. */
  protected abstract timeOut(cause: CmdStreamError): void;

  /** All code of the application runs in it, and no other Command's does. */
  get scope(): AsyncResource {
    const { watch } = this;
    this.#scope ??= this.session.config.scope.branch(watch && ((make) => watch.enter(make)));
    return this.#scope;
  }

  get peer(): PeerIdentity {
    return this.session.peer;
  }

  get remoteAddress(): string | undefined {
    return this.session.connection.addresses.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.session.connection.addresses.remotePort;
  }

  get localAddress(): string | undefined {
    return this.session.connection.addresses.localAddress;
  }

  get localPort(): number | undefined {
    return this.session.connection.addresses.localPort;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      guardSignal(this.#controller.signal, (error) => this.session.report(error));
      const reason = this.abortReason ?? (this.#isOver ? this.#overReason : undefined);
      if (reason !== undefined) this.#controller.abort(reason);
      else if (this.#timer === undefined && this.overAt < Infinity) this.#awaitDeadline();
    }
    return this.#controller.signal;
  }

  /**
   * Calls `onOver` when its signal aborts, or would if there were one: handlers often need none. False if that was
   * before.
   */
  follow(onOver: () => void): boolean {
    if (this.#isOver || this.abortReason !== undefined) return false;
    (this.#followers ??= []).push(onOver);
    if (this.#timer === undefined && this.overAt < Infinity) this.#awaitDeadline();
    return true;
  }

  unfollow(onOver: () => void): void {
    const at = this.#followers?.indexOf(onOver) ?? -1;
    if (at >= 0) this.#followers!.splice(at, 1);
  }

  #awaitDeadline(): void {
    const leftMs = Math.max(0, this.overAt - performance.now());
    // A timer that is given more than it can wait would end at once.
    const over = (): void => (leftMs > MAX_TIMER_MS ? this.#awaitDeadline() : this.abort(tooLate()));
    this.#timer = setTimeout(over, Math.min(leftMs, MAX_TIMER_MS)).unref();
  }

  /** It is watched from now on, if anything watches Commands: before its scope is made. */
  observe(): void {
    const { observers } = this.session.config;
    if (!observers.areOn) return;
    this.watch = observers.onCommand(new BegunCommand(this.command, this.kind, this, this.session.config));
  }

  /** Of a Command that is no message by pattern. */
  protected get kind(): 'command' | 'event' {
    return 'command';
  }

  /** It is not begun. */
  refuse(cause: CmdStreamError): void {
    this.observe();
    this.failure = { error: cause };
    this.endReason = cause;
    this.failureCode = cause.code;
    this.#endWatch();
  }

  #endWatch(): void {
    const { watch } = this;
    if (watch === undefined) return;
    this.watch = undefined;
    watch.onEnd(this.#outcome());
  }

  #outcome(): CommandOutcome {
    const { failure, abortReason, failureCode } = this;
    if (failure === undefined && abortReason === undefined) return COMPLETED;
    const error = failure === undefined ? abortReason : failure.error;
    // One that a handler has failed with may be that of a call of its own.
    const isOwn = failure === undefined || (error !== undefined && error === this.endReason);
    if (isOwn && isCmdStreamError(error) && error.code === 'TIMEOUT')
      return { how: 'timed out', error, code: failureCode };
    return { how: failure === undefined ? 'cancelled' : 'failed', error, code: failureCode };
  }

  /** From now on it may run for so long. */
  limit(timeoutMs: number): void {
    const over = (): void => this.scope.runInAsyncScope(this.#overLimit, this, timeoutMs);
    this.#limitTimer = setTimeout(over, Math.min(timeoutMs, MAX_TIMER_MS)).unref();
  }

  /** Where its caller does not wait any more, its signal has aborted before. */
  #overLimit(timeoutMs: number): void {
    if (!this.isOpen) return;
    const text = `${this.handlerName()} took longer than its time limit at the server (${timeoutMs} milliseconds)`;
    this.timeOut(new CmdStreamError('TIMEOUT', text));
  }

  /** The Result is encoded: now comes the end that its code may have asked for. */
  protected doneEncoding(): void {
    this.isEncoding = false;
    const end = this.#endsBehind;
    if (end === undefined) return;
    this.#endsBehind = undefined;
    end();
  }

  /** An end that is asked for while a Result is being encoded comes behind that Result; the first one counts. */
  protected endBehind(end: () => void): void {
    this.#endsBehind ??= end;
  }

  /** The connection has ended, or the server: nothing is sent any more. The signal follows by {@link abort}. */
  markAborted(reason: unknown): void {
    this.abortReason ??= reason;
  }

  /** The caller does not wait any more. */
  abort(reason: unknown = cancelled()): void {
    this.abortReason ??= reason;
    this.#endWatch();
    this.abortSignal(this.abortReason);
  }

  /** The answer is there: what of the handler still runs learns by the signal that its work is not needed. */
  protected answered(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#endWatch();
    clearTimeout(this.#timer);
    clearTimeout(this.#limitTimer);
    if (this.#controller) this.abortSignal(this.abortReason ?? this.#overReason);
    else this.#endFollowers();
  }

  get #overReason(): unknown {
    return this.endReason ?? answered();
  }

  protected abortSignal(reason: unknown): void {
    const controller = this.#controller;
    if (controller?.signal.aborted === false) this.scope.runInAsyncScope(controller.abort, controller, reason);
    this.#endFollowers();
  }

  #endFollowers(): void {
    const followers = this.#followers;
    if (followers === undefined || followers.length === 0) return;
    this.#followers = undefined;
    const report = (error: unknown): void => this.session.report(error);
    for (const onOver of followers) this.scope.runInAsyncScope(callSafely, undefined, report, onOver);
  }

  /** It is ended before its handler, which need not heed the signal. */
  protected leaveHandler(): void {
    this.runsOn = this.isStarted;
  }

  /** It was over, and now its handler has said that it is. */
  protected handlerEnded(): void {
    if (!this.runsOn) return;
    this.runsOn = false;
    if (this.countsApart) this.session.handlerEnded(this);
  }

  /** Everything is sent, and its handler is done or left alone. */
  protected settle(): void {
    this.session.settled(this);
    this.answered();
  }

  /** How errors name the handler. */
  protected handlerName(kind = this.command instanceof PatternMessage ? 'pattern ' : ''): string {
    const { command } = this;
    const handler = this.#askHandlerName();
    const name = kind + (command instanceof PatternMessage ? routeText(command) : this.commandName);
    return handler === undefined ? `the handler of ${name}` : `${handler}, the handler of ${name},`;
  }

  #askHandlerName(): string | undefined {
    try {
      return this.session.config.invoker.handlerOf?.(this.command);
    } catch (error) {
      this.session.report(error);
      return undefined;
    }
  }

  /** How errors name this Command. */
  protected get commandName(): string {
    return this.session.config.contract.commands.nameFor(this.command);
  }

  /** What the Invoker makes of an error of its own. */
  protected failureOf(error: unknown): unknown {
    const { invoker } = this.session.config;
    if (!invoker.failureOf) return error;
    try {
      const failure = invoker.failureOf(error);
      // The error itself may be whatever was thrown, and is not looked at.
      if (failure === error || !isPromiseLike(failure)) return failure;
      callSafely(
        (rejection) => this.session.report(rejection),
        () => failure,
      );
      return withoutFailure(error, 'gave a promise, which is not awaited');
    } catch (thrown) {
      this.session.report(thrown);
      return withoutFailure(error, `threw: ${messageOf(thrown)}`);
    }
  }
}

/** The metadata of a message by pattern is in its frame, that of a Command in a frame of its own. */
function costOf({ bytesRead, metadata, command }: ArrivedCommand): number {
  if (metadata === NO_METADATA || command instanceof PatternMessage) return costOfCommand(bytesRead);
  let bytes = bytesRead;
  for (const key in metadata) bytes += ENTRY_BYTES + key.length + metadata[key]!.length;
  return costOfCommand(bytes);
}

/** What the Command has failed with must not be lost, and is not shown to the caller. */
function withoutFailure(cause: unknown, what: string): CmdStreamError {
  const text = `the Invoker's failureOf ${what}; it was given: ${messageOf(cause)}`;
  return new CmdStreamError('INTERNAL', text, { cause });
}

/** The pattern of a packet is in what a serializer made of it. */
function routeText({ route, isPacket }: PatternMessage): string {
  return isPacket ? 'of a packet' : peerText(route);
}
