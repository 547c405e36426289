// What a class says of itself beside its fields: the statics `wireName`, `idempotent` and `deprecated`, and of Results
// the method `lastOne`. A name that was meant to be one of these and is not would do nothing, so it is an error.
import { CmdStreamError } from '../errors.js';
import { isClose } from '../similar-names.js';

/** What is asked of a class here. */
interface ClassLike {
  readonly name: string;
  readonly prototype?: unknown;
}

/** Of a class or an entry: the reason that was given for it, `true` without one. */
export type Deprecated = boolean | string;

const statics: readonly string[] = ['wireName', 'idempotent', 'deprecated'];
const methods: readonly string[] = ['lastOne'];

/** A class inherits no name: two classes with one would be one to the peer. */
export function wireNameOf(type: unknown): string | undefined {
  const wireName = ownStatic(type, 'wireName');
  return typeof wireName === 'string' && wireName !== '' ? wireName : undefined;
}

/** Why a type should not be used any more, empty if it says no reason; undefined of one that may. */
export function deprecationOf(type: unknown): string | undefined {
  // What takes the place of a class may well extend it; an entry has no statics but members.
  const deprecated = typeof type === 'function' ? ownStatic(type, 'deprecated') : memberOf(type, 'deprecated');
  if (typeof deprecated === 'string') return deprecated;
  return deprecated === true ? '' : undefined;
}

export function ownStatic(type: unknown, name: string): unknown {
  return typeof type === 'function' && Object.hasOwn(type, name) ? memberOf(type, name) : undefined;
}

/** A getter that throws says nothing. */
function memberOf(type: unknown, name: string): unknown {
  try {
    return (type as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  } catch {
    return undefined;
  }
}

/** @throws {CmdStreamError} INVALID_CONTRACT when a static has a value it cannot have, or a name is misspelt */
export function checkConventions(place: string, type: ClassLike, isResult: boolean): void {
  const fault =
    valueFault(type) ?? misspelt(type, statics, 'static ', Function.prototype) ?? methodFault(type, isResult);
  if (fault === undefined) return;
  throw new CmdStreamError('INVALID_CONTRACT', `\`${place}\`: ${type.name || 'an anonymous class'} has ${fault}`);
}

function methodFault(type: ClassLike, isResult: boolean): string | undefined {
  return isResult ? misspelt(type.prototype, methods, '', Object.prototype) : undefined;
}

function valueFault(type: ClassLike): string | undefined {
  const idempotent = memberOf(type, 'idempotent');
  if (idempotent !== undefined && typeof idempotent !== 'boolean') return '`static idempotent` that is no boolean';
  const deprecated = ownStatic(type, 'deprecated');
  if (deprecated === undefined || typeof deprecated === 'boolean') return undefined;
  return typeof deprecated === 'string' && deprecated !== ''
    ? undefined
    : '`static deprecated` that is neither a boolean nor a text';
}

/** Looks at the names of an object and of what it inherits from, as far as `end`. */
function misspelt(start: unknown, known: readonly string[], kind: string, end: object): string | undefined {
  for (let each = start; each !== null && each !== undefined && each !== end; each = Object.getPrototypeOf(each)) {
    const names = Object.getOwnPropertyNames(each);
    for (const meant of known) {
      // Beside the right one a similar one is something else.
      const found = names.includes(meant) ? undefined : names.find((name) => isClose(name, meant));
      if (found !== undefined) return `\`${kind}${found}\`, which does nothing: did you mean \`${meant}\`?`;
    }
  }
  return undefined;
}
