// The calls of one link: those that wait to be written, in order, and those that wait for their Results, by seq.
// It numbers and writes Commands on the connection it is given; it opens none.
import type { TypeTable } from '../codec/type-table.js';
import type { Connection } from '../connection/connection.js';
import { CmdStreamError } from '../errors.js';
import type { Seq } from '../wire/frame.js';
import type { CallHome, PendingCall } from './pending-call.js';
import { PendingTable } from './pending-table.js';

export interface CallsConfig {
  readonly results: TypeTable;
  readonly maxPending: number;
  readonly maxQueued: number;
  readonly maxSendBufferBytes: number;
}

export class Calls implements CallHome {
  readonly #config: CallsConfig;
  readonly #onIdle: () => void;
  readonly #pending = new PendingTable();
  readonly #queued = new Set<PendingCall>();
  #lastSeq = 0;

  constructor(config: CallsConfig, onIdle: () => void) {
    this.#config = config;
    this.#onIdle = onIdle;
  }

  /** Calls that wait for anything. */
  get size(): number {
    return this.#pending.size + this.#queued.size;
  }

  /** The call that waits for Results of this number. */
  waitingFor(seq: Seq): PendingCall | undefined {
    const call = this.#pending.get(seq);
    return call?.until === 'answered' ? call : undefined;
  }

  /** Writes the call's Command in its turn: now, if there is a connection and nothing else waits for it. */
  submit(call: PendingCall, connection: Connection | undefined): void {
    const { maxQueued } = this.#config;
    if (connection !== undefined && this.#queued.size === 0 && this.#hasRoom(connection)) this.#write(call, connection);
    else if (this.#queued.size < maxQueued) this.#queued.add(call);
    else {
      const full = `maxQueuedCommands (${maxQueued}) Commands wait to be written already`;
      call.fail(new CmdStreamError('QUEUE_FULL', full));
    }
  }

  /** Writes what waits for the connection, as far as there is room. */
  writeQueued(connection: Connection): void {
    for (const call of this.#queued) {
      if (!this.#hasRoom(connection)) return;
      this.#queued.delete(call);
      this.#write(call, connection);
    }
  }

  #hasRoom(connection: Connection): boolean {
    return connection.bufferedBytes <= this.#config.maxSendBufferBytes;
  }

  #write(call: PendingCall, connection: Connection): void {
    const { maxPending } = this.#config;
    if (this.#pending.size >= maxPending) {
      call.fail(new CmdStreamError('QUEUE_FULL', `maxPending (${maxPending}) Commands wait for an answer already`));
      return;
    }
    call.seq = ++this.#lastSeq;
    this.#pending.add(call);
    try {
      connection.send(call.seq, call.command);
    } catch (error) {
      call.fail(error);
      return;
    }
    if (call.until === 'written') completeWhenFlushed(call, connection);
  }

  /** Gives a Result to the call that waits for it; false if none does. */
  answer(seq: Seq, result: unknown): boolean {
    const call = this.waitingFor(seq);
    if (call === undefined) return false;
    try {
      const last = this.#config.results.isLast(result);
      call.next(result);
      if (last) call.complete();
    } catch (error) {
      call.fail(error);
    }
    return true;
  }

  /** All calls, oldest first. */
  inOrder(): readonly PendingCall[] {
    return [...this.#pending.inOrder(), ...this.#queued];
  }

  forget(call: PendingCall): void {
    if (call.isSent) this.#pending.delete(call);
    else this.#queued.delete(call);
    if (this.size === 0) this.#onIdle();
  }
}

function completeWhenFlushed(call: PendingCall, connection: Connection): void {
  connection.flushed().then(
    () => call.complete(),
    (error: unknown) => call.fail(error),
  );
}
