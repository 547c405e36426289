// What a handler gave to be taken item by item (an async generator, a Readable of Node, a ReadableStream of the web, any
// AsyncIterable), and how it is ended: once, whether anything was taken of it or not.

import { AsyncResource } from 'node:async_hooks';

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

export class ItemSource {
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

  /** True for a stream: it may be parked for ever, and is ended all the same. */
  get isStream(): boolean {
    return isNodeStream(this.#given) || isWebStream(this.#given);
  }

  /** The next item, to be shown to {@link isEnd}. What it throws, now or by its promise, is to be notify to {@link failed}. */
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

  /** Nothing more is taken. Resolves when the iterator has ended, at once if it had; rejects with what it fails with. */
  end(): Promise<void> {
    this.#ended ??= this.#isOver ? Promise.resolve() : this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    this.#isOver = true;
    if (isNodeStream(this.#given)) return destroy(this.#given);
    const iterator = (this.#iterator ??= this.#open());
    const returned = iterator.return ? this.#inScope(() => iterator.return!()) : this.#pending;
    // A generator is at work until then; of other iterators nobody knows.
    await (isGenerator(iterator) ? returned : atMost(PATIENCE_MS, returned));
  }

  /** Whoever ends it, it ends where it ran. */
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
