// Takes what a handler gave to be taken item by item (an async generator, a Readable of Node, a ReadableStream of the
// web, any AsyncIterable) at the pace of a sink, and ends it: once, whether anything was taken of it or not.
import { AsyncResource } from 'node:async_hooks';
import type { ResultSink } from '../invoker.js';
import { YieldBudget } from './yield-budget.js';

/** Takes the items of one source for one sink. */
export class ItemPull {
  readonly #source: ItemSource;
  readonly #sink: ResultSink;
  #isTaking = false;

  constructor(given: AsyncIterable<unknown>, sink: ResultSink) {
    this.#source = new ItemSource(given);
    this.#sink = sink;
  }

  /** Takes items until the source or the sink has no more of them, and ends both. Never rejects. */
  async run(): Promise<void> {
    if (!this.#sink.isOpen) return this.#end();
    try {
      await this.#takeAll();
      if (this.#sink.isAnswered) await this.#askOnce();
      await this.#end();
    } catch (error) {
      this.#source.failed();
      // A stream that is ended here calls that a failure.
      if (this.#source.isStream && this.#source.isEnding) this.#sink.complete();
      else this.#sink.error(error);
    }
  }

  /** The sink takes no more. While it is given an item, the loop itself looks whether that was the last one. */
  stop(): void {
    if (!this.#isTaking) void this.#end();
  }

  #end(): Promise<void> {
    return this.#source.end().then(
      () => this.#sink.complete(),
      (error: unknown) => this.#sink.error(error),
    );
  }

  async #takeAll(): Promise<void> {
    const budget = new YieldBudget();
    do {
      const item = await this.#source.next();
      // The sink is given the error of an item at once: the source may never come to its end.
      if (this.#source.isEnd(item) || !this.#take(item.value)) return;
      const pause = this.#sink.drained ?? budget.take();
      if (pause) await pause;
    } while (this.#sink.isOpen);
  }

  /** True if the sink takes more. */
  #take(item: unknown): boolean {
    this.#isTaking = true;
    try {
      this.#sink.next(item);
      return this.#sink.isOpen;
    } catch (error) {
      this.#sink.error(error);
      return false;
    } finally {
      this.#isTaking = false;
    }
  }

  /**
   * A source that has given the last Result of a plain peer is asked for one more item, so that a generator gets to its
   * own end behind that. What it gives instead of ending is given to the sink, which says so.
   */
  async #askOnce(): Promise<void> {
    if (this.#source.isStream) return;
    const item = await Promise.race([this.#source.next(), this.#source.end().then(() => undefined)]);
    if (item !== undefined && !item.done) this.#sink.next(item.value);
  }
}

/** Ends what was given and is not taken. What it fails with concerns no one. */
export function endUntaken(given: AsyncIterable<unknown>): void {
  new ItemSource(given).end().then(undefined, () => {});
}

/** How long an iterator that does nothing but end may take for it, until its Command no longer waits. */
const PATIENCE_MS = 1000;

interface NodeStream {
  destroy(): unknown;
  on(event: 'error', listener: () => void): unknown;
}

interface WebStream {
  cancel(): Promise<unknown>;
  getReader(): { read(): Promise<IteratorResult<unknown>>; cancel(): Promise<unknown> };
}

/** Iterates what was given, and knows how its kind is ended. */
class ItemSource {
  readonly #given: AsyncIterable<unknown>;
  #iterator: AsyncIterator<unknown> | undefined;
  #pending: PromiseLike<IteratorResult<unknown>> | undefined;
  /** In which it runs: with what a generator has entered before its first `await`. */
  #scope: AsyncResource | undefined;
  #isOver = false;
  #ended: Promise<void> | undefined;

  constructor(given: AsyncIterable<unknown>) {
    this.#given = given;
  }

  /** True for a stream: it may wait for an item for ever, and is ended all the same. */
  get isStream(): boolean {
    return isNodeStream(this.#given) || isWebStream(this.#given);
  }

  /** True as soon as it is being ended. */
  get isEnding(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * The next item, to be shown to {@link isEnd}; where it fails, now or by its promise, {@link failed} is to be called.
   */
  next(): PromiseLike<IteratorResult<unknown>> {
    this.#iterator ??= this.#open();
    this.#pending = this.#iterator.next();
    this.#scope ??= new AsyncResource('cmd-stream');
    return this.#pending;
  }

  /** @throws {TypeError} when that is no item */
  isEnd(item: IteratorResult<unknown>): item is IteratorReturnResult<unknown> {
    this.#pending = undefined;
    if (typeof item !== 'object' || item === null) throw new TypeError('an iterator gave no object for an item');
    if (item.done) this.#isOver = true;
    return this.#isOver;
  }

  /** An iterator that has failed is over by that. */
  failed(): void {
    this.#isOver = true;
  }

  /**
   * Nothing more is taken. Resolves when the iterator has ended, at once if it had; rejects with what it fails with.
   */
  end(): Promise<void> {
    this.#ended ??= this.#isOver ? Promise.resolve() : this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    this.#isOver = true;
    if (isNodeStream(this.#given)) return destroy(this.#given);
    const iterator = (this.#iterator ??= this.#open());
    const returned = iterator.return ? this.#inScope(() => iterator.return!()) : this.#pending;
    // A generator is at work until then; another iterator may never answer.
    await (isGenerator(iterator) ? returned : atMost(PATIENCE_MS, returned));
  }

  /** It ends where it ran, wherever the end comes from. */
  #inScope<R>(work: () => R): R {
    return this.#scope ? this.#scope.runInAsyncScope(work) : work();
  }

  /** A stream of the web whose own iterator waits for an item cannot be ended; its reader can. */
  #open(): AsyncIterator<unknown> {
    if (!isWebStream(this.#given)) return this.#given[Symbol.asyncIterator]();
    const reader = this.#given.getReader();
    return {
      next: () => reader.read(),
      return: async () => {
        await reader.cancel();
        return { done: true, value: undefined };
      },
    };
  }
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof (value as { [Symbol.asyncIterator]?: unknown } | null | undefined)?.[Symbol.asyncIterator] === 'function'
  );
}

function isNodeStream(value: object): value is NodeStream {
  return hasMethods(value, 'destroy', 'on', 'pipe');
}

function isWebStream(value: object): value is WebStream {
  return hasMethods(value, 'cancel', 'getReader');
}

function isGenerator(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object AsyncGenerator]';
}

function hasMethods(value: object, ...names: readonly string[]): boolean {
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

/** One that has not opened its file yet may fail after that. */
function destroy(stream: NodeStream): void {
  stream.on('error', () => {});
  stream.destroy();
}

async function atMost(ms: number, waited: PromiseLike<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms).unref()));
  try {
    await Promise.race([waited, late]);
  } finally {
    clearTimeout(timer);
  }
}
