// The memory that a server holds for its peers, all connections together, with its bound: what has arrived and was not
// handed on, Commands that run, events and Results that wait, what is not written yet. Near the bound those that hold
// much get no more; at it the one that holds the most goes.
//
//   room --(three quarters are held)--> short --(less than five eighths)--> room
//                                         └────(all is held: the largest goes, until it is not)
import { getHeapStatistics } from 'node:v8';
import type { AsyncScope } from '../async-scope.js';
import { CmdStreamError } from '../errors.js';

const MIB = 1024 * 1024;
/** Without the option: of the heap that V8 may use. What is decoded is on it. */
const HEAP_SHARE = 1 / 4;
const LEAST_BYTES = 32 * MIB;
const MOST_BYTES = 1024 * MIB;
const SHORT_SHARE = 3 / 4;
const RELIEVED_SHARE = 5 / 8;
/** Events outlive their connection, so no end of one makes room: they have a part of the whole, and a bound. */
const EVENT_SHARE = 1 / 4;
const MOST_EVENT_BYTES = 128 * MIB;
/** One connection's part of that. */
const EVENTS_OF_ONE_SHARE = 1 / 4;
/** Bytes of memory for a byte of a frame: JSON of small objects takes five times its text, long text once or twice. */
const DECODED_COST = 4;
/** What a Command takes beside its data, with its handler at work. */
const COMMAND_COST = 2048;

/** What a server may hold for its peers where nothing is said: with the worst of JSON, 13 bytes for one, it fits. */
export function defaultBudget(heapLimit = getHeapStatistics().heap_size_limit): number {
  return Math.min(Math.max(LEAST_BYTES, Math.floor(heapLimit * HEAP_SHARE)), MOST_BYTES);
}

/** What a Command costs while it runs, by the bytes it came in. */
export function costOfCommand(bytes: number): number {
  return COMMAND_COST + DECODED_COST * bytes;
}

/** A connection for whose peer bytes are held. */
export interface BytesHolder {
  /** Ends: at once where that makes room, and what waits for it is dropped. Called again, it lets go of all. */
  giveWay(cause: CmdStreamError): void;
  /** Others have let go of so much that it may go on. */
  onRelief(): void;
}

export class ByteBudget {
  /** Infinity: none. */
  readonly limit: number;
  /** Is so much held that those that hold much get no more? */
  isShort = false;
  readonly #scope: AsyncScope;
  /** Those that hold something, or may. */
  readonly #accounts = new Set<ByteAccount>();
  #bytes = 0;
  /** Bytes that no end of a connection frees any more: its Commands that run on, its events. */
  #left = 0;
  #eventBytes = 0;
  /** Connections for whose calls something is held. */
  #busy = 0;
  #isMakingRoom = false;

  constructor(limit: number, scope: AsyncScope) {
    this.limit = limit;
    this.#scope = scope;
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  addHolder(holder: BytesHolder): ByteAccount {
    const account = new ByteAccount(this, holder);
    this.#accounts.add(account);
    return account;
  }

  /** The part of one connection while others want some: half of what each would have. */
  get fairPart(): number {
    return this.limit / Math.max(1, this.#busy) / 2;
  }

  get maxEventBytes(): number {
    return Math.min(MOST_EVENT_BYTES, Math.floor(this.limit * EVENT_SHARE));
  }

  get maxEventBytesOfOne(): number {
    return Math.floor(this.maxEventBytes * EVENTS_OF_ONE_SHARE);
  }

  /** Is there room for so many more bytes of events that wait? */
  hasRoomForEvent(bytes: number): boolean {
    return this.#eventBytes + bytes <= this.maxEventBytes;
  }

  countEvents(change: number): void {
    this.#eventBytes += change;
  }

  /** A connection holds so much more, or less, for its calls; it has nothing for them now, or had nothing before. */
  countBusy(change: number): void {
    this.#busy += change;
  }

  /** What no end of a connection frees any more. */
  countLeft(change: number): void {
    this.#left += change;
  }

  /** Everything else is counted already. */
  count(change: number): void {
    this.#bytes += change;
    if (change > 0) {
      if (this.#bytes >= this.limit * SHORT_SHARE) this.#fillUp();
    } else if (this.isShort && this.#bytes < this.limit * RELIEVED_SHARE) this.#relieve();
  }

  #fillUp(): void {
    this.isShort = true;
    if (this.#isMakingRoom) return;
    this.#isMakingRoom = true;
    try {
      // Each time one ends, or what it still had to send is given up.
      while (this.#bytes - this.#left > this.limit && this.#endLargest());
    } finally {
      this.#isMakingRoom = false;
    }
  }

  /** False if there is none. */
  #endLargest(): boolean {
    let largest: ByteAccount | undefined;
    for (const account of this.#accounts) if (account.weight > (largest?.weight ?? 0)) largest = account;
    if (largest === undefined) return false;
    const what = `the server holds more than maxBufferedBytes (${this.limit}) for its peers`;
    const text = `${what}: the connection with the most (${largest.bytes} bytes) had to go`;
    largest.holder.giveWay(new CmdStreamError('MEMORY_PRESSURE', text));
    return true;
  }

  /** In a turn of its own: what made room is not to wait for what others do with it. */
  #relieve(): void {
    this.isShort = false;
    this.#scope.run(setImmediate, undefined, () => {
      for (const { holder } of this.#accounts) holder.onRelief();
    });
  }

  /** Nothing more can be had from its end. */
  forget(account: ByteAccount): void {
    this.#accounts.delete(account);
  }
}

/** What is held for the peer of one connection. */
export class ByteAccount {
  readonly budget: ByteBudget;
  readonly holder: BytesHolder;
  /** Of the connection: what has arrived and was not handed on, and what is not written yet. */
  #inConnection = 0;
  /** Of its calls: Commands that run, events and Results that wait. */
  #inCalls = 0;
  #hasEnded = false;

  constructor(budget: ByteBudget, holder: BytesHolder) {
    this.budget = budget;
    this.holder = holder;
  }

  /** What its end frees, at once or when its handlers see it. */
  get bytes(): number {
    return this.#hasEnded ? this.#inConnection : this.#inConnection + this.#inCalls;
  }

  /**
   * The heaviest goes first. What the peer has not sent to its end or does not read weighs as much as what it would be
   * decoded, so that half a frame does not outlive a Command that is at work; and its memory is free at once.
   */
  get weight(): number {
    return this.bytes + (DECODED_COST - 1) * this.#inConnection;
  }

  /**
   * Is so little room left that this connection, which has more than its fair part of it, gets no more? What has
   * arrived does not count: that a frame becomes whole, and a Command, must not wait for it. `unsent`: bytes that wait
   * for the peer.
   */
  hasTooMuch(unsent: number): boolean {
    return this.budget.isShort && this.#inCalls + unsent > this.budget.fairPart;
  }

  /** For errors: why it gets no more. */
  get tooMuch(): string {
    return `the server holds almost maxBufferedBytes (${this.budget.limit}) for its peers, much of it for this one`;
  }

  countConnection(change: number): void {
    this.#inConnection += change;
    if (this.#hasEnded && this.#inConnection === 0) this.budget.forget(this);
    this.budget.count(change);
  }

  countCalls(change: number): void {
    if (change === 0) return;
    const before = this.#inCalls;
    this.#inCalls += change;
    if (this.#hasEnded) this.budget.countLeft(change);
    else if (before === 0) this.budget.countBusy(1);
    else if (this.#inCalls === 0) this.budget.countBusy(-1);
    this.budget.count(change);
  }

  /** What was counted for a call is held on by its handler: no end of the connection frees it any more. */
  leave(bytes: number): void {
    this.#inCalls -= bytes;
    if (this.#hasEnded) return;
    this.budget.countLeft(bytes);
    if (this.#inCalls === 0) this.budget.countBusy(-1);
  }

  /** Its handler has let go of it. */
  free(bytes: number): void {
    this.budget.countLeft(-bytes);
    this.budget.count(-bytes);
  }

  countEvents(change: number): void {
    this.budget.countEvents(change);
    this.countCalls(change);
  }

  /** The connection has ended. Its Commands run on, its events run still. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.budget.countLeft(this.#inCalls);
    if (this.#inCalls > 0) this.budget.countBusy(-1);
    if (this.#inConnection === 0) this.budget.forget(this);
  }
}
