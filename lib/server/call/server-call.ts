// One Command from its arrival to its end: context and sink in one object, because every Command needs both. What its
// answers look like on the wire is decided by the subclasses: PlainCall and ExtendedCall.
import type { AsyncResource } from 'node:async_hooks';
import type { AsyncScope } from '../../async-scope.js';
import type { CommandContext } from '../../contract/command.js';
import { MAX_TIMER_MS } from '../../connection/connection-options.js';
import { CmdStreamError } from '../../errors.js';
import type { Metadata } from '../../wire/control-frame.js';
import type { Seq } from '../../wire/frame.js';
import { guardSignal } from './guarded-signal.js';
import type { ResultSink } from '../invoker.js';

/** What messages call the handler of a Command or message. */
export interface HandlerNames {
  handlerOf(command: unknown, isEvent?: boolean): string;
}

/** What a running Command needs from its session. */
export interface CommandHome {
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** Where the scopes of Commands begin. */
  readonly scope: AsyncScope;
  /** Why the connection ended, undefined while it lives. */
  readonly endCause: CmdStreamError | undefined;
  /** As {@link ResultSink.drained}, for the connection as a whole. */
  readonly drained: Promise<void> | undefined;
  /** Sees to it that the Command is aborted when the connection ends. */
  watch(command: ServerCall): void;
  /** The Command is over; nothing more is sent for it. */
  settled(command: ServerCall): void;
  /** An error that nobody else hears of. */
  report(error: unknown): void;
  /** What the Invoker makes of an error of its own. */
  failureOf(error: unknown): unknown;
}

/** Made anew each time, since handlers see it and may write to it. */
export const tooLate = (): CmdStreamError => new CmdStreamError('TIMEOUT', "the caller's time limit is over");
const cancelled = (): CmdStreamError => new CmdStreamError('CANCELLED', 'the caller does not wait any more');
const answered = (): CmdStreamError => new CmdStreamError('ANSWERED', 'the Command is over, nobody waits any more');

export abstract class ServerCall implements CommandContext, ResultSink {
  #scope: AsyncResource | undefined;
  #controller: AbortController | undefined;
  #abortReason: unknown;
  #isOver = false;
  /** What the handler is notify when the Command is over; undefined: that it was answered. */
  protected endReason: unknown;
  #timer: NodeJS.Timeout | undefined;
  /** Is a Result being taken? Code of its class runs meanwhile. */
  #isTaking = false;
  /** How that code has ended the Command. */
  #endsBehind: (() => void) | undefined;

  constructor(
    readonly seq: Seq,
    readonly value: unknown,
    readonly bytesRead: number,
    readonly receivedAt: number,
    readonly deadline: number | undefined,
    /** The deadline in monotonic milliseconds, by which it is kept; Infinity: none. */
    readonly overAt: number,
    readonly metadata: Metadata,
    protected readonly home: CommandHome,
  ) {}

  abstract readonly isOpen: boolean;
  abstract readonly drained: Promise<void> | undefined;
  abstract next(result: unknown): number;
  abstract complete(result?: unknown): void;
  abstract error(error: unknown): void;

  /** All code of the application runs in it, and no other Command's does. */
  get scope(): AsyncResource {
    this.#scope ??= this.home.scope.branch();
    return this.#scope;
  }

  get remoteAddress(): string {
    return this.home.remoteAddress;
  }

  get localAddress(): string {
    return this.home.localAddress;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      guardSignal(this.#controller.signal, (error) => this.home.report(error));
      const reason = this.#abortReason ?? (this.#isOver ? this.#overReason : this.home.endCause);
      if (reason !== undefined) this.#controller.abort(reason);
      else this.#watch();
    }
    return this.#controller.signal;
  }

  #watch(): void {
    this.home.watch(this);
    if (this.overAt < Infinity) this.#awaitDeadline();
  }

  #awaitDeadline(): void {
    const leftMs = Math.max(0, this.overAt - performance.now());
    // A timer that is given more than it can wait would end at once.
    const over = (): void => (leftMs > MAX_TIMER_MS ? this.#awaitDeadline() : this.abort(tooLate()));
    this.#timer = setTimeout(over, Math.min(leftMs, MAX_TIMER_MS)).unref();
  }

  protected get isTaking(): boolean {
    return this.#isTaking;
  }

  /** A Result is taken from here on, until {@link taken}. */
  protected take(): void {
    this.#isTaking = true;
  }

  protected taken(): void {
    this.#isTaking = false;
    const end = this.#endsBehind;
    if (end === undefined) return;
    this.#endsBehind = undefined;
    end();
  }

  /** The end that code of a Result has asked for comes behind that Result; the first one counts. */
  protected endBehind(end: () => void): void {
    this.#endsBehind ??= end;
  }

  /** True once nobody waits any more, for whatever reason. */
  protected get isAborted(): boolean {
    return this.#abortReason !== undefined || this.home.endCause !== undefined;
  }

  /** Tells the handler that nobody waits any more. */
  abort(reason: unknown = cancelled()): void {
    if (this.#abortReason !== undefined) return;
    this.#abortReason = reason;
    this.#tell(reason);
  }

  /** The answer is there: what of the handler still runs is notify that nobody waits any more. */
  protected answered(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#abortReason ??= this.home.endCause;
    if (this.#controller?.signal.aborted === false) this.#tell(this.#abortReason ?? this.#overReason);
  }

  get #overReason(): unknown {
    return this.endReason ?? answered();
  }

  #tell(reason: unknown): void {
    const controller = this.#controller;
    if (controller) this.scope.runInAsyncScope(controller.abort, controller, reason);
  }

  /** The handler is done and everything is sent. */
  protected settle(): void {
    this.home.settled(this);
    this.answered();
  }
}
