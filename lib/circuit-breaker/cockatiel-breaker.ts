// The circuit breaker over cockatiel: with the rules of cmd-stream-go, or with a policy of the user's own.
import { circuitBreaker, handleAll, type CircuitBreakerPolicy } from 'cockatiel';
import type { CircuitBreakerFactory } from '../client/circuit-breaker.js';
import { CmdStreamError } from '../errors.js';
import { objectWith, resolveOptions } from '../options.js';
import {
  cockatielBreakerDefaults,
  cockatielBreakerRules,
  type CockatielBreakerOptions,
  type ResolvedCockatielBreakerOptions,
} from './cockatiel-breaker-options.js';
import { OpenPeriod } from './open-period.js';
import { OutcomeWindow } from './outcome-window.js';
import { PolicyBreaker } from './policy-breaker.js';

/**
 * What `cockatielBreaker()` takes for options, or a function that makes the policy for a server.
 *
 * @publicApi
 */
export type CircuitBreakerPolicyFactory = (server: string) => CircuitBreakerPolicy;

/**
 * Circuit breakers for the servers of a client, one for each, decided by a policy of cockatiel.
 *
 * With options: the circuit opens when the share of failures among the latest outcomes reaches `failureRate`, lets no
 * call through for `openDurationMs`, is then half-open, lets `successThreshold` trial calls through, and closes when all
 * have succeeded; one failure opens it again. Calls that began before a change of the state have no say after it.
 *
 * With a policy: it decides by its own rules. A trial of it is one call; one that has not reported for 5 seconds makes
 * room for another. `fail(error)` rejects with the error, `succeed()` resolves with nothing. Its listeners must not throw.
 *
 * @throws {CmdStreamError} INVALID_OPTION when an option is out of its range; from the factory, when the function returns no policy
 * @publicApi
 */
export function cockatielBreaker(
  given: CockatielBreakerOptions | CircuitBreakerPolicyFactory = {},
): CircuitBreakerFactory {
  if (typeof given === 'function') return (server) => ownPolicyBreaker(given(server));
  const options = resolveOptions('cockatielBreaker', given, cockatielBreakerDefaults, cockatielBreakerRules);
  return (server) => windowBreaker(server, options);
}

function windowBreaker(
  server: string,
  { windowSize, failureRate, openDurationMs, successThreshold, onStateChange }: ResolvedCockatielBreakerOptions,
): PolicyBreaker {
  const policy = circuitBreaker(handleAll, {
    breaker: new OutcomeWindow(windowSize, failureRate),
    halfOpenAfter: new OpenPeriod(openDurationMs, () => breaker.probe()),
  });
  const limits = { successThreshold, patienceMs: openDurationMs };
  const breaker = new PolicyBreaker(policy, limits, (state) => onStateChange?.(state, server));
  return breaker;
}

const policyRule = objectWith('a circuit breaker policy of cockatiel', 'execute', 'onStateChange');

function ownPolicyBreaker(policy: CircuitBreakerPolicy): PolicyBreaker {
  if (!policyRule.accepts(policy)) {
    throw new CmdStreamError(
      'INVALID_OPTION',
      `cockatielBreaker: what the function returns must be ${policyRule.expected}`,
    );
  }
  return new PolicyBreaker(policy, { successThreshold: 1, patienceMs: cockatielBreakerDefaults.openDurationMs });
}
