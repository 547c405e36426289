// Turns what a Command's code gives back (a value, a promise, an AsyncIterable, an Observable) into Results.
// Stops their source as soon as no more of them are wanted.
import { isPromiseLike } from '../../callbacks.js';
import type { CommandContext, SubscribableLike } from '../../contract/command.js';
import type { ResultSink } from '../invoker.js';
import { isAsyncIterable, ItemPull } from './item-source.js';
import { ServerCall } from './server-call.js';

/** Sends everything that `given` is or gives, and ends the sink; never throws. */
export function deliver(given: unknown, context: CommandContext, sink: ResultSink): void {
  try {
    if (isPromiseLike(given)) {
      given.then(
        (settled) => deliver(settled, context, sink),
        (error: unknown) => sink.error(error),
      );
    } else if (isAsyncIterable(given)) pull(given, context, sink);
    else if (isSubscribable(given)) subscribe(given, context, sink);
    else sink.complete(given);
  } catch (error) {
    sink.error(error);
  }
}

function pull(given: AsyncIterable<unknown>, context: CommandContext, sink: ResultSink): void {
  const items = new ItemPull(given, sink);
  const stop = (): void => items.stop();
  follow(context, stop);
  void items.run().then(() => unfollow(context, stop));
}

/**
 * Calls `stop` when the signal of the Command aborts; false if it has. The contexts of a server need not make one for
 * that, others are those of applications.
 */
export function follow(context: CommandContext, stop: () => void): boolean {
  if (context instanceof ServerCall) return context.follow(stop);
  const { signal } = context;
  if (!signal.aborted) signal.addEventListener('abort', stop, { once: true });
  return !signal.aborted;
}

export function unfollow(context: CommandContext, stop: () => void): void {
  if (context instanceof ServerCall) context.unfollow(stop);
  else context.signal.removeEventListener('abort', stop);
}

/** Is called where the sink has no room for more Results; `drained` resolves when it has again. */
export type OnPressure = (drained: Promise<void>) => void;

/** Sends what is pushed; unsubscribes when the last Result was sent or the connection has ended. */
export function subscribe(
  source: SubscribableLike<unknown>,
  context: CommandContext,
  sink: ResultSink,
  onPressure?: OnPressure,
): void {
  if (!sink.isOpen) return sink.complete();
  const pushed = new PushedResults(sink, onPressure);
  try {
    pushed.follow(source.subscribe(pushed), context);
  } catch (error) {
    pushed.error(error);
  }
}

/** The observer of a source: ends it and the sink together, whichever ends first. */
class PushedResults {
  readonly #sink: ResultSink;
  readonly #onPressure: OnPressure | undefined;
  readonly #stop = (): void => this.complete();
  #subscription: { unsubscribe(): void } | undefined;
  #context: CommandContext | undefined;
  #settled = false;

  constructor(sink: ResultSink, onPressure: OnPressure | undefined) {
    this.#sink = sink;
    this.#onPressure = onPressure;
  }

  /** A source that has ended at once need not be stopped with its Command. */
  follow(subscription: { unsubscribe(): void }, context: CommandContext): void {
    if (this.#settled) return subscription.unsubscribe();
    this.#subscription = subscription;
    this.#context = context;
    if (!follow(context, this.#stop)) this.complete();
  }

  next(item: unknown): void {
    // A source that pushes all at once goes on: the sink says what becomes of that.
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

  /**
   * Stops the source. Code of the user runs here too; what it throws must not reach the caller, who cannot know of it.
   */
  #settle(): { readonly error: unknown } | undefined {
    this.#settled = true;
    if (this.#context) unfollow(this.#context, this.#stop);
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
