// One resolver for every set of options: fills in defaults, checks each value, refuses unknown keys, freezes.
// The rules themselves live beside the interface they belong to.
import { CmdStreamError } from './errors.js';
import { similarName } from './similar-names.js';

/** How one option is checked: `expected` completes the sentence "must be …". */
export interface OptionRule {
  readonly expected: string;
  /** It has no default and must be given. */
  readonly required?: boolean;
  accepts(value: unknown): boolean;
}

/** Options of which those named by `K` are there. */
export type Complete<T, K extends PropertyKey = keyof T> = Omit<T, K> & {
  [P in K & keyof T]-?: Exclude<T[P], undefined>;
};

export type OptionRules<T> = { readonly [K in keyof Required<T>]: OptionRule };

/**
 * Beside the rules of an interface: names that it had before, or never had but is often asked for, and what to say of
 * each; it completes the sentence "unknown option …: ".
 */
export type OldOptionNames = Readonly<Record<string, string>>;

/** What to say of an option that has another name now. */
export function renamedTo(...names: readonly string[]): string {
  return `it is called ${names.map((name) => `"${name}"`).join(' and ')}`;
}

/** What to say of options that only the other side has. */
export function optionsOf(side: 'client' | 'server', names: readonly string[]): OldOptionNames {
  return Object.fromEntries(names.map((name) => [name, `that is an option of the ${side}`]));
}

/** A whole number of `unit`s from `min` to `max`; `zero` says what 0 means where 0 is outside that range. */
export function integer(min: number, max: number, unit: string, zero?: string): OptionRule {
  return {
    expected: `a whole number of ${unit} from ${min} to ${max}${zero ? `, or 0 (${zero})` : ''}`,
    accepts: (value) =>
      Number.isSafeInteger(value) &&
      (((value as number) >= min && (value as number) <= max) || (zero !== undefined && value === 0)),
  };
}

/** A whole number of `unit`s from `min` to `max`, or `Infinity`: no limit. */
export function cap(min: number, max: number, unit: string): OptionRule {
  const { expected, accepts } = integer(min, max, unit);
  return { expected: `${expected}, or Infinity (no limit)`, accepts: (value) => value === Infinity || accepts(value) };
}

/**
 * A port, also as the digits that environment variables give; the lowest allowed is 0, one the system chooses, or 1.
 */
export function port(lowest: 0 | 1): OptionRule {
  const accepts = (value: unknown): boolean => {
    const number = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
    return Number.isInteger(number) && (number as number) >= lowest && (number as number) <= 65_535;
  };
  return { expected: `a whole number from ${lowest} to 65535`, accepts };
}

export function oneOf(...allowed: readonly unknown[]): OptionRule {
  return {
    expected: allowed.map((value) => JSON.stringify(value)).join(' or '),
    accepts: (value) => allowed.includes(value),
  };
}

export const boolean: OptionRule = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };

export const text: OptionRule = {
  expected: 'a string that is not empty',
  accepts: (value) => typeof value === 'string' && value.length > 0,
};

export const callback: OptionRule = { expected: 'a function', accepts: (value) => typeof value === 'function' };

/** An object that has all the named methods; none named: any object. */
export function objectWith(description: string, ...methods: readonly string[]): OptionRule {
  return {
    expected: description,
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((m) => typeof (value as Record<string, unknown>)[m] === 'function'),
  };
}

const NO_OLD_NAMES: OldOptionNames = Object.freeze({});

/**
 * Merges `given` over `defaults`: `undefined` means the default; `null`, unknown keys and values outside their rule are
 * errors. `oldNames`: what is said of keys that are not known any more.
 *
 * @throws {CmdStreamError} INVALID_OPTION naming the option, what it got and what it allows
 */
export function resolveOptions<T extends object, D extends Partial<T>>(
  owner: string,
  given: T | undefined,
  defaults: D,
  rules: OptionRules<T>,
  oldNames: OldOptionNames = NO_OLD_NAMES,
): Readonly<Complete<T, keyof D>> {
  checkOptionNames(owner, given, rules, oldNames);
  const resolved: Record<string, unknown> = { ...defaults };
  for (const [key, value] of Object.entries(given ?? {})) {
    if (value === undefined) continue;
    const rule = rules[key as keyof T];
    if (!rule.accepts(value)) {
      throw new CmdStreamError(
        'INVALID_OPTION',
        `${owner}: option "${key}" must be ${rule.expected}, got ${show(value)}`,
      );
    }
    resolved[key] = value;
  }
  for (const [key, { required }] of Object.entries<OptionRule>(rules)) {
    if (required && resolved[key] === undefined) {
      throw new CmdStreamError('INVALID_OPTION', `${owner}: option "${key}" is required`);
    }
  }
  return Object.freeze(resolved) as ReturnType<typeof resolveOptions<T, D>>;
}

/**
 * Is it an object, all of whose keys are known? Of one that is not, the error names the one that was meant, as far as
 * that can be guessed.
 *
 * @throws {CmdStreamError} INVALID_OPTION
 */
export function checkOptionNames(
  owner: string,
  given: unknown,
  rules: Readonly<Record<string, unknown>>,
  oldNames: OldOptionNames = NO_OLD_NAMES,
): void {
  if (given === undefined) return;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new CmdStreamError('INVALID_OPTION', `${owner}: options must be an object, got ${show(given)}`);
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(rules, key));
  if (unknown === undefined) return;
  const remedy = Object.hasOwn(oldNames, unknown) ? `: ${oldNames[unknown]}` : knownNames(unknown, Object.keys(rules));
  throw new CmdStreamError('INVALID_OPTION', `${owner}: unknown option "${unknown}"${remedy}`);
}

function knownNames(unknown: string, known: readonly string[]): string {
  const meant = similarName(unknown, known);
  const names = known.join(', ');
  return meant === undefined ? `; known are ${names}` : `: did you mean "${meant}"? Known are ${names}`;
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
