// The signals of pending calls: one listener for each signal, however many calls it may end, and none for one that has
// no call. An AbortSignal of a user has a list of its listeners that gets slower, and warns, with each of them.
import { notify } from '../../callbacks.js';

interface ArrivedEvent {
  readonly calls: Set<() => void>;
  readonly listener: () => void;
}

export class SignalListeners {
  readonly #heard = new Map<AbortSignal, ArrivedEvent>();

  /** Calls `onAbort` when the signal aborts; it has not yet. Returns what ends that. */
  add(signal: AbortSignal, onAbort: () => void): () => void {
    const { calls } = this.#heard.get(signal) ?? this.#listen(signal);
    calls.add(onAbort);
    return () => {
      if (calls.delete(onAbort) && calls.size === 0) this.#stop(signal);
    };
  }

  #listen(signal: AbortSignal): ArrivedEvent {
    const calls = new Set<() => void>();
    const listener = (): void => {
      this.#stop(signal);
      for (const onAbort of calls) onAbort();
    };
    const heard = { calls, listener };
    signal.addEventListener('abort', listener, { once: true });
    this.#heard.set(signal, heard);
    return heard;
  }

  #stop(signal: AbortSignal): void {
    const heard = this.#heard.get(signal);
    if (heard === undefined) return;
    this.#heard.delete(signal);
    // One of the user's own may fail, when the call is over for everybody else.
    notify(() => signal.removeEventListener('abort', heard.listener));
  }
}
