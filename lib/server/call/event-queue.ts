// The events of one connection (by pattern, or Commands whose sender wants no answer): those that run and those that
// wait for their turn. They have no answer that could make the sender slow down, so what waits has a bound in bytes.
// They do not depend on the connection: it may end first.
import { PatternMessage } from '../../codec/pattern-message.js';
import { typeNameOf } from '../../contract/type-table.js';
import { CmdStreamError, peerText, isCmdStreamError, isError, MAX_REASON_BYTES, messageOf } from '../../errors.js';
import type { ByteBudget } from '../byte-budget.js';
import { RunningCalls } from './running-calls.js';
import { ServerCall, type CallSession } from './server-call.js';
import { YieldBudget } from './yield-budget.js';
import { WaitingEvents, type ArrivedEvent } from './waiting-events.js';

/** What one may take beside its frame; what it took is what is counted. */
const HEAD_BYTES = 32;

export class EventQueue {
  readonly #session: CallSession;
  readonly #running = new RunningCalls();
  readonly #waiting: WaitingEvents;
  /** What of them is counted for the connection. */
  #counted = 0;
  #isRunningWaiting = false;
  /** Why no event runs any more; the end of the connection is no reason. */
  #stopCause: CmdStreamError | undefined;

  constructor(session: CallSession) {
    this.#session = session;
    this.#waiting = new WaitingEvents(session.config.direction);
  }

  /** Events that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Events that run. */
  get running(): number {
    return this.#running.size;
  }

  /** May one that comes behind `ahead` others have to wait? */
  mayWait(ahead: number): boolean {
    return this.#waiting.length > 0 || this.#running.size + ahead >= this.#session.config.maxInFlight;
  }

  /** Runs the event, now or later. */
  add(arrived: ArrivedEvent): void {
    if (this.#stopCause !== undefined) return this.#reportDropped(1, this.#stopCause);
    if (arrived.frame === undefined || !this.mayWait(0)) return this.#run(arrived);
    const limit = this.#limitFor(arrived.frame.length + HEAD_BYTES);
    if (limit !== undefined) return this.#session.report(this.#overflow(arrived, limit));
    this.#waiting.push(arrived, arrived.frame);
    this.#recount();
  }

  /** The limit, where there is no room for so many bytes more. */
  #limitFor(bytes: number): string | undefined {
    const { maxEventBytes, maxEventBytesOfOne } = this.#budget;
    if (this.#waiting.cost + bytes > maxEventBytesOfOne) return `${maxEventBytesOfOne} bytes of its connection`;
    if (this.#budget.hasRoomForEvent(bytes)) return undefined;
    return `${maxEventBytes} bytes of all connections together`;
  }

  get #budget(): ByteBudget {
    return this.#session.config.budget;
  }

  #recount(): void {
    const change = this.#waiting.cost - this.#counted;
    this.#counted += change;
    this.#session.account.countEvents(change);
  }

  #overflow({ command, bytesRead }: ArrivedEvent, limit: string): CmdStreamError {
    const waiting = `${this.#waiting.length} events wait on this connection in ${this.#waiting.cost} bytes`;
    const remedy = 'handle events faster, or send what must not be lost as Commands, which are answered';
    const what = `${nameOfEvent(command)} of ${bytesRead} bytes was dropped`;
    return new CmdStreamError(
      'OVERLOADED',
      `${what}: it does not fit into the limit of ${limit}; ${waiting}; ${remedy}`,
    );
  }

  #run(arrived: ArrivedEvent): void {
    const event = new EventCall(arrived, this.#session, this);
    this.#running.add(event);
    this.#session.run(event);
  }

  settled(event: EventCall): void {
    this.#running.delete(event);
    this.#session.settled(event);
    // Not in the scope of the one that has ended.
    if (this.#waiting.length > 0) this.#session.config.scope.run(this.#runWaiting, this);
  }

  /** Starts as many of those that wait as may run. One that ends at once calls this again while it goes on. */
  #runWaiting(): void {
    if (this.#isRunningWaiting) return;
    this.#isRunningWaiting = true;
    const budget = new YieldBudget();
    while (this.#waiting.length > 0 && !this.#isFull) {
      const nextTurn = budget.take();
      if (nextTurn) return void nextTurn.then(() => this.#runRest());
      this.#runFirst();
    }
    this.#isRunningWaiting = false;
    // What cannot be decoded any more settles nothing.
    this.#session.endIfDone();
  }

  get #isFull(): boolean {
    return this.#running.size >= this.#session.config.maxInFlight;
  }

  #runRest(): void {
    this.#isRunningWaiting = false;
    this.#runWaiting();
  }

  #runFirst(): void {
    const record = this.#waiting.shift();
    this.#recount();
    let arrived: ArrivedEvent;
    try {
      arrived = this.#session.config.scope.runApart(this.#waiting.decode, this.#waiting, record);
    } catch (error) {
      return this.#session.report(error);
    }
    // The code of its class may have led to the end of the server.
    if (this.#stopCause !== undefined) return this.#reportDropped(1, this.#stopCause);
    const { load } = this.#session.config;
    if (!load.isHeld) return this.#run(arrived);
    const why = `maxInFlight (${load.maxInFlight}) handlers run on, although what they were for is over`;
    this.#session.report(new CmdStreamError('OVERLOADED', `${nameOfEvent(arrived.command)} was dropped: ${why}`));
  }

  /** The server does not wait for them: those that run are aborted, those that wait are dropped. */
  stop(cause: CmdStreamError): void {
    this.#stopCause ??= cause;
    for (const event of this.#running.all()) event.markAborted(this.#stopCause);
    const dropped = this.#waiting.length;
    this.#waiting.clear();
    this.#recount();
    if (dropped > 0) this.#reportDropped(dropped, cause);
    for (const event of this.#running.all()) event.abort(cause);
    this.#session.endIfDone();
  }

  #reportDropped(count: number, { code, message }: CmdStreamError): void {
    this.#session.report(new CmdStreamError(code, `${count} events were dropped: ${message}`));
  }
}

/** One event on its way through its handlers: what it gives is dropped, what it fails with is reported. */
export class EventCall extends ServerCall {
  /** No room is ever needed for what it gives. */
  readonly drained = undefined;
  readonly #events: EventQueue;
  #settled = false;

  constructor(arrived: ArrivedEvent, session: CallSession, events: EventQueue) {
    super(arrived, session);
    // It does not depend on the connection.
    this.abortReason = undefined;
    this.#events = events;
  }

  get isOpen(): boolean {
    return !this.#settled && this.abortReason === undefined;
  }

  protected override get kind(): 'event' {
    return 'event';
  }

  next(): number {
    return 0;
  }

  complete(): void {
    if (this.#settled) return this.handlerEnded();
    this.#settled = true;
    this.#events.settled(this);
    this.answered();
  }

  protected override timeOut(cause: CmdStreamError): void {
    this.endReason = cause;
    this.failure = { error: cause };
    this.session.report(cause);
    this.leaveHandler();
    this.complete();
  }

  error(error: unknown): void {
    if (error !== undefined && error === this.endReason) return this.handlerEnded();
    this.failure = { error };
    this.session.report(this.#named(this.failureOf(error)));
    this.complete();
  }

  /** Errors of this package, but for those that the application has made, say themselves what they are about. */
  #named(failure: unknown): unknown {
    if (isCmdStreamError(failure) && failure.code !== 'REMOTE') return failure;
    const text = peerText(shown(failure), MAX_REASON_BYTES);
    const message = `${this.handlerName('the event ')} failed: ${text}`;
    return new CmdStreamError('HANDLER_ERROR', message, { cause: failure });
  }
}

export function nameOfEvent(command: unknown): string {
  return command instanceof PatternMessage
    ? `the event ${peerText(command.route)}`
    : `the Command ${typeNameOf(command)}`;
}

function shown(failure: unknown): string {
  const error = isCmdStreamError(failure) && isError(failure.cause) ? failure.cause : failure;
  const text = messageOf(failure);
  if (!isError(error) || isCmdStreamError(error)) return text;
  return `${nameOf(error)}: ${text}`;
}

/** A class of an exception may have kept the name of its base. */
function nameOf(error: Error): string {
  try {
    return String(error.constructor.name || error.name);
  } catch {
    return 'Error';
  }
}
