// Turns what a Command's code gives back (a value, a promise, an AsyncIterable, an Observable) into Results.
// Stops the producer as soon as nobody waits for more.
import { isPromiseLike } from '../../callbacks.js';
import type { CommandContext, Outcome, SubscribableLike } from '../../contract/command.js';
import type { ResultSink } from '../invoker.js';
import { isAsyncIterable, ItemSource } from './item-source.js';

/** Sends everything `outcome` gives and ends the sink; never throws. */
export function deliver(outcome: Outcome<unknown>, context: CommandContext, sink: ResultSink): void {
  try {
    if (isPromiseLike(outcome)) {
      outcome.then(
        (settled) => deliver(settled, context, sink),
        (error: unknown) => sink.error(error),
      );
    } else if (isAsyncIterable(outcome)) void pull(outcome, context, sink);
    else if (isSubscribable(outcome)) subscribe(outcome, context, sink);
    else sink.complete(outcome);
  } catch (error) {
    sink.error(error);
  }
}

/** Takes items one by one, waiting while there is no room for more, and stops when nobody waits for them. */
async function pull(iterable: AsyncIterable<unknown>, context: CommandContext, sink: ResultSink): Promise<void> {
  const source = new ItemSource(iterable);
  const finish = (): Promise<void> =>
    source.end().then(
      () => sink.complete(),
      (error: unknown) => sink.error(error),
    );
  if (!sink.isOpen) return finish();
  const { signal } = context;
  let isTaking = false;
  // While an item is being taken, whoever takes it looks for itself whether it was the last one.
  const stop = (): void => void (isTaking || finish());
  signal.addEventListener('abort', stop);
  const take = (item: unknown): boolean => {
    isTaking = true;
    const took = tookNext(sink, item) && sink.isOpen;
    isTaking = false;
    return took;
  };
  try {
    await passOn(source, take, sink);
    if (sink.isAnswered) await askOnce(source, sink);
    await finish();
  } catch (error) {
    source.failed();
    // A stream that is ended here calls that a failure.
    if (signal.aborted && source.isStream) sink.complete();
    else sink.error(error);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Until the source or `take` says that there are no more. */
async function passOn(source: ItemSource, take: (item: unknown) => boolean, sink: ResultSink): Promise<void> {
  const turn = new YieldBudget();
  for (;;) {
    const item = await source.next();
    // A Result that cannot be sent is notify before the producer has come to its end, which it may never do.
    if (source.isEnd(item) || !take(item.value)) return;
    const { drained } = sink;
    if (drained) await drained;
    else await turn.take();
    if (!sink.isOpen) return;
  }
}

/**
 * A source that has given the last Result is asked for one more item, so that a generator gets to its own end behind
 * that. What it gives instead of ending is notify to the sink, which says so.
 */
export async function askOnce(source: ItemSource, sink: ResultSink): Promise<void> {
  if (source.isStream) return;
  const asked = source.next();
  const item = await Promise.race([asked, source.end().then(() => undefined)]);
  if (item !== undefined && !item.done) sink.next(item.value);
}

function tookNext(sink: ResultSink, item: unknown): boolean {
  try {
    sink.next(item);
    return true;
  } catch (error) {
    sink.error(error);
    return false;
  }
}

/** Is notify when there is no room for more Results; resolves when there is again. */
export type OnPressure = (drained: Promise<void>) => void;

/** Passes on what is pushed; unsubscribes when the last Result was sent or the connection has ended. */
export function subscribe(
  source: SubscribableLike<unknown>,
  context: CommandContext,
  sink: ResultSink,
  onPressure?: OnPressure,
): void {
  if (!sink.isOpen) return sink.complete();
  const pushed = new PushedOutcome(sink, onPressure);
  try {
    pushed.follow(source.subscribe(pushed), context);
  } catch (error) {
    pushed.error(error);
  }
}

/** Stands between a source and the sink: ends both together, whichever ends first. */
class PushedOutcome {
  readonly #sink: ResultSink;
  readonly #onPressure: OnPressure | undefined;
  readonly #stop = (): void => this.complete();
  #subscription: { unsubscribe(): void } | undefined;
  #signal: AbortSignal | undefined;
  #settled = false;

  constructor(sink: ResultSink, onPressure: OnPressure | undefined) {
    this.#sink = sink;
    this.#onPressure = onPressure;
  }

  /** Only a source that did not end at once needs to hear of the connection's end. */
  follow(subscription: { unsubscribe(): void }, context: CommandContext): void {
    if (this.#settled) return subscription.unsubscribe();
    this.#subscription = subscription;
    this.#signal = context.signal;
    if (this.#signal.aborted) this.complete();
    else this.#signal.addEventListener('abort', this.#stop);
  }

  next(item: unknown): void {
    // One that pushes all at once goes on: the sink says what becomes of that.
    if (this.#settled) return void this.#sink.next(item);
    try {
      this.#sink.next(item);
    } catch (error) {
      return this.error(error);
    }
    const { isOpen, drained } = this.#sink;
    if (!isOpen) this.complete();
    else if (drained) this.#onPressure?.(drained);
  }

  error(error: unknown): void {
    if (this.#settled) return;
    this.#settle();
    this.#sink.error(error);
  }

  complete(): void {
    if (this.#settled) return;
    const failure = this.#settle();
    if (failure) this.#sink.error(failure.error);
    else this.#sink.complete();
  }

  /** Stops the source. Code of the user runs here too, on a stack where nobody could catch what it throws. */
  #settle(): { readonly error: unknown } | undefined {
    this.#settled = true;
    this.#signal?.removeEventListener('abort', this.#stop);
    try {
      this.#subscription?.unsubscribe();
      return undefined;
    } catch (error) {
      return { error };
    }
  }
}

function isSubscribable(value: unknown): value is SubscribableLike<unknown> {
  return typeof (value as { subscribe?: unknown } | null | undefined)?.subscribe === 'function';
}

// The share of one turn of the event loop that a producer may take before others get theirs.

const MOST_ITEMS = 256;
const MOST_MS = 5;

export class YieldBudget {
  #items = 0;
  #since = performance.now();

  /** Counts one item; resolves at once, or in the next turn when the share is used up. */
  take(): Promise<void> | undefined {
    if (++this.#items < MOST_ITEMS && (this.#items & 15 || performance.now() - this.#since < MOST_MS)) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#items = 0;
        this.#since = performance.now();
        resolve();
      }),
    );
  }
}
