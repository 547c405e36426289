// Who calls whom in lib: what instrument-loader.ts puts into each function tells this trace when it begins and ends.

/** One function that runs, and from where it was called. */
export interface TracedCall {
  readonly file: string;
  readonly name: string;
  /** The function of lib that called it, be it through Node or a package; undefined: the event loop did. */
  readonly caller: TracedCall | undefined;
}

/** What the instrumented functions call, by the global name `callTrace`. */
export class CallTrace {
  /** In the order in which they began. */
  #calls: TracedCall[] = [];
  /** The functions that run now, the outermost first. */
  readonly #running: TracedCall[] = [];

  /** The calls since it was last asked. */
  take(): readonly TracedCall[] {
    const calls = this.#calls;
    this.#calls = [];
    return calls;
  }

  enter(file: string, name: string): TracedCall {
    const call = { file, name, caller: this.#running.at(-1) };
    this.#calls.push(call);
    this.#running.push(call);
    return call;
  }

  /** It returns or throws, or waits: then {@link back} says that it goes on. Passes on what it waits for. */
  leave<T>(call: TracedCall, value?: T): T | undefined {
    const at = this.#running.lastIndexOf(call);
    if (at !== -1) this.#running.length = at;
    return value;
  }

  back<T>(call: TracedCall, value?: T): T | undefined {
    this.#running.push(call);
    return value;
  }
}

export const callTrace = new CallTrace();
Object.assign(globalThis, { callTrace });
