// The role of a circuit breaker: keeps calls away from a server that fails. It knows no Command and no connection.
import type { AsyncScope } from '../async-scope.js';
import { CmdStreamError } from '../errors.js';
import { ignoreRejection, notify } from '../callbacks.js';
import { isFailure } from './failure.js';

/**
 * Decides whether a call may go to one server, and learns what became of the calls it let through.
 *
 * @publicApi
 */
export interface CircuitBreaker {
  /** For people and logs; whether a call may go out is said by `acquire()` alone. */
  readonly state: CircuitBreakerState;
  /** Lets a call through; undefined: not now. Answers at once, and has no effect when it says no. */
  acquire(): CircuitPermit | undefined;
  /**
   * Does this error of a call count as a failure of its server? Answers at once; what it throws counts as one. Without
   * it the exported `isFailure()` decides.
   */
  isFailure?: ((error: unknown) => boolean) | undefined;
}

/**
 * `'closed'`: calls go through. `'open'`: none does. `'half-open'`: a few go through, on trial.
 *
 * @publicApi
 */
export type CircuitBreakerState = 'closed' | 'half-open' | 'open';

/**
 * What a call that was let through reports, once: exactly one of these, a stream when it is over.
 *
 * @publicApi
 */
export interface CircuitPermit {
  /** The server has answered, be it with a business error. */
  succeed(): void;
  /** The server, or the way to it, has failed: `isFailure(error)` of the breaker said so. */
  fail(error?: unknown): void;
  /**
   * The outcome says nothing about the server: the caller gave up, nothing was sent, or another server has taken the
   * call.
   */
  release(): void;
}

/**
 * Makes the breaker for a server; called once for each server of a client, with its `host:port`.
 *
 * @publicApi
 */
export type CircuitBreakerFactory = (server: string) => CircuitBreaker;

/** A breaker that says of every error whether it counts. */
export interface ServerBreaker extends CircuitBreaker {
  isFailure(error: unknown): boolean;
}

/** A classification of the user that fails, or does not answer at once, says that the call has. */
function classify(breaker: CircuitBreaker, error: unknown, scope: AsyncScope): boolean {
  try {
    const verdict = scope.runApart(breaker.isFailure!, breaker, error);
    return ignoreRejection(verdict) || verdict;
  } catch {
    return true;
  }
}

/** The breaker of all callers: it sees nothing of the caller of a call, nor do its listeners. */
export function breakerApart(
  breaker: CircuitBreaker,
  scope: AsyncScope,
  onChange: (state: CircuitBreakerState) => void,
): ServerBreaker {
  const watch = new StateWatch(breaker, scope, onChange);
  return {
    isFailure: breaker.isFailure ? (error) => classify(breaker, error, scope) : isFailure,
    get state() {
      return breaker.state;
    },
    acquire() {
      const permit = scope.runApart(breaker.acquire, breaker);
      if (ignoreRejection(permit))
        throw new CmdStreamError('INVALID_OPTION', 'option "circuitBreaker": acquire() must not give a promise');
      if (permit === undefined) watch.look();
      return permit && permitApart(permit, scope, watch);
    },
  };
}

function permitApart(permit: CircuitPermit, scope: AsyncScope, watch: StateWatch): CircuitPermit {
  return {
    succeed: () => {
      const given: unknown = scope.runApart(permit.succeed, permit);
      if (!watch.isClosed) watch.lookSoon();
      // What it promises, whatever its type says, is its caller's to look after.
      return given;
    },
    fail: (error) => {
      const given: unknown = scope.runApart(permit.fail, permit, error);
      watch.lookSoon();
      return given;
    },
    release: () => scope.runApart(permit.release, permit),
  };
}

/** Sees changes of a breaker's state where it can have one; a call that succeeds while it is closed asks for none. */
class StateWatch {
  readonly #breaker: CircuitBreaker;
  readonly #scope: AsyncScope;
  readonly #onChange: (state: CircuitBreakerState) => void;
  #state: CircuitBreakerState = 'closed';
  #willLook = false;

  constructor(breaker: CircuitBreaker, scope: AsyncScope, onChange: (state: CircuitBreakerState) => void) {
    this.#breaker = breaker;
    this.#scope = scope;
    this.#onChange = onChange;
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  look(): void {
    notify(() => {
      const { state } = this.#breaker;
      if (state === this.#state) return;
      this.#state = state;
      this.#scope.runApart(this.#onChange, undefined, state);
    });
  }

  /** A breaker may take a few promises to make up its mind. */
  lookSoon(): void {
    if (this.#willLook) return;
    this.#willLook = true;
    const look = (): void => {
      this.#willLook = false;
      this.look();
    };
    this.#scope.run(() => setImmediate(look));
  }
}
