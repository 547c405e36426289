// The Results of one Command as an AsyncIterable that sets the pace: towards a server of this package by credit, so
// that a slow taker slows its producer; towards a plain one by a bound on what may wait.
import { CmdStreamError, isCmdStreamError } from '../errors.js';
import { Fifo } from '../fifo.js';
import { CREDIT_WINDOW_BYTES } from '../wire/control-frame.js';
import type { CommandSink, ClientCall } from './call/client-call.js';

/** Results a producer may be ahead of its taker, at first. */
export const INITIAL_CREDIT = 32;
/** And of one that has waited for Results again and again: each time it may be twice as many. */
export const MOST_CREDIT = 256;
/** Credit is given for half of what the producer may be ahead, or when so many bytes were taken. */
const TOP_UP_BYTES = CREDIT_WINDOW_BYTES / 2;
/** What a Result that waits costs beside its bytes: an object with its fields, and its place in line. */
const RESULT_COST = 128;

interface Taker<R> {
  resolve(item: IteratorResult<R, undefined>): void;
  reject(error: unknown): void;
}

interface End {
  readonly error?: unknown;
}

/** What its caller wants of the Results that wait. */
export interface TakerOptions {
  /** Milliseconds from the first `next()` on in which Results may be taken; 0: no limit. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Why the client was destroyed, undefined if it was not. */
  readonly destroyed?: () => CmdStreamError | undefined;
}

export class ResultIterator<R> implements AsyncIterableIterator<R, undefined> {
  readonly #dispatch: (sink: CommandSink<R>) => ClientCall;
  readonly #maxBytes: number;
  readonly #options: TakerOptions;
  readonly #takers = new Fifo<Taker<R>>();
  readonly #buffer = new Fifo<{ readonly result: R; readonly bytes: number }>();
  #bufferedBytes = 0;
  #call: ClientCall | undefined;
  #deadline = Infinity;
  #end: End | undefined;
  /** Results that the producer may be ahead. */
  #window = INITIAL_CREDIT;
  #taken = 0;
  #takenBytes = 0;

  /** `dispatch` is called with the first `next()`; `maxBytes`: may wait to be taken. */
  constructor(dispatch: (sink: CommandSink<R>) => ClientCall, maxBytes: number, options: TakerOptions = {}) {
    this.#dispatch = dispatch;
    this.#maxBytes = maxBytes;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<R, undefined>> {
    if (this.#call === undefined && this.#end === undefined) this.#begin();
    if (this.#buffer.length > 0) {
      const givenUp = this.#givenUp();
      if (givenUp === undefined) return Promise.resolve({ value: this.#shift(), done: false });
      this.#drop();
      this.#call?.cancel();
      this.#end = givenUp;
    }
    if (this.#end) return this.#ended(this.#end);
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  #begin(): void {
    const { timeoutMs } = this.#options;
    if (timeoutMs) this.#deadline = performance.now() + timeoutMs;
    try {
      this.#call = this.#dispatch({
        next: (result, bytes) => this.#push(result, bytes),
        complete: () => this.#finish({}),
        error: (error) => {
          if (this.#isGivenUp(error)) this.#drop();
          this.#finish({ error });
        },
      });
    } catch (error) {
      this.#finish({ error });
    }
  }

  /** Is this the error of who does not want the Results any more, rather than of one who could not give them? */
  #isGivenUp(error: unknown): boolean {
    const { signal, timeoutMs, destroyed } = this.#options;
    if (signal?.aborted && error === signal.reason) return true;
    if (isCmdStreamError(error) && error.code === 'TIMEOUT' && timeoutMs) return true;
    return destroyed?.() !== undefined;
  }

  /** Why Results that wait are not wanted any more, though all of them may have come before. */
  #givenUp(): End | undefined {
    const { signal, timeoutMs, destroyed } = this.#options;
    if (signal?.aborted) return { error: signal.reason };
    const cause = destroyed?.();
    if (cause) return { error: new CmdStreamError(cause.code, cause.message, { cause, sent: true }) };
    if (this.#deadline === Infinity || performance.now() < this.#deadline) return undefined;
    const text = `timeoutMs (${timeoutMs}) was over before all Results were taken: ${this.#buffer.length} waited`;
    return { error: new CmdStreamError('TIMEOUT', text, { sent: true }) };
  }

  /** The rest is not taken: the server stops. */
  return(): Promise<IteratorResult<R, undefined>> {
    this.#call?.cancel();
    this.#drop();
    this.#finish({});
    this.#end = {};
    return Promise.resolve({ value: undefined, done: true });
  }

  #push(result: R, bytes: number): void {
    const taker = this.#takers.shift();
    if (taker) {
      this.#count(bytes);
      return taker.resolve({ value: result, done: false });
    }
    this.#checkRoom();
    this.#buffer.push({ result, bytes });
    this.#bufferedBytes += bytes + RESULT_COST;
  }

  /** As the window of credit, the bound in bytes is one that a Result may go beyond. */
  #checkRoom(): void {
    if (this.#bufferedBytes < this.#maxBytes) return;
    const held = `counted as ${this.#bufferedBytes} bytes (${RESULT_COST} each beside their own)`;
    const waiting = `${this.#buffer.length} Results, ${held}, wait to be taken`;
    const text = `${waiting}, and maxStreamBufferBytes (${this.#maxBytes}) of the client allows no more`;
    const remedy = 'an async generator of a server of this package waits for its taker';
    throw new CmdStreamError('SLOW_CONSUMER', `${text}; ${remedy}`, { sent: true });
  }

  #shift(): R {
    const { result, bytes } = this.#buffer.shift()!;
    this.#bufferedBytes -= bytes + RESULT_COST;
    this.#count(bytes);
    return result;
  }

  #drop(): void {
    this.#buffer.clear();
    this.#bufferedBytes = 0;
  }

  /** A Result was taken: every so often the server may send as many more, and further ones to who waits for them. */
  #count(bytes: number): void {
    this.#takenBytes += bytes;
    const isHalf = ++this.#taken >= this.#window / 2;
    if (!isHalf && this.#takenBytes < TOP_UP_BYTES) return;
    const further = isHalf && this.#buffer.length === 0 ? Math.min(this.#window, MOST_CREDIT - this.#window) : 0;
    this.#window += further;
    this.#call?.grant(this.#taken + further);
    this.#taken = this.#takenBytes = 0;
  }

  #finish(end: End): void {
    if (this.#end) return;
    this.#end = end;
    for (let taker = this.#takers.shift(); taker !== undefined; taker = this.#takers.shift())
      this.#ended(end).then(taker.resolve, taker.reject);
  }

  /** An error is given once; after it the iterator is at its end. */
  #ended(end: End): Promise<IteratorResult<R, undefined>> {
    if (!('error' in end)) return Promise.resolve({ value: undefined, done: true });
    this.#end = {};
    return Promise.reject(end.error);
  }
}
