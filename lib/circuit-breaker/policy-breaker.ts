// Puts a policy of cockatiel, which executes promises, behind the permits of the client. The policy alone decides when
// the circuit opens, is tried and closes; an outcome from before the last change never reaches it.
import { CircuitState, type CircuitBreakerPolicy } from 'cockatiel';
import type { CircuitBreaker, CircuitBreakerState, CircuitPermit } from '../client/circuit-breaker.js';
import { Execution } from './execution.js';
import { Probation, type TrialLimits } from './probation.js';

const stateNames: Readonly<Record<CircuitState, CircuitBreakerState>> = Object.freeze({
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
});

export class PolicyBreaker implements CircuitBreaker {
  readonly #policy: CircuitBreakerPolicy;
  readonly #limits: TrialLimits;
  #probation: Probation | undefined;
  /** Another one with each change of the state. */
  #period: object = {};

  constructor(
    policy: CircuitBreakerPolicy,
    limits: TrialLimits,
    onStateChange: (state: CircuitBreakerState) => void = () => {},
  ) {
    this.#policy = policy;
    this.#limits = limits;
    policy.onStateChange((state) => {
      this.#period = {};
      if (state !== CircuitState.HalfOpen) this.#probation = undefined;
      void tell(onStateChange, stateNames[state]);
    });
  }

  get state(): CircuitBreakerState {
    return stateNames[this.#policy.state];
  }

  acquire(): CircuitPermit | undefined {
    return this.#policy.state === CircuitState.Closed ? this.#begin() : this.#try();
  }

  /** Becomes half-open, if the policy finds that it is time. */
  probe(): void {
    const before = this.#probation;
    const probation = new Probation(this.#limits);
    this.#probation = probation;
    let hasBegun = false;
    const begin = (): Promise<void> => {
      hasBegun = true;
      return probation.outcome;
    };
    const end = (): void => {
      probation.isOver = true;
    };
    this.#policy.execute(begin).then(end, end);
    if (!hasBegun) this.#probation = before;
  }

  #begin(): CircuitPermit {
    const execution = new Execution();
    const period = this.#period;
    this.#policy.execute(() => execution.promise).catch(() => {});
    return new OnePermit(execution, () => period === this.#period);
  }

  /** A policy may want more than one trial, one after the other, before it closes. */
  #try(): CircuitPermit | undefined {
    const isDue = this.#probation?.isOver ?? this.#policy.state !== CircuitState.HalfOpen;
    if (isDue) this.probe();
    const probation = this.#probation;
    const trial = probation?.admit();
    return trial && new OnePermit(trial, () => probation === this.#probation);
  }
}

/** Reports once, and only while the circuit is as it was when it let the call through. */
class OnePermit implements CircuitPermit {
  #permit: CircuitPermit | undefined;
  readonly #isCurrent: () => boolean;

  constructor(permit: CircuitPermit, isCurrent: () => boolean) {
    this.#permit = permit;
    this.#isCurrent = isCurrent;
  }

  succeed(): void {
    this.#use()?.succeed();
  }

  fail(error?: unknown): void {
    this.#use()?.fail(error);
  }

  release(): void {
    this.#use()?.release();
  }

  #use(): CircuitPermit | undefined {
    const permit = this.#permit;
    this.#permit = undefined;
    return this.#isCurrent() ? permit : undefined;
  }
}

/** What the listener throws, at once or later, is its own affair. */
async function tell(listener: (state: CircuitBreakerState) => void, state: CircuitBreakerState): Promise<void> {
  try {
    await listener(state);
  } catch {
    // Nobody else is there to be told.
  }
}
