// The circuit breaker over cockatiel: with the rules of cmd-stream-go, or with a policy of the user's own.
import { circuitBreaker, CircuitState, CountBreaker, handleAll, type CircuitBreakerPolicy } from 'cockatiel';
import type { CircuitBreakerFactory } from '../client/circuit-breaker.js';
import { CmdStreamError } from '../errors.js';
import { callback, objectWith, resolveOptions } from '../options.js';
import {
  cockatielBreakerDefaults,
  cockatielBreakerRules,
  type CockatielBreakerOptions,
} from './cockatiel-breaker-options.js';
import { PolicyBreaker, type Classifier } from './policy-breaker.js';

/** What `cockatielBreaker()` takes for options, or a function that makes the policy for a server. @publicApi */
export type CircuitBreakerPolicyFactory = (server: string) => CircuitBreakerPolicy;

/**
 * Circuit breakers for the servers of a client, one for each, decided by a policy of cockatiel. Calls that began before
 * a change of the state have no say after it. With options: the circuit opens when `failureRate` of the latest outcomes
 * are failures, is half-open after `openDurationMs`, and closes when `successThreshold` trial calls have succeeded; one
 * failure opens it again. A policy of one's own decides by its own rules, for the errors that `isFailure` counts. It is
 * notified of a call when that is over: `fail(error)` rejects with the error, `succeed()` resolves with nothing. A
 * trial of it is one call; one that has not reported for 5 seconds makes room for another. Its listeners must not
 * throw.
 *
 * @example
 * import { CommandClient } from 'nestjs-cmd-stream/core';
 * import { cockatielBreaker } from 'nestjs-cmd-stream/circuit-breaker';
 * import { calcContract } from './calc.contract.js';
 *
 * export const client = new CommandClient({
 *   contract: calcContract,
 *   servers: 'a:9000,b:9000',
 *   circuitBreaker: cockatielBreaker({ failureRate: 0.2, openDurationMs: 10_000 }),
 * });
 *
 * @throws {CmdStreamError} INVALID_OPTION when an option is out of its range; from the factory, when the function
 * returns no policy
 * @publicApi
 */
export function cockatielBreaker(options?: CockatielBreakerOptions): CircuitBreakerFactory;
/**
 * Circuit breakers that follow a policy of your own: `policyOf` is asked once for each server, `host:port`.
 *
 * @example
 * import { circuitBreaker, ConsecutiveBreaker, handleAll } from 'cockatiel';
 * import { CommandClient } from 'nestjs-cmd-stream/core';
 * import { cockatielBreaker } from 'nestjs-cmd-stream/circuit-breaker';
 * import { calcContract } from './calc.contract.js';
 *
 * const policyOf = () => circuitBreaker(handleAll, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(5) });
 *
 * export const client = new CommandClient({ contract: calcContract, circuitBreaker: cockatielBreaker(policyOf) });
 *
 * @throws {CmdStreamError} INVALID_OPTION as above
 * @publicApi
 */
export function cockatielBreaker(
  policyOf: CircuitBreakerPolicyFactory,
  options?: Pick<CockatielBreakerOptions, 'isFailure'>,
): CircuitBreakerFactory;
export function cockatielBreaker(
  given: CockatielBreakerOptions | CircuitBreakerPolicyFactory = {},
  others?: Pick<CockatielBreakerOptions, 'isFailure'>,
): CircuitBreakerFactory {
  if (typeof given === 'function') {
    const { isFailure } = resolveOptions('cockatielBreaker', others, {}, { isFailure: callback });
    return (server) => ownPolicyBreaker(given(server), isFailure);
  }
  if (others !== undefined) {
    const text = 'cockatielBreaker: further options are for a function that makes policies';
    throw new CmdStreamError('INVALID_OPTION', text);
  }
  const options = resolveOptions('cockatielBreaker', given, cockatielBreakerDefaults, cockatielBreakerRules);
  const rules = { ...options, isTimed: true };
  return (server) => new PolicyBreaker(countPolicy(options), rules, (state) => options.onStateChange?.(state, server));
}

function countPolicy({ windowSize, failureRate }: { windowSize: number; failureRate: number }): CircuitBreakerPolicy {
  // The failure that reaches the rate opens the circuit, where cockatiel waits for one that exceeds its threshold.
  const near = Math.round(windowSize * failureRate);
  const failures = near / windowSize < failureRate ? near + 1 : near;
  const breaker = new CountBreaker({ size: windowSize, threshold: (failures - 0.5) / windowSize });
  // The window is full of successes at first, so that the first failures do not open the circuit.
  const fill = (): void => {
    for (let outcome = 0; outcome < windowSize; outcome++) breaker.success(CircuitState.Closed);
  };
  // Always over, since a timer ends it: the policy would ask the clock on the wall, which may be set.
  const policy = circuitBreaker(handleAll, { breaker, halfOpenAfter: -Infinity });
  policy.onReset(fill);
  fill();
  return policy;
}

function ownPolicyBreaker(policy: CircuitBreakerPolicy, isFailure: Classifier): PolicyBreaker {
  const { expected, accepts } = objectWith('a circuit breaker policy of cockatiel', 'execute', 'onStateChange');
  if (accepts(policy))
    return new PolicyBreaker(policy, { ...cockatielBreakerDefaults, isFailure, successThreshold: 1 });
  throw new CmdStreamError('INVALID_OPTION', `cockatielBreaker: what the function returns must be ${expected}`);
}
