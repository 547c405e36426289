// All benchmarks. A new one is a file of its own and a line here.
import { codecScenario } from './codec.scenario.js';
import { echoScenario } from './echo.scenario.js';
import { musScenario } from './mus.scenario.js';
import type { Scenario, Variant } from './scenario.js';
import { slowConsumerScenario } from './slow-consumer.scenario.js';

export const scenarios: readonly Scenario[] = [echoScenario, slowConsumerScenario, codecScenario, musScenario];

/** @throws {RangeError} when there is no scenario of that name */
export function scenarioNamed(name: string | undefined): Scenario {
  return named(scenarios, name, 'scenario');
}

/** @throws {RangeError} when the scenario has no variant of that name */
export function variantNamed(scenario: Scenario, name: string | undefined): Variant {
  return named(scenario.variants, name, 'variant');
}

function named<T extends { readonly name: string }>(list: readonly T[], name: string | undefined, kind: string): T {
  const found = list.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`no ${kind} "${name}"; there are ${list.map((each) => each.name).join(', ')}`);
}
