// From values to JSON text: JSON.stringify, but bigints are written as digits, and what JSON would lose is an error
// that says where it stands instead of a silent null or an empty object.
//
//   glance at the value --(fine)--> JSON.stringify --> text
//             |                           └--(long lists, and a trace of a loss: glance at all elements)--> text, or
//             └--(a doubt)--> JSON.stringify that shows us each part as it is written --> text, or what is lost
import { types } from 'node:util';
import { ignoreRejection } from '../../callbacks.js';
import { peerText } from '../../errors.js';
import { checkStructure, type StructureLimits } from './json-structure.js';

/** What is wrong, beginning with the path to it; undefined: nothing. */
type Fault = string | undefined;

/**
 * How JSON.stringify treats objects with one prototype: their fields are written, a Date is, a toJSON is asked, what is
 * boxed is written, next to nothing is written, or the same if they have no fields. A toJSON that is `new` may still
 * give promises: what it gives was not looked at so far.
 */
type Kind = 'fields' | 'date' | 'asks' | 'new' | 'boxed' | 'lossy' | 'tagged';

/** What a glance finds. The larger one counts. */
const FINE = 0;
/** Fine as far as was looked: a list has further elements. */
const PARTLY = 1;
/** Fine, but what a toJSON gives is not known. */
const ASKS = 2;
const DOUBTFUL = 4;
/** Elements that are looked at of a list that is not short. */
const FIRST_ELEMENTS = 3;
const SHORT_LIST = 16;

/**
 * Marks a bigint: strings are written without lone surrogates, so no other value has it; a key may, but a colon follows
 * it.
 */
const TAG = '\ud800';
const taggedBigint = /"\\ud800(-?\d+)"(?!:)/g;
const loneSurrogates = /\p{Surrogate}/gu;

/** What cannot be written, and where; its message needs the name of the value in front. */
export class LossError extends TypeError {}

/** Writes values of one class, whose parts tend to have the same prototypes again and again. */
export class JsonWriter {
  readonly #limits: StructureLimits;
  readonly #glance: Glance;
  readonly #kinds = new Kinds();
  /** Read-only to others: all of the value that was written last was looked at, and nothing doubted of it. */
  wasFine = false;

  constructor(limits: StructureLimits) {
    this.#limits = limits;
    this.#glance = new Glance(limits.maxDepth, this.#kinds);
  }

  /** @throws what a getter or toJSON throws, or a LossError */
  write(value: object): string {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return this.#writeGiven(value, toJSON.call(value, ''));
    return this.#writeFast(value) ?? this.#writeExactly(value);
  }

  /** Checks what was written last. @throws {CmdStreamError} JSON_LIMIT */
  checkLimits(text: string): void {
    if (!this.wasFine || text.length > this.#limits.maxTokens) checkStructure(text, this.#limits);
  }

  /**
   * What class-transformer has made of a value is written; of what it has no rule for it makes an object of its fields.
   * `nameOf`: what a field of the value is called in `plain`.
   */
  writeTransformed(value: object, plain: object, nameOf: (field: string) => string): string {
    const fault = transformedFault(value, plain, nameOf);
    if (fault !== undefined) throw new LossError(fault);
    return this.write(plain);
  }

  #writeGiven(value: object, given: unknown): string {
    if (typeof given !== 'object' || given === null) return this.#writeFast(given) ?? this.#writeExactly(value);
    if (ignoreRejection(given)) throw new LossError(promised);
    // Of what a toJSON gives no other toJSON is asked.
    return (asksToJson(given) ? undefined : this.#writeFast(given)) ?? this.#writeExactly(value);
  }

  /** The text, if a glance and the text itself leave no doubt that nothing is lost. */
  #writeFast(value: unknown): string | undefined {
    const found = this.#glance.at(value, SHORT_LIST);
    this.wasFine = found === FINE;
    if (found >= DOUBTFUL) return undefined;
    const text = attempt(value);
    if (text === undefined || text.includes('\\ud')) return undefined;
    if (found === FINE || !mayBeLossy(text)) return text;
    return this.#glance.at(value, Number.POSITIVE_INFINITY) === FINE ? text : undefined;
  }

  /** Some times slower: looks at everything as JSON.stringify is about to write it. */
  #writeExactly(value: object): string {
    this.wasFine = false;
    const paths = new Map<object, string>();
    let bigints = 0;
    const kinds = this.#kinds;
    const prove = kinds.takeNew();
    const text = JSON.stringify(value, function (this: object, key, item: unknown) {
      const holder = paths.get(this);
      const path = holder === undefined ? '' : holder + (Array.isArray(this) ? `[${key}]` : segment(key));
      const written = typeof item === 'object' && types.isBoxedPrimitive(item) ? item.valueOf() : item;
      if (typeof written === 'string') return written.replace(loneSurrogates, '\ufffd');
      if (typeof written === 'bigint') {
        bigints++;
        return TAG + written;
      }
      const fault =
        written === null
          ? dateFault((this as Record<string, unknown>)[key])
          : writtenFault(written, Array.isArray(this), kinds);
      if (fault !== undefined) throw new LossError(path + fault);
      if (typeof written === 'object' && written !== null) paths.set(written, path);
      return written;
    }) as string | undefined;
    if (text === undefined) throw new LossError(' is nothing that JSON can express: so its toJSON() says');
    prove();
    return bigints === 0 ? text : text.replace(taggedBigint, '$1');
  }
}

/** Looks at a value before it is written, as cheaply as it can. What it doubts the exact way decides. */
class Glance {
  readonly #maxDepth: number;
  readonly #kinds: Kinds;
  /** Longest list all of whose elements are looked at. */
  #most = SHORT_LIST;

  constructor(maxDepth: number, kinds: Kinds) {
    this.#maxDepth = maxDepth;
    this.#kinds = kinds;
  }

  /**
   * `most`: the longest list that is looked at as a whole; what is lost in others mostly leaves a trace in the text.
   */
  at(value: unknown, most: number): number {
    this.#most = most;
    if (typeof value === 'object' && value !== null) return this.#into(value, this.#maxDepth);
    // Not fine is null here: an invalid Date may have given it.
    return value !== null && isFine(value) ? FINE : DOUBTFUL;
  }

  #into(value: object, levels: number): number {
    if (levels === 0) return DOUBTFUL;
    if (Array.isArray(value)) return this.#elements(value, levels - 1);
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype !== Object.prototype && prototype !== null) {
      const kind = this.#kinds.of(value, prototype);
      if (kind === 'asks') return ASKS;
      if (kind === 'date') return Number.isNaN((value as Date).getTime()) ? DOUBTFUL : FINE;
      if (kind !== 'fields') return DOUBTFUL;
    }
    let found = FINE;
    for (const key in value) {
      const item = (value as Record<string, unknown>)[key];
      if (typeof item === 'object' && item !== null) found |= this.#into(item, levels - 1);
      else if (!isFine(item) && (typeof item !== 'function' || key === 'toJSON')) return DOUBTFUL;
      if (found >= DOUBTFUL) break;
    }
    return found;
  }

  #elements(list: readonly unknown[], levels: number): number {
    const isShort = list.length <= this.#most;
    const most = isShort ? list.length : FIRST_ELEMENTS;
    let found = isShort ? FINE : PARTLY;
    for (let index = 0; index < most; index++) {
      const item = list[index];
      if (typeof item === 'object' && item !== null) found |= this.#into(item, levels);
      else if (!isFine(item)) return DOUBTFUL;
      if (found >= DOUBTFUL) break;
    }
    return found;
  }
}

/** What is written as it is, or left out, whatever is around it. */
function isFine(item: unknown): boolean {
  if (typeof item === 'string' || typeof item === 'boolean') return true;
  // Not 0 for NaN and the infinities.
  if (typeof item === 'number') return item - item === 0;
  return item === null || item === undefined;
}

/** The kinds of objects, by their prototypes. */
class Kinds {
  readonly #kinds = new WeakMap<object, Kind>();
  /** The two that were last found to be of the kind `fields`: a value and its parts often take turns. */
  #fields: object | null = null;
  #otherFields: object | null = null;
  /** The prototype that was last found to be of the kind `new`. */
  #new: object | undefined;

  of(value: object, prototype = Object.getPrototypeOf(value) as object | null): Kind {
    if (prototype === Object.prototype || prototype === null) return 'fields';
    if (prototype === this.#fields || prototype === this.#otherFields) return 'fields';
    const known = this.#kinds.get(prototype);
    const kind = known ?? kindOf(value, prototype);
    if (kind === 'new') {
      this.#new = prototype;
      return kind;
    }
    if (known === undefined) this.#kinds.set(prototype, kind);
    if (kind !== 'fields') return kind;
    this.#otherFields = this.#fields;
    this.#fields = prototype;
    return kind;
  }

  /** Gives what is to be called when all that its toJSON gives was looked at. */
  takeNew(): () => void {
    const prototype = this.#new;
    this.#new = undefined;
    return () => {
      if (prototype) this.#kinds.set(prototype, 'asks');
    };
  }
}

function kindOf(value: object, prototype: object): Kind {
  if (types.isBoxedPrimitive(value)) return 'boxed';
  if (types.isDate(value)) return 'date';
  if (asksToJson(prototype)) return 'new';
  if (isLossy(value)) return 'lossy';
  return Symbol.toStringTag in value ? 'tagged' : 'fields';
}

/** Undefined too if it fails, perhaps because of a bigint: the exact way throws what else it was. */
function attempt(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** JSON.stringify writes `{}` for it, or an index for each byte. */
function isLossy(value: object): boolean {
  const { isMap, isSet, isRegExp, isNativeError, isAnyArrayBuffer, isPromise, isWeakMap, isWeakSet } = types;
  const kinds = [isMap, isSet, isRegExp, isNativeError, isAnyArrayBuffer, isPromise, isWeakMap, isWeakSet];
  return ArrayBuffer.isView(value) || kinds.some((is) => is(value));
}

/** `item` is what a toJSON has given, if there was one: a Date among that is written as `{}`. */
function writtenFault(item: unknown, isElement: boolean, kinds: Kinds): Fault {
  if (typeof item === 'number' && !Number.isFinite(item)) return ` is ${item}, which JSON cannot express`;
  if (typeof item === 'symbol' || (typeof item === 'function' && isElement)) return lost(item);
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return undefined;
  if (types.isPromise(item) && ignoreRejection(item)) return promised;
  const kind = kinds.of(item);
  const isLost = kind === 'lossy' || kind === 'date' || (kind === 'tagged' && Object.keys(item).length === 0);
  return isLost ? lost(item) : undefined;
}

const promised = ' is a Promise, which JSON cannot express: await it first; a toJSON() must answer at once';

/** `value` is written as null. */
function dateFault(value: unknown): Fault {
  return types.isDate(value) && Number.isNaN(value.getTime()) ? ' is an invalid Date' : undefined;
}

function transformedFault(value: object, plain: object, nameOf: (field: string) => string): Fault {
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    const made = (plain as Record<string, unknown>)[nameOf(key)];
    if (typeof item !== 'object' || item === null || typeof made !== 'object' || made === null) continue;
    const fault = isLostIn(item, made) ? lost(item) : transformedFault(item, made, (field) => field);
    if (fault !== undefined) return (Array.isArray(value) ? `[${key}]` : segment(key)) + fault;
  }
  return undefined;
}

/** Maps, Sets and Buffers it knows; whatever a rule of the class has made of a value is meant. */
function isLostIn(item: object, made: object): boolean {
  if (types.isMap(item) || types.isSet(item) || asksToJson(item) || !isLossy(item)) return false;
  return ArrayBuffer.isView(item) ? !Array.isArray(made) && !asksToJson(made) : Object.keys(made).length === 0;
}

function asksToJson(value: object): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

function lost(value: unknown): string {
  const what = typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : typeof value;
  const article = /^[AEI]/.test(what) ? 'an' : 'a';
  const remedy = 'convert it, give its field @Type(), or its class a toJSON()';
  return ` is ${article} ${peerText(what)}, which JSON cannot express: ${remedy}`;
}

/** A toJSON may have given what is lost; what leaves no such trace is its own responsibility. */
function mayBeLossy(text: string): boolean {
  if (text.length < SHORT_TEXT) return lossyTrace.test(text);
  return text.includes('null') || text.includes('{}') || text.includes('{"0":');
}

const SHORT_TEXT = 256;
const lossyTrace = /null|\{(?:\}|"0":)/;

function segment(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${peerText(JSON.stringify(key))}]`;
}

const MOST_STEPS = 100_000;

/**
 * Where JSON.stringify fails: the path to what throws when it is read, or contains itself. Undefined if it is not
 * found.
 */
export function failingPath(value: unknown): string | undefined {
  let steps = 0;
  const visit = (item: unknown, key: string, above: readonly unknown[]): string | undefined => {
    if (typeof item !== 'object' || item === null || ++steps > MOST_STEPS) return undefined;
    let written: unknown = item;
    try {
      const { toJSON } = item as { toJSON?: unknown };
      if (typeof toJSON === 'function') written = toJSON.call(item, key);
      if (typeof written !== 'object' || written === null) return undefined;
      if (above.includes(written)) return '';
    } catch {
      return '';
    }
    for (const name of Object.keys(written)) {
      const part = Array.isArray(written) ? `[${name}]` : segment(name);
      let found: string | undefined;
      try {
        found = visit((written as Record<string, unknown>)[name], name, [...above, written]);
      } catch {
        found = '';
      }
      if (found !== undefined) return part + found;
    }
    return undefined;
  };
  return visit(value, '', []);
}
