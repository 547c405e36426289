// The events of one connection: those that run and those that wait for their turn. They have no answer that could tell
// the sender to slow down, so what waits has a bound in bytes. They do not depend on the connection: it may end first.
import type { AsyncScope } from '../../async-scope.js';
import { PatternMessage } from '../../codec/pattern-message.js';
import { typeNameOf } from '../../contract/type-table.js';
import { CmdStreamError, peerText, isCmdStreamError, isError, MAX_REASON_BYTES, messageOf } from '../../errors.js';
import type { CodecDirection } from '../../connection/codec-direction.js';
import { ServerCall, type CommandHome } from './server-call.js';
import { YieldBudget } from './yield-budget.js';
import { WaitingEvents, type ArrivedEvent } from './waiting-events.js';
import type { Metadata } from '../../wire/control-frame.js';

/** Most bytes of events of one connection that wait. */
const QUEUE_BYTES = 32 * 1024 * 1024;
/** What one may take beside its frame; what it took is what is counted. */
const HEAD_BYTES = 32;

/** The session as its events see it. */
export interface EventHost {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly scope: AsyncScope;
  readonly config: { readonly direction: CodecDirection };
  run(command: ServerCall): void;
  settled(command: ServerCall): void;
  /** No event waits or runs any more, perhaps, which a connection that has ended may have waited for. */
  endIfDone(): void;
  report(error: unknown): void;
  failureOf(error: unknown): unknown;
  handlerOf(command: unknown, isEvent?: boolean): string;
}

export class EventQueue implements EventHome {
  readonly drained = undefined;
  readonly #host: EventHost;
  readonly #maxRunning: number;
  readonly #room: EventRoom;
  readonly #running = new Set<ServerCall>();
  readonly #waiting: WaitingEvents;
  /** What of them is counted in the room of all connections. */
  #counted = 0;
  #isRunningWaiting = false;
  #endCause: CmdStreamError | undefined;

  constructor(host: EventHost, maxRunning: number, room: EventRoom) {
    this.#host = host;
    this.#maxRunning = maxRunning;
    this.#room = room;
    this.#waiting = new WaitingEvents(host.config.direction);
  }

  /** Events that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  get remoteAddress(): string {
    return this.#host.remoteAddress;
  }

  get localAddress(): string {
    return this.#host.localAddress;
  }

  get scope(): AsyncScope {
    return this.#host.scope;
  }

  /** Why no event runs any more; the end of the connection is no reason. */
  get endCause(): CmdStreamError | undefined {
    return this.#endCause;
  }

  /** May one that comes behind `ahead` others have to wait? */
  mayWait(ahead: number): boolean {
    return this.#waiting.length > 0 || this.#running.size + ahead >= this.#maxRunning;
  }

  /** Runs the event, now or later. */
  add(heard: ArrivedEvent): void {
    if (this.#endCause !== undefined) return this.#reportDropped(1, this.#endCause);
    if (heard.frame === undefined || !this.mayWait(0)) return this.#run(heard);
    const needed = heard.frame.length + HEAD_BYTES;
    const isFull = this.#waiting.cost + needed > QUEUE_BYTES;
    const limit = isFull ? `${QUEUE_BYTES} bytes of its connection` : this.#room.limitFor(needed);
    if (limit !== undefined) return this.report(this.#overflow(heard, limit));
    this.#waiting.push(heard, heard.frame);
    this.#recount();
  }

  #recount(): void {
    const { cost } = this.#waiting;
    this.#room.count(cost - this.#counted);
    this.#counted = cost;
  }

  #overflow({ value, bytesRead }: ArrivedEvent, limit: string): CmdStreamError {
    const waiting = `${this.#waiting.length} events wait on this connection in ${this.#waiting.cost} bytes`;
    const remedy = 'handle events faster, or send what must not be lost as Commands, which are answered';
    const what = `${nameOfEvent(value)} of ${bytesRead} bytes was dropped`;
    return new CmdStreamError(
      'OVERLOADED',
      `${what}: it does not fit into the limit of ${limit}; ${waiting}; ${remedy}`,
    );
  }

  /** Starts as many of those that wait as may run. One that ends at once calls this again while it goes on. */
  #runWaiting(): void {
    if (this.#isRunningWaiting) return;
    this.#isRunningWaiting = true;
    const turn = new YieldBudget();
    while (this.#waiting.length > 0 && this.#running.size < this.#maxRunning) {
      const nextTurn = turn.take();
      if (nextTurn) return void nextTurn.then(() => this.#runRest());
      this.#runFirst();
    }
    this.#isRunningWaiting = false;
    // What cannot be decoded any more settles nothing.
    this.#host.endIfDone();
  }

  #runRest(): void {
    this.#isRunningWaiting = false;
    this.#runWaiting();
  }

  #runFirst(): void {
    const record = this.#waiting.shift();
    this.#recount();
    let heard: ArrivedEvent;
    try {
      heard = this.scope.runApart(this.#waiting.decode, this.#waiting, record);
    } catch (error) {
      return this.report(error);
    }
    // The code of its class may have led to the end of the server.
    if (this.#endCause !== undefined) return this.#reportDropped(1, this.#endCause);
    this.#run(heard);
  }

  #run({ seq, value, bytesRead, receivedAt, metadata }: ArrivedEvent): void {
    const event = new EventCall(seq, value, bytesRead, receivedAt, metadata, this);
    this.#running.add(event);
    this.#host.run(event);
  }

  settled(event: ServerCall): void {
    this.#running.delete(event);
    this.#host.settled(event);
    // Not in the scope of the one that has ended.
    if (this.#waiting.length > 0) this.scope.run(this.#runWaiting, this);
  }

  /** The server does not wait for them: those that run are notify, those that wait are dropped. */
  stop(cause: CmdStreamError): void {
    this.#endCause ??= cause;
    const dropped = this.#waiting.length;
    this.#waiting.clear();
    this.#recount();
    if (dropped > 0) this.#reportDropped(dropped, cause);
    for (const event of this.#running) event.abort(cause);
    this.#host.endIfDone();
  }

  #reportDropped(count: number, { code, message }: CmdStreamError): void {
    this.report(new CmdStreamError(code, `${count} events were dropped: ${message}`));
  }

  /** All that run are notify by {@link stop}. */
  watch(): void {}

  report(error: unknown): void {
    this.#host.report(error);
  }

  failureOf(error: unknown): unknown {
    return this.#host.failureOf(error);
  }

  handlerOfEvent(event: unknown): string {
    return this.#host.handlerOf(event, true);
  }
}

export function nameOfEvent(value: unknown): string {
  return value instanceof PatternMessage ? `the event ${peerText(value.route)}` : `the Command ${typeNameOf(value)}`;
}

// The room for events that wait, of all connections of a server together: events outlive their connection, so that a
// bound for each connection would be none.

/** Most bytes of events that wait. */
const ROOM_BYTES = 128 * 1024 * 1024;

export class EventRoom {
  #bytes = 0;

  /** The limit, where there is no room for so much more. */
  limitFor(bytes: number): string | undefined {
    return this.#bytes + bytes > ROOM_BYTES ? `${ROOM_BYTES} bytes of all connections together` : undefined;
  }

  /** Counts bytes of memory that are held, or, when negative, are not any more. */
  count(bytes: number): void {
    this.#bytes += bytes;
  }
}

// An event by pattern, or a Command whose sender wants no answer, on its way through its handlers: what it gives is
// dropped, what it fails with is reported.

/** What an event needs beside: its error has nobody to go to, and must say whose it is. */
export interface EventHome extends CommandHome {
  /** Whose handler it is, as messages have it. */
  handlerOfEvent(event: unknown): string;
}

export class EventCall extends ServerCall {
  readonly #events: EventHome;
  #settled = false;

  /** `seq`: 0 for an event by pattern, which has no number. */
  constructor(seq: number, value: unknown, bytesRead: number, receivedAt: number, metadata: Metadata, home: EventHome) {
    super(seq, value, bytesRead, receivedAt, undefined, Infinity, metadata, home);
    this.#events = home;
  }

  get isOpen(): boolean {
    return !this.#settled && !this.isAborted;
  }

  get drained(): undefined {
    return undefined;
  }

  next(): number {
    return 0;
  }

  complete(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.settle();
  }

  error(error: unknown): void {
    this.home.report(this.#named(this.home.failureOf(error)));
    this.complete();
  }

  /** Errors of this package, but for those that the application has made, say themselves what they are about. */
  #named(failure: unknown): unknown {
    if (isCmdStreamError(failure) && failure.code !== 'REMOTE') return failure;
    const text = peerText(shown(failure), MAX_REASON_BYTES);
    const message = `${this.#events.handlerOfEvent(this.value)} failed: ${text}`;
    return new CmdStreamError('HANDLER_ERROR', message, { cause: failure });
  }
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
