// The signal of a Command, made harmless: Node ends the process when a listener of `abort` throws, or returns a promise
// that rejects, and calls it in the async scope of whoever aborts, where it is called here in that in which it was added. Signals that the application derives from it (`AbortSignal.any`) are the application's own.
import { AsyncResource } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { isPromiseLike } from '../../callbacks.js';

type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };
type Options = Parameters<AbortSignal['addEventListener']>[2];

type Guard = (event: Event) => void;

/** Makes `report` hear of what listeners of the signal fail with, those of `onabort` included. */
export function guardSignal(signal: AbortSignal, report: (error: unknown) => void): void {
  // A listener that is added twice is one, unless one of them captures, and is taken away by its own name. What stands
  // here lives no longer than the listener: Node forgets by itself those of `once` and of an own `signal`.
  let guards: WeakMap<object, Guard> | undefined;
  let capturing: WeakMap<object, Guard> | undefined;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (type: string, listener: unknown, options?: Options) => {
    if (!isListener(listener)) return addEventListener.call(signal, type, listener as never, options);
    const known = captures(options) ? (capturing ??= new WeakMap()) : (guards ??= new WeakMap());
    let guard = known.get(listener);
    // Node has taken a listener away by itself, after `once` or by an own `signal`: what is added now is a new one.
    const isGone = guard !== undefined && type === 'abort' && !getEventListeners(signal, type).includes(guard);
    if (guard === undefined || isGone) {
      const scope = new AsyncResource('cmd-stream');
      guard = (event) => scope.runInAsyncScope(callGuarded, undefined, listener, signal, event, report);
      known.set(listener, guard);
    }
    addEventListener.call(signal, type, guard, options);
  };
  signal.removeEventListener = (type: string, listener: unknown, options?: Options) => {
    const known = captures(options) ? capturing : guards;
    const guard = isListener(listener) ? known?.get(listener) : undefined;
    if (guard === undefined) return removeEventListener.call(signal, type, listener as never, options);
    if (type === 'abort') known!.delete(listener as Listener);
    removeEventListener.call(signal, type, guard, options);
  };
}

function captures(options: Options): boolean {
  return typeof options === 'object' && options !== null ? options.capture === true : options === true;
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
