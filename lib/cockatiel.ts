// The door "nestjs-cmd-stream/circuit-breaker": the circuit breaker that needs cockatiel.
export { cockatielBreaker, type CircuitBreakerPolicyFactory } from './circuit-breaker/cockatiel-breaker.js';
export type { CockatielBreakerOptions } from './circuit-breaker/cockatiel-breaker-options.js';
export type {
  CircuitBreaker,
  CircuitBreakerFactory,
  CircuitBreakerState,
  CircuitPermit,
} from './client/circuit-breaker.js';
