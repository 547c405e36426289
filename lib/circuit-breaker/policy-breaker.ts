// Puts a policy of cockatiel, which executes functions, behind the permits of the client. The policy alone decides when
// the circuit opens and closes; it is notified of a call when that is over, if nothing has changed since it began.
import { CircuitState, type CircuitBreakerPolicy } from 'cockatiel';
import { notify } from '../callbacks.js';
import type { CircuitBreaker, CircuitBreakerState, CircuitPermit } from '../client/circuit-breaker.js';

/** By cockatiel's numbers; an isolated circuit is open. */
const stateNames: readonly CircuitBreakerState[] = ['closed', 'open', 'half-open', 'open'];

/** `isTimed`: half-open as soon as the time is over; otherwise when a call comes and the policy agrees. */
type TrialRules = Readonly<{ successThreshold: number; openDurationMs: number; isTimed?: boolean }>;
/** Which errors count; undefined: those that the client counts by itself. */
export type Classifier = ((error: unknown) => boolean) | undefined;
/** What the policy executes for a call that is over; undefined: nothing, since it says nothing of the server. */
type OnOutcome = (outcome?: () => Promise<void>) => unknown;
const succeeds = async (): Promise<void> => {};

export class PolicyBreaker implements CircuitBreaker {
  readonly isFailure: Classifier;
  readonly #policy: CircuitBreakerPolicy;
  readonly #rules: TrialRules;
  /** What permits belong to: another one with each change of the circuit, its trials when it is half-open. */
  #period: Partial<Trials> = {};
  readonly #report: OnOutcome = (outcome) => outcome && this.#policy.execute(outcome).catch(() => {});

  constructor(
    policy: CircuitBreakerPolicy,
    rules: TrialRules & { readonly isFailure?: Classifier },
    onStateChange?: (state: CircuitBreakerState) => void,
  ) {
    this.isFailure = rules.isFailure;
    this.#policy = policy;
    this.#rules = rules;
    policy.onStateChange((state) => {
      if (state !== CircuitState.HalfOpen) {
        this.#period.settle?.();
        this.#period = {};
      }
      notify(() => onStateChange?.(stateNames[state]!));
    });
    if (rules.isTimed) policy.onBreak(() => setTimeout(() => this.#beginTrials(), rules.openDurationMs).unref());
  }

  get state(): CircuitBreakerState {
    return stateNames[this.#policy.state]!;
  }

  acquire(): CircuitPermit | undefined {
    if (this.#policy.state === CircuitState.Closed) return this.#permit(this.#report);
    if (!this.#rules.isTimed) this.#beginTrials();
    const trial = this.#period.admit?.(this.#rules);
    return trial && this.#permit(trial);
  }

  /** Half-open, if the policy agrees; others may be trying it, and it may want several trials, one by one. */
  #beginTrials(): void {
    const before = this.#period;
    if (before.isOver === false || (!before.isOver && this.#policy.state === CircuitState.HalfOpen)) return;
    // There before the policy knows of them, since its listeners may use the breaker.
    const trials = (this.#period = new Trials());
    const end = (): unknown => (trials.isOver = true);
    this.#policy.execute(() => trials.outcome).then(end, end);
    if (this.#policy.state !== CircuitState.HalfOpen) this.#period = before;
  }

  /** Reports once, and only in the period in which it was given. */
  #permit(onOutcome: OnOutcome): CircuitPermit {
    let period: object | undefined = this.#period;
    const report: OnOutcome = (outcome) => {
      if (period === this.#period) onOutcome(outcome);
      period = undefined;
    };
    const fail = (cause: unknown): unknown => report(() => Promise.reject(cause));
    return { succeed: () => report(succeeds), fail, release: () => report() };
  }
}

/** The trial calls of a half-open circuit: to the policy one call, which fails with the first that does. */
class Trials {
  isOver = false;
  settle = (_outcome?: Promise<void>): void => {};
  readonly outcome = new Promise<void>((resolve) => (this.settle = resolve));
  /** Those that are out and since when, the oldest first. */
  readonly #out = new Map<OnOutcome, number>();
  #successes = 0;
  #isDecided = false;

  /** Lets a call through if there is room; a trial that has not reported for too long makes room, and still counts. */
  admit({ successThreshold, openDurationMs }: TrialRules): OnOutcome | undefined {
    for (const [trial, since] of this.#out) {
      if (performance.now() - since < openDurationMs) break;
      this.#out.delete(trial);
    }
    if (this.#isDecided || this.#successes + this.#out.size >= successThreshold) return undefined;
    const trial: OnOutcome = (outcome) => {
      this.#out.delete(trial);
      if (!outcome || this.#isDecided) return;
      this.#isDecided = outcome !== succeeds || ++this.#successes === successThreshold;
      if (this.#isDecided) this.settle(outcome());
    };
    this.#out.set(trial, performance.now());
    return trial;
  }
}
