// The Results of one Command as an AsyncIterable that sets the pace: towards a server of this package by credit, so
// that a slow taker slows its producer; towards a plain one by a bound on what may wait.
import { CmdStreamError } from '../errors.js';
import { CREDIT_WINDOW_BYTES } from '../wire/control-frame.js';
import type { CommandSink, PendingCall } from './pending-call.js';

/** Results a producer may be ahead of its taker. */
export const INITIAL_CREDIT = 32;
/** Credit is given in portions of this size. */
const TOP_UP = INITIAL_CREDIT / 2;
/** Or when so many bytes were taken. */
const TOP_UP_BYTES = CREDIT_WINDOW_BYTES / 2;

interface Taker<R> {
  resolve(item: IteratorResult<R, undefined>): void;
  reject(error: unknown): void;
}

export class ResultIterator<R> implements AsyncIterableIterator<R, undefined> {
  readonly #dispatch: (sink: CommandSink<R>) => PendingCall;
  readonly #maxBuffered: number;
  readonly #takers: Taker<R>[] = [];
  #buffer: { readonly result: R; readonly bytes: number }[] = [];
  #call: PendingCall | undefined;
  #end: { readonly error?: unknown } | undefined;
  #taken = 0;
  #takenBytes = 0;

  /** `dispatch` is called with the first `next()`; `maxBuffered`: Results that may wait. */
  constructor(dispatch: (sink: CommandSink<R>) => PendingCall, maxBuffered: number) {
    this.#dispatch = dispatch;
    this.#maxBuffered = maxBuffered;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<R, undefined>> {
    if (this.#call === undefined && this.#end === undefined) this.#begin();
    if (this.#buffer.length > 0) return Promise.resolve({ value: this.#shift(), done: false });
    if (this.#end) return this.#ended(this.#end);
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  #begin(): void {
    try {
      this.#call = this.#dispatch({
        next: (result, bytes) => this.#push(result, bytes),
        complete: () => this.#finish({}),
        error: (error) => this.#finish({ error }),
      });
    } catch (error) {
      this.#finish({ error });
    }
  }

  /** Nobody takes the rest: the server stops. */
  return(): Promise<IteratorResult<R, undefined>> {
    this.#call?.cancel();
    this.#buffer = [];
    this.#finish({});
    this.#end = {};
    return Promise.resolve({ value: undefined, done: true });
  }

  #push(result: R, bytes: number): void {
    const taker = this.#takers.shift();
    if (taker) {
      this.#count(bytes);
      taker.resolve({ value: result, done: false });
    } else if (this.#buffer.length >= this.#maxBuffered) {
      throw new CmdStreamError('SLOW_CONSUMER', `maxBufferedResults (${this.#maxBuffered}) Results wait to be taken`, {
        sent: true,
      });
    } else this.#buffer.push({ result, bytes });
  }

  #shift(): R {
    const { result, bytes } = this.#buffer.shift()!;
    this.#count(bytes);
    return result;
  }

  /** A Result was taken: every so often the server may send as many more. */
  #count(bytes: number): void {
    this.#takenBytes += bytes;
    if (++this.#taken < TOP_UP && this.#takenBytes < TOP_UP_BYTES) return;
    this.#call?.grant(this.#taken);
    this.#taken = this.#takenBytes = 0;
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end) return;
    this.#end = end;
    for (const taker of this.#takers.splice(0)) this.#ended(end).then(taker.resolve, taker.reject);
  }

  /** An error is told once; after it the iterator is at its end. */
  #ended(end: { readonly error?: unknown }): Promise<IteratorResult<R, undefined>> {
    if (!('error' in end)) return Promise.resolve({ value: undefined, done: true });
    this.#end = {};
    return Promise.reject(end.error);
  }
}
