// The signals of pending calls: one listener for each signal, however many calls it may end, and none for one that has
// no call. An AbortSignal of a user has a list of its listeners that gets slower, and warns, with each of them.
import { notify } from '../../callbacks.js';

interface SignalEntry {
  readonly calls: Set<() => void>;
  readonly listener: () => void;
}

export class SignalListeners {
  readonly #signals = new Map<AbortSignal, SignalEntry>();

  /** Calls `onAbort` when the signal aborts; it has not yet. Returns what ends that. */
  add(signal: AbortSignal, onAbort: () => void): () => void {
    const { calls } = this.#signals.get(signal) ?? this.#listen(signal);
    calls.add(onAbort);
    return () => {
      if (calls.delete(onAbort) && calls.size === 0) this.#stop(signal);
    };
  }

  #listen(signal: AbortSignal): SignalEntry {
    const calls = new Set<() => void>();
    const listener = (): void => {
      this.#stop(signal);
      for (const onAbort of calls) onAbort();
    };
    const entry = { calls, listener };
    signal.addEventListener('abort', listener, { once: true });
    this.#signals.set(signal, entry);
    return entry;
  }

  #stop(signal: AbortSignal): void {
    const entry = this.#signals.get(signal);
    if (entry === undefined) return;
    this.#signals.delete(signal);
    // One of the user's own may fail, when the call is over otherwise.
    notify(() => signal.removeEventListener('abort', entry.listener));
  }
}
