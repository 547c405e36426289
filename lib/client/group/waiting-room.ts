// What waits in a group: calls and callers of connect() for a connection, and calls that are sent again for the end of
// the pause before that. One timer for all, for the one whose time is over first; it keeps the process alive. What is
// sent again, and how often, is said by RetryOptions.
//
//   add, connect --> waiting --(a connection opens)--> on          --(queue.timeoutMs, in vain)--> failed
//   resendRefused, resendLost --> pausing --(its pause)--> submitted anew
import { MAX_TIMER_MS, timeLimit } from '../../connection/connection-options.js';
import type { Ticker } from '../../connection/ticker.js';
import type { CmdStreamErrorCode } from '../../error-codes.js';
import { CmdStreamError } from '../../errors.js';
import { cap, integer, type OptionRules } from '../../options.js';
import type { CallBytes } from '../call/call-bytes.js';
import type { CallHolder, ClientCall } from '../call/client-call.js';
import { rootOf } from './connect-attempt.js';

/** How often a client repeats Commands that may be repeated. @publicApi */
export interface RetryOptions {
  /**
   * How often a Command of a class with `static idempotent = true` is sent in all when its connection is lost before
   * the first Result; 1 to 100, 1: once.
   * @default 3
   */
  maxAttempts?: number | undefined;
  /**
   * Longest delay before the first repetition, in milliseconds; it doubles with each. 0 to 60,000.
   * @default 100
   */
  delayMs?: number | undefined;
  /**
   * Longest delay before any repetition, in milliseconds.
   * @default 5_000
   */
  maxDelayMs?: number | undefined;
}

export const retryDefaults = Object.freeze({ maxAttempts: 3, delayMs: 100, maxDelayMs: 5000 });

export type ResolvedRetryOptions = { readonly [K in keyof RetryOptions]-?: number };

export const retryRules: OptionRules<RetryOptions> = Object.freeze({
  maxAttempts: integer(1, 100, 'attempts'),
  delayMs: integer(0, 60_000, 'milliseconds'),
  maxDelayMs: integer(0, MAX_TIMER_MS, 'milliseconds'),
});

/** Commands that wait for a connection. @publicApi */
export interface QueueOptions {
  /**
   * Time a call waits for a connection, in milliseconds; 0: no limit but its own.
   * @default 5_000
   */
  timeoutMs?: number | undefined;
  /**
   * Most Commands that wait for a connection, or for room in its buffer; further ones fail with QUEUE_FULL. 0 to
   * 10,000,000, or `Infinity`: as many as fit into `maxQueuedBytes`.
   * @default 16_384
   */
  maxCommands?: number | undefined;
}

export const queueDefaults = Object.freeze({ timeoutMs: 5000, maxCommands: 16_384 });

export type ResolvedQueueOptions = { readonly [K in keyof QueueOptions]-?: number };

export const queueRules: OptionRules<QueueOptions> = Object.freeze({
  timeoutMs: timeLimit(),
  maxCommands: cap(0, 10_000_000, 'Commands'),
});

export interface WaitingRoomConfig {
  readonly ticker: Ticker;
  readonly callBytes: CallBytes;
  /** Calls that may wait for a connection, and how long they may. */
  readonly queue: ResolvedQueueOptions;
  /** Calls that may wait to be sent again; the error of a further one reaches its caller. */
  readonly mostPending: number;
  /** `false`: lost calls are not sent again. */
  readonly retry: ResolvedRetryOptions | false;
  readonly losses: { lost: number; unsent: number };
}

/** So many callers of connect() may wait for a connection, even where no Command may. */
const LEAST_CONNECTING = 1024;
/** How often a Command that was refused is sent before its error reaches the caller. */
const MAX_REFUSED = 6;
/** The first pause after a refusal. */
const REFUSED_MS = 10;

interface Deadline {
  /** When its time is over, by the ticker. */
  readonly until: number;
  onOver(): void;
  /** Where it stands among the others. */
  readonly number: number;
  place: number;
}

interface Caller {
  resolve(): void;
  reject(error: unknown): void;
}

export class WaitingRoom implements CallHolder {
  readonly #config: WaitingRoomConfig;
  readonly #submit: (call: ClientCall) => void;
  readonly #whyNotOpen: () => CmdStreamError | undefined;
  readonly #calls = new Map<ClientCall, Deadline>();
  readonly #callers = new Map<Caller, Deadline>();
  readonly #pausing = new Map<ClientCall, Deadline>();
  readonly #deadlines = new DeadlineHeap();
  #added = 0;
  /** When the timer looks for those whose time is over. */
  #lookAt = 0;
  #stopWatching: (() => void) | undefined;
  readonly #idleListeners = new Set<() => void>();

  /**
   * `submit` takes calls that go on; `whyNotOpen`: why the last attempt failed, or what the first one still waits for.
   */
  constructor(
    config: WaitingRoomConfig,
    submit: (call: ClientCall) => void,
    whyNotOpen: () => CmdStreamError | undefined,
  ) {
    this.#config = config;
    this.#submit = submit;
    this.#whyNotOpen = whyNotOpen;
  }

  /** Calls that wait, be it for a connection or to be sent again. */
  get pending(): number {
    return this.#calls.size + this.#pausing.size;
  }

  /** Does anything wait for a connection? */
  get isAwaiting(): boolean {
    return this.#calls.size + this.#callers.size > 0;
  }

  /** May no further call wait for a connection? */
  get isFull(): boolean {
    return this.#calls.size >= this.#config.queue.maxCommands;
  }

  /** Has the call wait for a connection. @throws {CmdStreamError} QUEUE_FULL; what its encoding throws */
  add(call: ClientCall): void {
    const { queue, callBytes } = this.#config;
    if (this.isFull) {
      const text = `queue.maxCommands (${queue.maxCommands}) Commands wait for a connection already`;
      throw this.#because('QUEUE_FULL', text);
    }
    callBytes.keepUnwritten(call);
    // Code of the user has run.
    if (!call.isPending) return;
    call.holder = this;
    const onOver = (): void => {
      this.#calls.delete(call);
      this.#config.losses.unsent++;
      call.fail(this.#noConnection());
    };
    this.#calls.set(call, this.#wait(queue.timeoutMs, onOver));
  }

  /** Resolves with the next connection that opens. `timeoutMs` 0: no limit but that of calls. */
  connect(timeoutMs: number): Promise<void> {
    const { queue } = this.#config;
    const most = Math.max(LEAST_CONNECTING, queue.maxCommands);
    if (this.#callers.size >= most) {
      const allowed = `as many as queue.maxCommands allows, but at least ${LEAST_CONNECTING}`;
      return Promise.reject(this.#because('QUEUE_FULL', `${most} wait for a connection already, ${allowed}`));
    }
    const isShorter = timeoutMs > 0 && timeoutMs <= (queue.timeoutMs || Infinity);
    return new Promise((resolve, reject) => {
      const caller: Caller = { resolve, reject };
      const onOver = (): void => {
        this.#callers.delete(caller);
        reject(isShorter ? this.#noConnection('TIMEOUT', `timeoutMs (${timeoutMs})`) : this.#noConnection());
      };
      this.#callers.set(caller, this.#wait(isShorter ? timeoutMs : queue.timeoutMs, onOver));
    });
  }

  /** Sends the refused call again later; false when it was sent often enough, or too many wait. */
  resendRefused(call: ClientCall): boolean {
    if (call.attempts >= MAX_REFUSED || !this.#mayPause) return false;
    this.#pause(call, REFUSED_MS * 2 ** (call.attempts - 1));
    return true;
  }

  /** Sends the lost call again later; false when it was sent often enough, or too many wait. */
  resendLost(call: ClientCall): boolean {
    const { retry } = this.#config;
    if (!retry || call.attempts >= retry.maxAttempts || !this.#mayPause) return false;
    this.#pause(call, Math.random() * Math.min(retry.delayMs * 2 ** (call.attempts - 1), retry.maxDelayMs));
    return true;
  }

  get #mayPause(): boolean {
    return this.#pausing.size < this.#config.mostPending;
  }

  #pause(call: ClientCall, pauseMs: number): void {
    call.rewind(this);
    const onOver = (): void => {
      this.#pausing.delete(call);
      this.#submit(call);
      this.#notifyIdle();
    };
    // No pause at all would be no limit.
    this.#pausing.set(call, this.#wait(Math.max(1, pauseMs), onOver));
  }

  /** Has the call wait for what it needs before it is sent. @throws {CmdStreamError} QUEUE_FULL */
  prepare(call: ClientCall, ready: Promise<void>): void {
    if (!this.#mayPause) {
      const text = `${this.#config.mostPending} Commands wait for their metadata, or to be sent again, already`;
      throw new CmdStreamError('QUEUE_FULL', text);
    }
    call.holder = this;
    this.#pausing.set(
      call,
      this.#wait(0, () => {}),
    );
    const goOn = (): void => {
      if (!this.#remove(this.#pausing, call)) return;
      this.#submit(call);
      this.#notifyIdle();
    };
    ready.then(goOn, (error: unknown) => call.fail(error));
  }

  /** A connection is open: what waits for one goes on, calls first, in order; what comes meanwhile waits anew. */
  release(): void {
    for (const call of this.#take(this.#calls)) this.#submit(call);
    for (const { resolve } of this.#take(this.#callers)) resolve();
    this.#notifyIdle();
  }

  /** What waits for a connection waits in vain. */
  failAwaiting(error: CmdStreamError = this.#noConnection()): void {
    if (error.code !== 'CLOSED') this.#config.losses.unsent += this.#calls.size;
    for (const call of this.#take(this.#calls)) call.fail(error);
    for (const { reject } of this.#take(this.#callers)) reject(error);
  }

  /** Everything that waits fails. */
  fail(error: CmdStreamError): void {
    this.failAwaiting(error);
    for (const call of this.#take(this.#pausing)) call.fail(error);
  }

  /** Calls it back once no call waits here. */
  whenIdle(callback: () => void): void {
    this.#idleListeners.add(callback);
  }

  #notifyIdle(): void {
    if (this.#idleListeners.size === 0 || this.pending > 0) return;
    const listeners = [...this.#idleListeners];
    this.#idleListeners.clear();
    for (const callback of listeners) callback();
  }

  remove(call: ClientCall): void {
    this.#remove(this.#calls, call);
    this.#remove(this.#pausing, call);
    this.#notifyIdle();
  }

  waitsFor(call: ClientCall): { readonly text: string; readonly cause?: CmdStreamError | undefined } {
    if (this.#pausing.has(call))
      return { text: call.attempts > 0 ? 'it was about to be sent again' : 'it waited for its metadata' };
    const cause = this.#whyNotOpen();
    return { text: `it waited for a connection${cause ? `: ${cause.message}` : ''}`, cause };
  }

  /** Those that wait now, one after the other: one that leaves because of another is not among them. */
  *#take<K extends object>(waiting: Map<K, Deadline>): Iterable<K> {
    const keys = [...waiting.keys()];
    for (const key of keys) if (this.#remove(waiting, key)) yield key;
  }

  #remove<K extends object>(waiting: Map<K, Deadline>, key: K): boolean {
    const deadline = waiting.get(key);
    if (deadline === undefined) return false;
    waiting.delete(key);
    this.#deadlines.delete(deadline);
    if (this.#deadlines.first === undefined) this.#rest();
    return true;
  }

  /** `limitMs` 0: no limit. What waits without one keeps the process alive, too. */
  #wait(limitMs: number, onOver: () => void): Deadline {
    const until = this.#config.ticker.now + (limitMs || Infinity);
    const deadline: Deadline = { until, onOver, number: ++this.#added, place: 0 };
    this.#deadlines.add(deadline);
    this.#watch();
    return deadline;
  }

  /** A timer that is early looks, and is set anew. */
  #watch(): void {
    const { first } = this.#deadlines;
    if (first === undefined) return;
    const { ticker } = this.#config;
    const { now } = ticker;
    const lookAt = Math.min(Math.max(now + 1, first.until), now + MAX_TIMER_MS);
    if (this.#stopWatching !== undefined && this.#lookAt <= lookAt) return;
    this.#rest();
    this.#lookAt = lookAt;
    this.#stopWatching = ticker.after(lookAt - now, () => this.#look());
  }

  #rest(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  #look(): void {
    this.#stopWatching = undefined;
    const over = this.#config.ticker.now + 1;
    for (let { first } = this.#deadlines; first !== undefined && first.until <= over; { first } = this.#deadlines) {
      this.#deadlines.delete(first);
      first.onOver();
    }
    this.#watch();
  }

  /** An error of a call that was never sent says why there is no connection. */
  #because(code: CmdStreamErrorCode, text: string): CmdStreamError {
    const cause = this.#whyNotOpen();
    return new CmdStreamError(code, cause ? `${text}: ${cause.message}` : text, cause && { cause });
  }

  #noConnection(
    code: CmdStreamErrorCode = 'CONNECT_TIMEOUT',
    limit = `queue.timeoutMs (${this.#config.queue.timeoutMs})`,
  ): CmdStreamError {
    const reason = this.#whyNotOpen();
    const text = `no connection within ${limit}`;
    if (reason === undefined) return new CmdStreamError(code, text);
    const cause = reason.code === 'CONNECT_FAILED' ? rootOf(reason) : reason;
    return new CmdStreamError(reason.code, `${text}: ${reason.message}`, { cause });
  }
}

/**
 * A heap: the one whose time is over first is found at once, among several the one that came first; each knows its
 * place.
 */
class DeadlineHeap {
  readonly #deadlines: Deadline[] = [];

  get first(): Deadline | undefined {
    return this.#deadlines[0];
  }

  add(deadline: Deadline): void {
    this.#up(deadline, this.#deadlines.length);
  }

  delete({ place }: Deadline): void {
    const last = this.#deadlines.pop()!;
    if (place === this.#deadlines.length) return;
    this.#down(last, place);
    this.#up(last, last.place);
  }

  #put(deadline: Deadline, place: number): void {
    this.#deadlines[place] = deadline;
    deadline.place = place;
  }

  #up(deadline: Deadline, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isBefore(deadline, this.#deadlines[above]!)) break;
      this.#put(this.#deadlines[above]!, place);
      place = above;
    }
    this.#put(deadline, place);
  }

  #down(deadline: Deadline, from: number): void {
    let place = from;
    for (let below = 2 * place + 1; below < this.#deadlines.length; below = 2 * place + 1) {
      const right = this.#deadlines[below + 1];
      if (right !== undefined && isBefore(right, this.#deadlines[below]!)) below++;
      if (!isBefore(this.#deadlines[below]!, deadline)) break;
      this.#put(this.#deadlines[below]!, place);
      place = below;
    }
    this.#put(deadline, place);
  }
}

function isBefore(one: Deadline, other: Deadline): boolean {
  return one.until === other.until ? one.number < other.number : one.until < other.until;
}
