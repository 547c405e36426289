// The signal of a Command, made harmless: Node ends the process when a listener of `abort` throws, or returns a promise
// that rejects, and calls it in the async scope of whoever aborts, where it is called here in that in which it was added. Signals that the application derives from it (`AbortSignal.any`) are the application's own.
import { AsyncResource } from 'node:async_hooks';
import { isPromiseLike } from './outcome.js';

type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };
type Options = Parameters<AbortSignal['addEventListener']>[2];

/** Makes `report` hear of what listeners of the signal fail with, those of `onabort` included. */
export function guardSignal(signal: AbortSignal, report: (error: unknown) => void): void {
  /** A listener that is added twice is one, and is taken away by its own name. */
  let guards: Map<unknown, (event: Event) => void> | undefined;
  const { addEventListener, removeEventListener } = signal;
  const guardOf = (listener: unknown): ((event: Event) => void) => {
    let guard = guards?.get(listener);
    if (guard !== undefined || !isListener(listener)) return guard ?? (listener as never);
    const scope = new AsyncResource('cmd-stream');
    guard = (event) => scope.runInAsyncScope(callGuarded, undefined, listener, signal, event, report);
    guards ??= new Map();
    guards.set(listener, guard);
    return guard;
  };
  signal.addEventListener = (type: string, listener: unknown, options?: Options) =>
    addEventListener.call(signal, type, guardOf(listener), options);
  signal.removeEventListener = (type: string, listener: unknown, options?: Options) =>
    removeEventListener.call(signal, type, guardOf(listener), options);
}

/** What is none, Node complains of. */
function isListener(value: unknown): value is Listener {
  return typeof value === 'function' || (typeof value === 'object' && value !== null);
}

function callGuarded(listener: Listener, signal: AbortSignal, event: Event, report: (error: unknown) => void): void {
  try {
    const returned = typeof listener === 'function' ? listener.call(signal, event) : listener.handleEvent(event);
    if (isPromiseLike(returned)) returned.then(undefined, report);
  } catch (error) {
    report(error);
  }
}
