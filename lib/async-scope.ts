// The async scope (what AsyncLocalStorage sees) in which a client or server was made: what serves all callers runs
// there, or in a branch of it, and never in the scope of the caller who happened to set it going.
import { AsyncResource, executionAsyncId } from 'node:async_hooks';

const newBranch = (): AsyncResource => new AsyncResource('cmd-stream');

/** Of what is known to be short-lived, Node need not watch the end. */
const newPassing = (): AsyncResource => new AsyncResource('cmd-stream', { requireManualDestroy: true });

export class AsyncScope {
  readonly #home = newBranch();

  /**
   * Runs code of this package; sockets and timers that it makes belong to this scope. Not for code of users: a store
   * that it enters (`enterWith`) would stay.
   */
  run<T, Args extends unknown[], R>(work: (this: T, ...args: Args) => R, self?: T, ...args: Args): R {
    return this.#home.runInAsyncScope(work as (this: unknown, ...args: Args) => R, self, ...args);
  }

  /**
   * Runs code of this package that calls code of users again and again, such as that of their classes: each time in a
   * scope that is thrown away, with the stores that were entered in it.
   */
  runPassing<T, Args extends unknown[], R>(work: (this: T, ...args: Args) => R, self?: T, ...args: Args): R {
    return this.#home
      .runInAsyncScope(newPassing)
      .runInAsyncScope(work as (this: unknown, ...args: Args) => R, self, ...args);
  }

  /**
   * A new scope that begins with what this one has, wherever it is made; what is entered in it reaches no other.
   * `enter`: it begins with what that enters.
   */
  branch(enter?: (make: () => AsyncResource) => AsyncResource): AsyncResource {
    // Who makes many of them does so at home: each way there costs more than what is done.
    const isAtHome = executionAsyncId() === this.#home.asyncId();
    if (enter) return isAtHome ? enter(newBranch) : this.#home.runInAsyncScope(enter, undefined, newBranch);
    return isAtHome ? newBranch() : this.#home.runInAsyncScope(newBranch);
  }

  /** Runs code of a user that belongs to no caller. */
  runApart<T, Args extends unknown[], R>(work: (this: T, ...args: Args) => R, self?: T, ...args: Args): R {
    return this.branch().runInAsyncScope(work as (this: unknown, ...args: Args) => R, self, ...args);
  }
}
