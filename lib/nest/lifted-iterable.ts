// An AsyncIterable as an Observable that can be slowed down. rxjs has no back-pressure, but it delivers synchronously:
// while an item is on its way, whoever takes it at the other end may ask the producer to wait.
import { AsyncResource } from 'node:async_hooks';
import { catchError, concatMap, isObservable, Observable, of } from 'rxjs';
import { isAsyncIterable, stopProducer } from '../server/outcome.js';
import { TurnShare } from '../server/turn-share.js';

/** What the taker of the item being delivered asked for. Set and read within one synchronous call, never across turns. */
const delivery: { drained: Promise<void> | undefined } = { drained: undefined };

/** Asks the producer of the item being delivered to wait. Without one, or behind an asynchronous operator, nobody hears it. */
export function askToWait(drained: Promise<void>): void {
  delivery.drained = drained;
}

/**
 * An AsyncIterable, such as a generator, as a cold Observable that keeps its back-pressure behind synchronous operators. A
 * handler by pattern that returns it has its items, and its errors, pass Nest's interceptors and exception filters one by one;
 * of a `@CommandHandler` they do anyway. Items are made in the async scope in which it is lifted.
 *
 * @publicApi
 */
export function liftIterable<T>(iterable: AsyncIterable<T>): Observable<T> {
  const scope = new AsyncResource('cmd-stream');
  return new Observable<T>((subscriber) => {
    const iterator = scope.runInAsyncScope(() => iterable[Symbol.asyncIterator]());
    let finished = false;
    const pull = async (): Promise<void> => {
      const turn = new TurnShare();
      try {
        while (!subscriber.closed) {
          const item = await iterator.next();
          if (item.done) {
            finished = true;
            return subscriber.complete();
          }
          delivery.drained = undefined;
          subscriber.next(item.value);
          const { drained } = delivery;
          delivery.drained = undefined;
          if (drained) await drained;
          else await turn.take();
        }
      } catch (error) {
        finished = true;
        subscriber.error(error);
      }
    };
    void scope.runInAsyncScope(pull);
    return () => {
      if (!finished) void scope.runInAsyncScope(stopProducer, undefined, iterator);
    };
  });
}

/** The Observable of a handler, subscribed in the async scope in which an interceptor has called the handler. */
export function keepScope<T>(source: Observable<T>): Observable<T> {
  const scope = new AsyncResource('cmd-stream');
  return new Observable<T>((subscriber) => scope.runInAsyncScope(source.subscribe, source, subscriber));
}

/** What a handler by pattern gave: an AsyncIterable in it, which Nest takes for a value, becomes its items. */
export function liftItems(outcome: unknown, onError: (error: unknown) => Observable<never>): unknown {
  const lift = (items: AsyncIterable<unknown>): Observable<unknown> => liftIterable(items).pipe(catchError(onError));
  if (isObservable(outcome)) return outcome.pipe(concatMap((item) => (isAsyncIterable(item) ? lift(item) : of(item))));
  return isAsyncIterable(outcome) ? lift(outcome) : outcome;
}
