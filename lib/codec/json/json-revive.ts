// From a parsed body to an instance of its class, by one of three ways: the class's own fromJSON, class-transformer,
// or, the usual and fast one, the body's keys assigned to a `new Class()`.
import { requireSync } from '../../callbacks.js';
import { tracedTypeOf, type TraceCommand } from '../../contract/trace-command.js';
import { typeNameOf, type TypeClass } from '../../contract/type-table.js';
import { CmdStreamError, messageOf, peerText } from '../../errors.js';
import type { ClassTransformer } from './json-class-transformer.js';
import { DECORATED_KEYS, type ResolvedJsonCodecOptions } from './json-codec-options.js';
import { KeyMatcher } from './json-key-matcher.js';
import { checkKeys } from './json-parse.js';

/** Makes an instance of a parsed body. @throws {CmdStreamError} BAD_PAYLOAD, JSON_LIMIT */
export type Revive = (body: unknown) => unknown;

type Body = Readonly<Record<string, unknown>>;
type Concrete = new () => object;

/** Keys that mislead class-transformer, which asks a value for its `constructor`. */
const misleadingKeys: ReadonlySet<string> = new Set(['constructor', 'prototype']);

/** Is a body assigned as it is? */
export function isAssigned(
  type: TypeClass,
  { fieldCase }: ResolvedJsonCodecOptions,
  transformer?: ClassTransformer,
): boolean {
  const { fromJSON } = type as { fromJSON?: unknown };
  if (tracedTypeOf(type) !== undefined || typeof fromJSON === 'function') return false;
  return fieldCase === 'exact' && transformer?.handles(type) !== true;
}

export function reviverFor(type: TypeClass, options: ResolvedJsonCodecOptions, transformer?: ClassTransformer): Revive {
  const traced = tracedTypeOf(type);
  if (traced !== undefined) return byUnwrapping(type, reviverFor(traced, options, transformer));
  const { fromJSON } = type as { fromJSON?: unknown };
  if (typeof fromJSON === 'function') return byFromJson(type, (body) => fromJSON.call(type, body) as unknown);
  const taken = protectedKeys(new (type as Concrete)());
  const handler = transformer?.handles(type) ? transformer : undefined;
  const matcher = options.fieldCase === 'go' ? new KeyMatcher(handler) : undefined;
  const named = (body: Body): Body => matcher?.match(body, type) ?? body;
  return handler
    ? byTransformer(type, taken, named, handler, options.maxKeysPerObject ?? DECORATED_KEYS)
    : byAssigning(type, taken, named);
}

/**
 * Keys that a body may not give an instance: its methods and accessors, own and inherited, `toString` and `__proto__`
 * included. `constructor` is none: as an own key it is data.
 */
function protectedKeys(instance: object): ReadonlySet<string> {
  const seen = new Set(['constructor']);
  const keys = new Set<string>();
  for (let each: object | null = instance; each !== null; each = Object.getPrototypeOf(each) as object | null) {
    for (const [key, { value, get, set }] of Object.entries(Object.getOwnPropertyDescriptors(each))) {
      // What stands nearer hides what is inherited: a field called `valueOf` is a field.
      if (seen.has(key)) continue;
      seen.add(key);
      if (typeof value === 'function' || get !== undefined || set !== undefined) keys.add(key);
    }
  }
  return keys;
}

/** The envelope of a traced Command. What Go leaves out, or has as `null`, is not set. */
function byUnwrapping(type: TypeClass, inner: Revive): Revive {
  const Class = type as unknown as new (command: unknown) => TraceCommand;
  return (body) => {
    requireObject(body);
    const { MapCarrier = null, Cmd = null } = body ?? {};
    requireObject(MapCarrier);
    const made = new Class(inner(Cmd));
    made.carrier = MapCarrier && new Map(Object.entries(MapCarrier).map(([key, value]) => [key, textOf(key, value)]));
    return made;
  };
}

function textOf(key: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw refused(`"${peerText(key)}" of MapCarrier must be a string, not ${typeNameOf(value)}`);
}

function byFromJson(type: TypeClass, fromJSON: Revive): Revive {
  return (body) => {
    try {
      const given = fromJSON(body);
      return given instanceof type ? given : noInstance(requireSync('BAD_PAYLOAD', 'it', given));
    } catch (error) {
      throw refused(`fromJSON refused the body: ${peerText(messageOf(error))}`, error);
    }
  };
}

function byAssigning(type: TypeClass, taken: ReadonlySet<string>, named: (body: Body) => Body): Revive {
  const Class = type as unknown as Concrete;
  return (body) => {
    requireObject(body);
    // What stands under another letter case would be assigned all the same.
    const fields = body && named(body);
    for (const key in fields) if (taken.has(key)) throw protectedKey(key);
    try {
      return Object.assign(new Class(), fields);
    } catch (error) {
      throw refused(`the body cannot be assigned: ${peerText(messageOf(error))}`, error);
    }
  };
}

function byTransformer(
  type: TypeClass,
  taken: ReadonlySet<string>,
  named: (body: Body) => Body,
  transformer: ClassTransformer,
  maxKeysPerObject: number,
): Revive {
  const exposed = transformer.exposed(type);
  return (body) => {
    requireObject(body);
    checkKeys(body, misleadingKeys, maxKeysPerObject);
    const fields = named(body ?? {});
    // A method or accessor that is exposed is meant to be in the body; class-transformer itself keeps methods.
    for (const key in fields) if (taken.has(key) && !exposed.has(key)) throw protectedKey(key);
    try {
      const made = transformer.toInstance(type, fields);
      return made instanceof type ? made : noInstance(made);
    } catch (error) {
      throw refused(`class-transformer refused the body: ${peerText(messageOf(error))}`, error);
    }
  };
}

/** `null` is the zero value, as in Go. */
function requireObject(body: unknown): asserts body is Body | null {
  if (typeof body === 'object' && !Array.isArray(body)) return;
  throw refused(`the body must be a JSON object, not ${Array.isArray(body) ? 'an array' : typeNameOf(body)}`);
}

function noInstance(value: unknown): never {
  throw new TypeError(`it gave ${typeNameOf(value)} instead of an instance`);
}

function protectedKey(key: string): CmdStreamError {
  return refused(`the key "${key}" names a method or accessor`);
}

function refused(reason: string, cause?: unknown): CmdStreamError {
  return new CmdStreamError('BAD_PAYLOAD', reason, cause === undefined ? {} : { cause });
}
