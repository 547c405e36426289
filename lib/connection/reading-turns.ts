// Shares out the time of the event loop among the connections of one client or server: one that has much to read hands
// on a share of it and then waits for its next turn, behind the others.
//
//   reading --(share spent, more has arrived)--> waiting --(its turn: the next share)--> reading
import type { AsyncScope } from '../async-scope.js';
import { Fifo } from '../fifo.js';

/** Something that has more to read than its share. */
export interface TurnTaker {
  takeTurn(): void;
}

/** Frames that one connection hands on in one share while others are open; large frames count as several. */
export const MOST_FRAMES = 32;
/** What a share may take; the next one of a connection whose frames take longer is smaller. */
const SHARE_MS = 1;
/** Time of one turn of the event loop that goes to those that wait. */
const TURN_MS = 2;
/** So many of them have a turn in it: behind it each reads once more from its socket, up to 64 KiB. */
export const MOST_TAKERS = 16;

export class ReadingTurns {
  readonly #scope: AsyncScope;
  readonly #waiting = new Fifo<TurnTaker>();
  /** Turns that will come: no more of them than connections that wait. */
  #coming = 0;
  #connections = 0;
  #turn = 0;
  #isCounted = false;
  readonly #endTurn = (): void => {
    this.#turn++;
    this.#isCounted = false;
  };
  /** When the first of this turn of the event loop began; 0 before it. */
  #turnBegan = 0;
  readonly #newTurn = (): void => void (this.#turnBegan = 0);
  readonly #next = (): void => this.#takeNext();

  constructor(scope: AsyncScope) {
    this.#scope = scope;
  }

  /** No other one has to wait for a connection that is alone. */
  get isShared(): boolean {
    return this.#connections > 1;
  }

  /** This turn of the event loop, as a number that grows. */
  get turn(): number {
    if (!this.#isCounted) {
      this.#isCounted = true;
      this.#later(this.#endTurn);
    }
    return this.#turn;
  }

  addConnection(): void {
    this.#connections++;
  }

  removeConnection(): void {
    this.#connections--;
  }

  /** Calls `takeTurn` in a later turn of the event loop, once. */
  wait(taker: TurnTaker): void {
    this.#waiting.push(taker);
    this.#callNext();
  }

  /** Each has an immediate of its own: what one has set going, promises included, is done before the next is asked. */
  #callNext(): void {
    if (this.#coming >= Math.min(this.#waiting.length, MOST_TAKERS)) return;
    this.#coming++;
    this.#later(this.#next);
  }

  #takeNext(): void {
    this.#coming--;
    const now = performance.now();
    if (this.#turnBegan === 0) {
      this.#turnBegan = now;
      this.#later(this.#newTurn);
    } else if (now - this.#turnBegan >= TURN_MS) return this.#callNext();
    const taker = this.#waiting.shift()!;
    this.#callNext();
    taker.takeTurn();
  }

  #later(work: () => void): void {
    this.#scope.run(setImmediate, undefined, work);
  }
}

/** The next share, in frames, of a connection whose last one has taken so long. */
export function nextShare(frames: number, ms: number): number {
  return ms > SHARE_MS ? Math.max(1, frames >> 1) : Math.min(MOST_FRAMES, frames * 2);
}
