// Turns what a Command's code gives back (a value, a promise, an AsyncIterable, an Observable) into Results.
// Stops the producer as soon as nobody waits for more.
import type { CommandContext } from '../codec/command-context.js';
import type { Outcome, SubscribableLike } from '../codec/command.js';
import type { ResultSink } from './invoker.js';
import { TurnShare } from './turn-share.js';

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
  if (!sink.isOpen) return sink.complete();
  const iterator = iterable[Symbol.asyncIterator]();
  const items = { [Symbol.asyncIterator]: () => iterator };
  const stop = (): void => void stopProducer(iterator);
  const turn = new TurnShare();
  const { signal } = context;
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const item of items) {
      // A Result that cannot be sent is told before the producer has come to its end, which it may never do.
      if (!tookNext(sink, item) || !sink.isOpen) break;
      const { drained } = sink;
      if (drained) await drained;
      else await turn.take();
    }
    sink.complete();
  } catch (error) {
    sink.error(error);
  } finally {
    signal.removeEventListener('abort', stop);
  }
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

/** Runs a generator's finally; one that is parked in an await hears of it when that settles. */
export async function stopProducer(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // Its consumer has gone: nobody is left to be told.
  }
}

/** Is told when there is no room for more Results; resolves when there is again. */
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
    else this.#signal.addEventListener('abort', this.#stop, { once: true });
  }

  next(item: unknown): void {
    if (this.#settled) return;
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

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof (value as { [Symbol.asyncIterator]?: unknown } | null | undefined)?.[Symbol.asyncIterator] === 'function'
  );
}

function isSubscribable(value: unknown): value is SubscribableLike<unknown> {
  return typeof (value as { subscribe?: unknown } | null | undefined)?.subscribe === 'function';
}
