// The signal of a Command, made harmless: Node ends the process when a listener throws, or returns a promise that
// rejects, and calls it in the async scope of whatever aborts, where here it is called in that in which it was added.
// Signals that the application derives from it (`AbortSignal.any`) are the application's own.
import { AsyncResource } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { callSafely } from '../../callbacks.js';

type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };
type Options = Parameters<AbortSignal['addEventListener']>[2];

type Guard = (event: Event) => void;

/** `report` is given what listeners of the signal fail with, those of `onabort` included. */
export function guardSignal(signal: AbortSignal, report: (error: unknown) => void): void {
  // For each type of events, and for those that capture apart: a listener that is added twice is one, and is taken away
  // by its own name. What stands here lives no longer than the listener: Node drops by itself those of `once` and of a
  // `signal`.
  const guards = new Map<string, WeakMap<object, Guard>>();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (type: string, listener: unknown, options?: Options) => {
    if (!isListener(listener)) return addEventListener.call(signal, type, listener as never, options);
    const key = keyOf(type, options);
    let known = guards.get(key);
    if (known === undefined) guards.set(key, (known = new WeakMap()));
    let guard = known.get(listener);
    // What Node has taken away by itself is a new one when it is added again.
    if (guard === undefined || !getEventListeners(signal, type).includes(guard)) {
      const scope = new AsyncResource('cmd-stream');
      guard = (event) => scope.runInAsyncScope(callGuarded, undefined, listener, signal, event, report);
      known.set(listener, guard);
    }
    addEventListener.call(signal, type, guard, options);
  };
  signal.removeEventListener = (type: string, listener: unknown, options?: Options) => {
    const known = guards.get(keyOf(type, options));
    const guard = isListener(listener) ? known?.get(listener) : undefined;
    if (guard === undefined) return removeEventListener.call(signal, type, listener as never, options);
    known!.delete(listener as Listener);
    removeEventListener.call(signal, type, guard, options);
  };
}

function keyOf(type: string, options: Options): string {
  const captures = typeof options === 'object' && options !== null ? options.capture === true : options === true;
  return `${captures ? 'capture' : 'bubble'} ${String(type)}`;
}

/** Anything else is left to Node, which refuses it or warns. */
function isListener(value: unknown): value is Listener {
  return typeof value === 'function' || (typeof value === 'object' && value !== null);
}

function callGuarded(listener: Listener, signal: AbortSignal, event: Event, report: (error: unknown) => void): void {
  callSafely(report, () =>
    typeof listener === 'function' ? listener.call(signal, event) : listener.handleEvent(event),
  );
}
