// An AsyncIterable as an Observable whose producer keeps to the pace of the taker of its Command, which rxjs cannot ask for,
// and ends with the Command: taken, half taken or not at all.
import { AsyncResource } from 'node:async_hooks';
import type { MessageHandler } from '@nestjs/microservices';
import { catchError, concatMap, EMPTY, isObservable, merge, Observable, of, type Subscriber } from 'rxjs';
import type { ResultSink } from '../../server/invoker.js';
import { isAsyncIterable, ItemSource } from '../../server/call/item-source.js';
import { askOnce, YieldBudget } from '../../server/call/result-source.js';
import { CmdStreamContext } from './cmd-stream.context.js';

/** What the taker of the item being delivered asked for. Set and read within one synchronous call, never across turns. */
const delivery: { drained: Promise<void> | undefined } = { drained: undefined };

/** Asks the producer of the item being delivered to wait, if it does not know its Command. */
export function askToWait(drained: Promise<void>): void {
  delivery.drained = drained;
}

/**
 * An AsyncIterable, such as a generator, as a cold Observable that keeps its back-pressure behind synchronous operators. A
 * handler by pattern that returns it has its items, and its errors, pass Nest's interceptors and exception filters one by one;
 * of a `@CommandHandler` they do anyway. Items are made in the async scope in which it is lifted.
 *
 * @param context Of the Command: with it there is back-pressure behind asynchronous operators, too, and the iterable is ended
 * with the Command although nobody has subscribed.
 * @publicApi
 */
export function liftIterable<T>(iterable: AsyncIterable<T>, context?: CmdStreamContext): Observable<T> {
  const scope = new AsyncResource('cmd-stream');
  const signal = context?.getArgByIndex(0).signal;
  const endUntaken = (): void => scope.runInAsyncScope(endQuietly, undefined, new ItemSource(iterable));
  if (signal?.aborted) endUntaken();
  else signal?.addEventListener('abort', endUntaken, { once: true });
  return new Observable<T>((subscriber) => {
    signal?.removeEventListener('abort', endUntaken);
    const lifted = new LiftedSource(
      iterable,
      subscriber as Subscriber<unknown>,
      context && CmdStreamContext.sinkOf(context),
    );
    void scope.runInAsyncScope(lifted.run, lifted);
    return () => scope.runInAsyncScope(lifted.stop, lifted);
  });
}

/** The Observable of a handler, subscribed in the async scope in which an interceptor has called the handler. */
export function keepScope<T>(source: Observable<T>): Observable<T> {
  const scope = new AsyncResource('cmd-stream');
  return new Observable<T>((subscriber) => scope.runInAsyncScope(source.subscribe, source, subscriber));
}

/** One subscription to an iterable. */
class LiftedSource {
  readonly #source: ItemSource;
  readonly #subscriber: Subscriber<unknown>;
  readonly #sink: ResultSink | undefined;
  #isDelivering = false;

  constructor(iterable: AsyncIterable<unknown>, subscriber: Subscriber<unknown>, sink: ResultSink | undefined) {
    this.#source = new ItemSource(iterable);
    this.#subscriber = subscriber;
    this.#sink = sink;
  }

  async run(): Promise<void> {
    try {
      if (await this.#passOn()) return this.#subscriber.complete();
      if (this.#sink?.isAnswered) await askOnce(this.#source, this.#sink);
    } catch (error) {
      this.#source.failed();
      this.#subscriber.error(error);
    }
    endQuietly(this.#source);
  }

  /** True if it came to its own end. */
  async #passOn(): Promise<boolean> {
    const turn = new YieldBudget();
    while (!this.#subscriber.closed) {
      const item = await this.#source.next();
      if (this.#source.isEnd(item)) return true;
      const asked = this.#deliver(item.value);
      const drained = this.#sink ? this.#sink.drained : asked;
      if (drained) await drained;
      else await turn.take();
    }
    return false;
  }

  /** Gives what the taker asks for, as far as it is heard here. */
  #deliver(item: unknown): Promise<void> | undefined {
    this.#isDelivering = true;
    delivery.drained = undefined;
    this.#subscriber.next(item);
    const { drained } = delivery;
    delivery.drained = undefined;
    this.#isDelivering = false;
    return drained;
  }

  /** Nobody takes its items any more. Whoever has just taken the last one is no reason to break off. */
  stop(): void {
    if (!this.#isDelivering) endQuietly(this.#source);
  }
}

/** Its consumer has gone: nobody is left to be notify of a failure. */
function endQuietly(source: ItemSource): void {
  source.end().then(undefined, () => {});
}

type OnError = (error: unknown) => Observable<never>;

/** What a handler by pattern gave: an AsyncIterable in it, which Nest takes for a value, becomes its items. */
export function liftItems(
  outcome: unknown,
  handler: MessageHandler,
  context: CmdStreamContext,
  onError: OnError,
): unknown {
  const lift = (items: AsyncIterable<unknown>): Observable<unknown> =>
    liftIterable(items, context).pipe(catchError(onError));
  if (isObservable(outcome)) return outcome.pipe(concatMap((item) => liftJoined(item, handler, lift)));
  return isAsyncIterable(outcome) ? lift(outcome) : outcome;
}

/** Nest joins what several handlers of one event gave. */
function liftJoined(
  item: unknown,
  { next }: MessageHandler,
  lift: (items: AsyncIterable<unknown>) => Observable<unknown>,
): Observable<unknown> {
  if (next === undefined) return isAsyncIterable(item) ? lift(item) : of(item);
  const joined = item as { readonly current: unknown; readonly next: unknown };
  const own = isAsyncIterable(joined.current) ? lift(joined.current) : EMPTY;
  return merge(own, liftJoined(joined.next, next as MessageHandler, lift));
}
