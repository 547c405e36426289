// When the time of pending calls is over. Most calls of a client have the same limit, so that those that began first
// are over first: all with one limit stand in one line, with one timer for the first of them. A timer for each call
// would be made and cleared for nothing with nearly every one.
//
//   line of 500 ms   first --(later)--> … --(later)--> last        a call that ends leaves it, wherever it stands
import type { AsyncScope } from '../../async-scope.js';

/** What has a time limit. */
export interface Timed {
  readonly timeoutMs: number;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** Its neighbours, set by the {@link Deadline}. */
  sooner: Timed | undefined;
  later: Timed | undefined;
  /** Its time is over; it has left the line by then. */
  expire(): void;
}

/** So many lines keep their timer while nothing stands in them, for the next call with their limit. */
const MOST_RESTING = 4;

/** The time limits of all calls of a client. */
export class Deadlines {
  readonly #scope: AsyncScope;
  readonly #lines = new Map<number, Deadline>();

  /** Timers belong to `scope`, and none to the caller that happened to be the first. */
  constructor(scope: AsyncScope) {
    this.#scope = scope;
  }

  /** Calls `expire` once its time is over; it leaves the line that is returned when it ends before. */
  add(timed: Timed): Deadline {
    const { timeoutMs } = timed;
    const line = this.#lines.get(timeoutMs) ?? this.#newLine(timeoutMs);
    line.add(timed);
    return line;
  }

  #newLine(timeoutMs: number): Deadline {
    const line: Deadline = new Deadline(timeoutMs, this.#scope, {
      mayRest: () => this.#lines.size <= MOST_RESTING,
      onOver: () => {
        if (this.#lines.get(timeoutMs) === line) this.#lines.delete(timeoutMs);
      },
    });
    this.#lines.set(timeoutMs, line);
    return line;
  }
}

interface DeadlineOwner {
  /** May it wait for the next call with its limit? */
  mayRest(): boolean;
  /** Nothing stands in it, and no timer looks at it: another one takes what comes. */
  onOver(): void;
}

/** The line of those with the same limit. */
export class Deadline {
  readonly #timeoutMs: number;
  readonly #scope: AsyncScope;
  readonly #owner: DeadlineOwner;
  #first: Timed | undefined;
  #last: Timed | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number, scope: AsyncScope, owner: DeadlineOwner) {
    this.#timeoutMs = timeoutMs;
    this.#scope = scope;
    this.#owner = owner;
  }

  add(timed: Timed): void {
    const last = this.#last;
    this.#last = timed;
    if (last !== undefined) {
      last.later = timed;
      timed.sooner = last;
      return;
    }
    this.#first = timed;
    // A pending call keeps the process alive, and a timer that waits for the next one does not.
    if (this.#timer === undefined) this.#start(this.#timeoutMs);
    else this.#timer.ref();
  }

  /** No effect on one that has left it. */
  remove(timed: Timed): void {
    if (timed.sooner === undefined && this.#first !== timed) return;
    this.#unlink(timed);
    if (this.#first !== undefined) return;
    if (this.#owner.mayRest()) this.#timer?.unref();
    else this.#end();
  }

  #unlink(timed: Timed): void {
    const { sooner, later } = timed;
    if (sooner === undefined) this.#first = later;
    else sooner.later = later;
    if (later === undefined) this.#last = sooner;
    else later.sooner = sooner;
    timed.sooner = timed.later = undefined;
  }

  #start(ms: number): void {
    this.#timer = this.#scope.run(setTimeout, undefined, () => this.#strike(), ms);
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#owner.onOver();
  }

  /** What has arrived by then is read first: the answer may be in the socket because this process stood still. */
  #strike(): void {
    const now = performance.now();
    setImmediate(() => this.#expire(now));
  }

  #expire(now: number): void {
    try {
      for (let timed = this.#first; timed !== undefined && this.#isOver(timed, now); timed = this.#first) {
        this.#unlink(timed);
        // Code of users runs, each in a scope of its own.
        this.#scope.runPassing(timed.expire, timed);
      }
    } finally {
      if (this.#first === undefined) this.#end();
      else this.#start(Math.max(1, Math.ceil(this.#first.startedAt + this.#timeoutMs - performance.now())));
    }
  }

  #isOver({ startedAt }: Timed, now: number): boolean {
    return startedAt + this.#timeoutMs <= now;
  }
}
