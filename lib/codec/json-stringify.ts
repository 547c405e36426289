// From values to JSON text: JSON.stringify, but bigints are written as digits, and what JSON would lose is an error that
// says where it stands instead of a silent null or an empty object.
import { types } from 'node:util';
import { peerText } from '../errors.js';

/** What is wrong, beginning with the path to it; undefined: nothing. */
type Fault = string | undefined;

/**
 * How JSON.stringify treats objects with one prototype: their fields are written, a Date is, a toJSON is asked, what is
 * boxed is written, next to nothing is written, or the same if they have no fields.
 */
type Kind = 'fields' | 'date' | 'asks' | 'boxed' | 'lossy' | 'tagged';

/** No fault, but deeper than can be written: JSON.stringify, or the check of the depth, says what is wrong. */
const TOO_DEEP = 'too deep';

/** What a glance at a value says: all is seen and fine, what is seen is fine, or everything must be looked at. */
const SEEN = 0;
const UNSEEN = 1;
const DOUBTFUL = 2;
const FIRST_ELEMENTS = 3;

/** Marks a bigint: strings are written without lone surrogates, so no other value has it; a key may, but a colon follows it. */
const TAG = '\ud800';
const taggedBigint = /"\\ud800(-?\d+)"(?!:)/g;
const loneSurrogates = /\p{Surrogate}/gu;

/** What cannot be written, and where; its message needs the name of the value in front. */
export class LossError extends TypeError {}

/** Writes values of one class, whose parts tend to have the same prototypes again and again. */
export class JsonWriter {
  readonly #maxDepth: number;
  readonly #kinds = new WeakMap<object, Kind>();
  #rootPrototype: object | null | undefined;
  #lastPrototype: object | null = null;
  #lastKind: Kind = 'fields';
  #hasBigint = false;
  /** A toJSON is asked, and may give what would be lost. */
  #asks = false;

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  /** @throws what a getter or toJSON throws, or a LossError */
  write(value: object): string {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return this.#writeGiven(value, toJSON.call(value, ''));
    const glance = this.#isRoot(value) ? this.#glance(value, 1) : DOUBTFUL;
    if (glance === DOUBTFUL) return this.#writeChecked(value, value);
    const text = this.#attempt(value);
    const isFine = text !== undefined && !text.includes('\\ud') && (glance === SEEN || !mayBeLossy(text));
    return isFine ? text : this.#writeChecked(value, value, text);
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
    // Of what a toJSON gives no other toJSON is asked.
    const asksAgain = typeof given === 'object' && given !== null && asksToJson(given);
    return asksAgain ? this.#writeExactly(value) : this.#writeChecked(value, given);
  }

  /** Most values are of the class itself: whether that is an odd one is seen once. */
  #isRoot(value: object): boolean {
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === this.#rootPrototype) return true;
    if (this.#kindOf(value) !== 'fields') return false;
    this.#rootPrototype = prototype;
    return true;
  }

  /**
   * A glance at the fields, as cheap as it can be: what is seen to be fine needs no more. Of a long list only the first
   * elements are looked at; what is lost in others leaves a trace in the text.
   */
  #glance(value: object, depth: number): number {
    if (depth > this.#maxDepth) return DOUBTFUL;
    let glance = SEEN;
    for (const key in value) {
      const item = (value as Record<string, unknown>)[key];
      if (typeof item === 'string' || typeof item === 'boolean') continue;
      if (typeof item === 'number') {
        // Not 0 for NaN and the infinities.
        if (item - item !== 0) return DOUBTFUL;
      } else if (typeof item === 'object') {
        if (item === null) continue;
        glance |= this.#glanceInto(item, depth + 1);
        if (glance >= DOUBTFUL) return glance;
      } else if (typeof item !== 'undefined' && (typeof item !== 'function' || key === 'toJSON')) return DOUBTFUL;
    }
    return glance;
  }

  #glanceInto(value: object, depth: number): number {
    if (Array.isArray(value)) return this.#glanceAtList(value, depth);
    const kind = this.#kindOf(value);
    if (kind === 'fields') return this.#glance(value, depth);
    if (kind === 'asks') return UNSEEN;
    return kind === 'date' && !Number.isNaN((value as Date).getTime()) ? SEEN : DOUBTFUL;
  }

  #glanceAtList(list: readonly unknown[], depth: number): number {
    if (depth > this.#maxDepth) return DOUBTFUL;
    const most = Math.min(list.length, FIRST_ELEMENTS);
    let glance = most < list.length ? UNSEEN : SEEN;
    for (let index = 0; index < most; index++) {
      const item = list[index];
      if (typeof item === 'number') {
        if (item - item !== 0) return DOUBTFUL;
      } else if (typeof item === 'object') {
        if (item === null) continue;
        glance |= this.#glanceInto(item, depth + 1);
        if (glance >= DOUBTFUL) return glance;
      } else if (typeof item === 'bigint' || typeof item === 'symbol' || typeof item === 'function') return DOUBTFUL;
    }
    return glance;
  }

  /** Looks at everything in `given`, which is what is written of `value`, as `written` if that is there. */
  #writeChecked(value: object, given: unknown, written?: string): string {
    this.#hasBigint = this.#asks = false;
    const fault = this.#faultOf(given, 0, false);
    if (fault !== undefined && fault !== TOO_DEEP) throw new LossError(fault);
    if (this.#hasBigint) return this.#writeExactly(value);
    const text = written ?? this.#attempt(given);
    const isDoubtful = text === undefined || text.includes('\\ud') || (this.#asks && mayBeLossy(text));
    return isDoubtful ? this.#writeExactly(value) : text;
  }

  /** Undefined too if it fails, perhaps because of a bigint: the exact way throws what else it was. */
  #attempt(value: unknown): string | undefined {
    try {
      return JSON.stringify(value);
    } catch {
      return undefined;
    }
  }

  #faultOf(value: unknown, depth: number, isElement: boolean): Fault {
    switch (typeof value) {
      case 'number':
        return Number.isFinite(value) ? undefined : ` is ${value}, which JSON cannot express`;
      case 'object':
        return value === null ? undefined : this.#objectFault(value, depth);
      case 'bigint':
        this.#hasBigint = true;
        return undefined;
      case 'symbol':
        return lost(value);
      case 'function':
        return isElement ? lost(value) : undefined;
      default:
        return undefined;
    }
  }

  #objectFault(value: object, depth: number): Fault {
    if (Array.isArray(value)) return this.#elementsFault(value, depth + 1);
    const kind = this.#kindOf(value);
    if (kind === 'fields') return this.#fieldsFault(value, depth + 1);
    if (kind === 'date') return Number.isNaN((value as Date).getTime()) ? ' is an invalid Date' : undefined;
    if (kind === 'boxed') return this.#faultOf(value.valueOf(), depth, false);
    if (kind === 'asks') this.#asks = true;
    else if (kind === 'lossy' || Object.keys(value).length === 0) return lost(value);
    else return this.#fieldsFault(value, depth + 1);
    return undefined;
  }

  #elementsFault(list: readonly unknown[], depth: number): Fault {
    if (depth > this.#maxDepth) return TOO_DEEP;
    for (let index = 0; index < list.length; index++) {
      const item = list[index];
      if (typeof item === 'string') continue;
      const fault = this.#faultOf(item, depth, true);
      if (fault !== undefined) return fault === TOO_DEEP ? fault : `[${index}]${fault}`;
    }
    return undefined;
  }

  #fieldsFault(value: object, depth: number): Fault {
    if (depth > this.#maxDepth) return TOO_DEEP;
    for (const key in value) {
      const item = (value as Record<string, unknown>)[key];
      if (typeof item === 'string') continue;
      if (typeof item === 'function') this.#asks ||= key === 'toJSON';
      const fault = this.#faultOf(item, depth, false);
      // What is inherited is not written, and what has a toJSON of its own is not written as it is.
      if (fault === undefined || !Object.hasOwn(value, key)) continue;
      if (asksToJson(value)) break;
      return fault === TOO_DEEP ? fault : segment(key) + fault;
    }
    return undefined;
  }

  /** Some times slower: looks at everything as JSON.stringify is about to write it. */
  #writeExactly(value: object): string {
    const paths = new Map<object, string>();
    let bigints = 0;
    const kindOfWritten = (item: object): Kind => (Array.isArray(item) ? 'fields' : this.#kindOf(item));
    const text = JSON.stringify(value, function (this: object, key, item: unknown) {
      const holder = paths.get(this);
      const path = holder === undefined ? '' : holder + (Array.isArray(this) ? `[${key}]` : segment(key));
      if (typeof item === 'string') return item.replace(loneSurrogates, '\ufffd');
      if (typeof item === 'bigint') {
        bigints++;
        return TAG + item;
      }
      const fault = writtenFault(item, Array.isArray(this), kindOfWritten);
      if (fault !== undefined) throw new LossError(path + fault);
      if (typeof item === 'object' && item !== null) paths.set(item, path);
      return item;
    }) as string | undefined;
    if (text === undefined) throw new LossError(' is nothing that JSON can express: so its toJSON() says');
    return bigints === 0 ? text : text.replace(taggedBigint, '$1');
  }

  #kindOf(value: object): Kind {
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === this.#lastPrototype) return this.#lastKind;
    const kind = prototype === null ? 'fields' : (this.#kinds.get(prototype) ?? kindOf(value));
    if (prototype !== null) this.#kinds.set(prototype, kind);
    this.#lastPrototype = prototype;
    this.#lastKind = kind;
    return kind;
  }
}

function kindOf(value: object): Kind {
  if (types.isBoxedPrimitive(value)) return 'boxed';
  if (types.isDate(value)) return 'date';
  if (asksToJson(value)) return 'asks';
  if (isLossy(value)) return 'lossy';
  return Symbol.toStringTag in value ? 'tagged' : 'fields';
}

/** JSON.stringify writes `{}` for it, or an index for each byte. */
function isLossy(value: object): boolean {
  const { isMap, isSet, isRegExp, isNativeError, isAnyArrayBuffer, isPromise, isWeakMap, isWeakSet } = types;
  const kinds = [isMap, isSet, isRegExp, isNativeError, isAnyArrayBuffer, isPromise, isWeakMap, isWeakSet];
  return ArrayBuffer.isView(value) || kinds.some((is) => is(value));
}

/** `item` is what a toJSON has given, if there was one: a Date among that is written as `{}`. */
function writtenFault(item: unknown, isElement: boolean, kindOfWritten: (item: object) => Kind): Fault {
  if (typeof item === 'number' && !Number.isFinite(item)) return ` is ${item}, which JSON cannot express`;
  if (typeof item === 'symbol' || (typeof item === 'function' && isElement)) return lost(item);
  if (typeof item !== 'object' || item === null) return undefined;
  const kind = kindOfWritten(item);
  const isLost = kind === 'lossy' || kind === 'date' || (kind === 'tagged' && Object.keys(item).length === 0);
  return isLost ? lost(item) : undefined;
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
  return ` is ${article} ${peerText(what)}, which JSON cannot express: convert it, give its field @Type(), or its class a toJSON()`;
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

/** Where JSON.stringify fails: the path to what throws when it is read, or contains itself. Undefined if it is not found. */
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
