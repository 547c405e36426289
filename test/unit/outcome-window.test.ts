import { describe, expect, it } from '@jest/globals';
import { CircuitState } from 'cockatiel';
import { OutcomeWindow } from '../../lib/circuit-breaker/outcome-window.js';

describe('a window of outcomes', () => {
  it('opens the circuit when the share of failures is reached, exactly', () => {
    const outcomes = new OutcomeWindow(10, 0.3);
    const failures = Array.from({ length: 3 }, () => outcomes.failure(CircuitState.Closed));
    expect(failures).toEqual([false, false, true]);
  });

  it('opens a half-open circuit with any failure, which does not count later', () => {
    const outcomes = new OutcomeWindow(2, 1);
    expect(outcomes.failure(CircuitState.HalfOpen)).toBe(true);
    expect(outcomes.failure(CircuitState.Closed)).toBe(false);
  });

  it('is empty again when a half-open circuit closes', () => {
    const outcomes = new OutcomeWindow(2, 1);
    outcomes.failure(CircuitState.Closed);
    outcomes.success(CircuitState.HalfOpen);
    expect(outcomes.failure(CircuitState.Closed)).toBe(false);
    expect(outcomes.failure(CircuitState.Closed)).toBe(true);
  });
});
