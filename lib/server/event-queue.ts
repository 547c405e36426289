// The events of one connection: those that run and those that wait for their turn. They have no answer that could tell
// the sender to slow down, so what waits has a bound in bytes. They do not depend on the connection: it may end first.
import type { AsyncScope } from '../async-scope.js';
import { PatternMessage } from '../codec/pattern-message.js';
import { typeNameOf } from '../codec/type-table.js';
import { CmdStreamError, peerText } from '../errors.js';
import { Fifo } from '../fifo.js';
import type { Metadata } from '../wire/control-frame.js';
import { EventCommand } from './event-command.js';
import type { EventRoom } from './event-room.js';
import type { CommandHome, RunningCommand } from './running-command.js';
import { TurnShare } from './turn-share.js';

/** Most bytes of events of one connection that wait. */
const QUEUE_BYTES = 32 * 1024 * 1024;
/** What an event that waits costs beside its bytes. */
const EVENT_COST = 512;

/** The session as its events see it. */
export interface EventHost {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly scope: AsyncScope;
  run(command: RunningCommand): void;
  settled(command: RunningCommand): void;
  report(error: unknown): void;
  failureOf(error: unknown): unknown;
}

export interface Heard {
  /** 0 for an event by pattern. */
  readonly seq: number;
  readonly value: unknown;
  readonly bytesRead: number;
  readonly receivedAt: number;
  readonly metadata: Metadata;
}

export class EventQueue implements CommandHome {
  readonly drained = undefined;
  readonly #host: EventHost;
  readonly #maxRunning: number;
  readonly #room: EventRoom;
  readonly #running = new Set<RunningCommand>();
  readonly #waiting = new Fifo<EventCommand>();
  #bytes = 0;
  #isRunningWaiting = false;
  #endCause: CmdStreamError | undefined;

  constructor(host: EventHost, maxRunning: number, room: EventRoom) {
    this.#host = host;
    this.#maxRunning = maxRunning;
    this.#room = room;
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

  /** Runs the event, now or later. */
  add({ seq, value, bytesRead, receivedAt, metadata }: Heard): void {
    const event = new EventCommand(seq, value, bytesRead, receivedAt, metadata, this);
    if (this.#waiting.length === 0 && this.#running.size < this.#maxRunning) return this.#run(event);
    const cost = bytesRead + EVENT_COST;
    const limit = this.#bytes + cost > QUEUE_BYTES ? `${QUEUE_BYTES} bytes of its connection` : this.#room.take(cost);
    if (limit !== undefined) return this.report(this.#overflow(event, limit));
    this.#bytes += cost;
    this.#waiting.push(event);
  }

  #overflow({ value, bytesRead }: EventCommand, limit: string): CmdStreamError {
    const waiting = `${this.#waiting.length} events of ${this.#bytes} bytes wait on this connection`;
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
    const turn = new TurnShare();
    while (this.#waiting.length > 0 && this.#running.size < this.#maxRunning) {
      const nextTurn = turn.take();
      if (nextTurn) return void nextTurn.then(() => this.#runRest());
      const event = this.#waiting.shift()!;
      this.#forget(event);
      this.#run(event);
    }
    this.#isRunningWaiting = false;
  }

  #runRest(): void {
    this.#isRunningWaiting = false;
    this.#runWaiting();
  }

  #run(event: EventCommand): void {
    this.#running.add(event);
    this.#host.run(event);
  }

  #forget(event: EventCommand): void {
    const cost = event.bytesRead + EVENT_COST;
    this.#bytes -= cost;
    this.#room.give(cost);
  }

  settled(event: RunningCommand): void {
    this.#running.delete(event);
    this.#host.settled(event);
    // Not in the scope of the one that has ended.
    if (this.#waiting.length > 0) this.scope.run(this.#runWaiting, this);
  }

  /** The server does not wait for them: those that run are told, those that wait are dropped. */
  stop(cause: CmdStreamError): void {
    this.#endCause ??= cause;
    const dropped = this.#waiting.length;
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) this.#forget(event);
    if (dropped > 0) this.report(new CmdStreamError(cause.code, `${dropped} events were dropped: ${cause.message}`));
    for (const event of this.#running) event.abort(cause);
  }

  /** All that run are told by {@link stop}. */
  watch(): void {}

  report(error: unknown): void {
    this.#host.report(error);
  }

  failureOf(error: unknown): unknown {
    return this.#host.failureOf(error);
  }
}

export function nameOfEvent(value: unknown): string {
  return value instanceof PatternMessage ? `the event ${peerText(value.route)}` : `the Command ${typeNameOf(value)}`;
}
