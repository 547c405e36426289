// An AsyncIterable as an Observable whose producer keeps to the pace of the taker of its Command, which rxjs cannot ask
// for, and ends with the Command: taken, half taken or not at all.
import { AsyncResource } from 'node:async_hooks';
import type { MessageHandler } from '@nestjs/microservices';
import {
  catchError,
  concatMap,
  EMPTY,
  isObservable,
  merge,
  Observable,
  of,
  type Subscriber,
  type Subscription,
} from 'rxjs';
import type { ResultSink } from '../../server/invoker.js';
import { endUntaken, isAsyncIterable, ItemPull } from '../../server/call/item-source.js';
import { follow, unfollow } from '../../server/call/result-source.js';
import { sinkOf, type CmdStreamContext } from './cmd-stream.context.js';
import { forNest } from './handler-failure.js';

interface Delivery {
  drained: Promise<void> | undefined;
}

const DELIVERY = Symbol.for('nestjs-cmd-stream.delivery');

/**
 * What the taker of the item being delivered asked for. Set and read within one synchronous call, never across turns.
 * One for all copies of this package: the producer may know another one than the server.
 */
const delivery: Delivery = ((globalThis as { [DELIVERY]?: Delivery })[DELIVERY] ??= { drained: undefined });

/** Asks the producer of the item being delivered to wait, if it does not know its Command. */
export function askToWait(drained: Promise<void>): void {
  delivery.drained = drained;
}

/**
 * An AsyncIterable, such as a generator, as a cold Observable that keeps its back-pressure behind synchronous
 * operators. A handler by pattern that returns it has its items, and its errors, pass Nest's interceptors and exception
 * filters one by one; of a `@CommandHandler` they do anyway. Items are made in the async scope in which it is lifted.
 *
 * @param context Of the Command: with it there is back-pressure behind asynchronous operators, too, and the iterable is
 * ended with the Command although it has no subscriber.
 * @returns can be iterated as well, by a test: then it is the iterable itself, and no Command ends it
 * @publicApi
 */
export function liftIterable<T>(iterable: AsyncIterable<T>, context?: CmdStreamContext): Observable<T> {
  const scope = new AsyncResource('cmd-stream');
  const command = context?.getArgByIndex(0);
  const end = (): void => scope.runInAsyncScope(endUntaken, undefined, iterable);
  if (command && !follow(command, end)) end();
  const taken = (): void => command && unfollow(command, end);
  const subscribe = (subscriber: Subscriber<T>): (() => void) => {
    taken();
    const sink = new SubscriberSink(subscriber as Subscriber<unknown>, context && sinkOf(context));
    const items = new ItemPull(iterable, sink);
    void scope.runInAsyncScope(items.run, items);
    return () => scope.runInAsyncScope(items.stop, items);
  };
  return new LiftedIterable(subscribe, iterable, taken);
}

/**
 * Can still be iterated: the type of a handler that is an async generator says so, and a test of it, or a handler that
 * calls another one, takes it at its word.
 */
export class LiftedIterable<T> extends Observable<T> implements AsyncIterable<T> {
  readonly #iterable: AsyncIterable<T>;
  readonly #taken: (() => void) | undefined;

  constructor(
    subscribe: (subscriber: Subscriber<T>) => (() => void) | Subscription,
    iterable: AsyncIterable<T>,
    taken?: () => void,
  ) {
    super(subscribe);
    this.#iterable = iterable;
    this.#taken = taken;
  }

  /** What was lifted iterates as it does without this. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    this.#taken?.();
    return this.#iterable[Symbol.asyncIterator]();
  }
}

/** The Observable of a handler, subscribed in the async scope in which an interceptor has called the handler. */
export function keepScope<T>(source: Observable<T>): Observable<T> {
  const scope = new AsyncResource('cmd-stream');
  return new Observable<T>((subscriber) => scope.runInAsyncScope(source.subscribe, source, subscriber));
}

/**
 * One subscriber to an iterable, which waits as the sink of its Command says; without one, as the taker of each item
 * asks.
 */
class SubscriberSink implements ResultSink {
  readonly #subscriber: Subscriber<unknown>;
  readonly #command: ResultSink | undefined;
  #asked: Promise<void> | undefined;

  constructor(subscriber: Subscriber<unknown>, command: ResultSink | undefined) {
    this.#subscriber = subscriber;
    this.#command = command;
  }

  get isOpen(): boolean {
    return !this.#subscriber.closed;
  }

  get isAnswered(): boolean {
    return this.#command?.isAnswered ?? false;
  }

  get drained(): Promise<void> | undefined {
    return this.#command ? this.#command.drained : this.#asked;
  }

  /** Nothing is known of what its observers make of the item: its bytes are not counted. */
  next(item: unknown): number {
    // What comes behind the last Result: the Command says so.
    if (this.#subscriber.closed) return this.#command?.next(item) ?? 0;
    delivery.drained = undefined;
    this.#subscriber.next(item);
    this.#asked = delivery.drained;
    delivery.drained = undefined;
    return 0;
  }

  complete(): void {
    this.#subscriber.complete();
  }

  error(error: unknown): void {
    this.#subscriber.error(forNest(error));
  }
}

type OnError = (error: unknown) => Observable<never>;

/** What a handler by pattern gave: an AsyncIterable in it, which Nest takes for a value, becomes its items. */
export function liftItems(
  given: unknown,
  handler: MessageHandler,
  context: CmdStreamContext,
  onError: OnError,
): unknown {
  const lift = (items: AsyncIterable<unknown>): Observable<unknown> =>
    liftIterable(items, context).pipe(catchError(onError));
  if (isObservable(given)) return given.pipe(concatMap((item) => liftJoined(item, handler, lift)));
  return isUnlifted(given) ? lift(given) : given;
}

/** Nest joins what several handlers of one event gave. */
function liftJoined(
  item: unknown,
  { next }: MessageHandler,
  lift: (items: AsyncIterable<unknown>) => Observable<unknown>,
): Observable<unknown> {
  if (next === undefined) return isUnlifted(item) ? lift(item) : of(item);
  const joined = item as { readonly current: unknown; readonly next: unknown };
  const own = isUnlifted(joined.current) ? lift(joined.current) : EMPTY;
  return merge(own, liftJoined(joined.next, next as MessageHandler, lift));
}

function isUnlifted(value: unknown): value is AsyncIterable<unknown> {
  return isAsyncIterable(value) && !isObservable(value);
}
