// How deep JSON text is, how many tokens it has, and how complex it is: checked before anything is built of it, in time
// linear to its length; the first two also of text that is written. The scan assumes valid JSON; of other text it may
// say anything, JSON.parse refuses that.
import { CmdStreamError } from '../../errors.js';

export interface StructureLimits {
  readonly maxDepth: number;
  readonly maxTokens: number;
}

export const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
export const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;
const SMALL_E = 0x65;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Refuses text that is nested too deep or has too many tokens. Most text is seen at a glance to be within both.
 *
 * @throws {CmdStreamError} JSON_LIMIT
 */
export function checkStructure(text: string, limits: StructureLimits): void {
  if (text.length > limits.maxTokens || mayBeDeep(text, limits.maxDepth)) countStructure(text, limits);
}

/** `"":0,` */
const LEAST_KEY_LENGTH = 5;

/**
 * As {@link checkStructure}, and refuses text that would take long to be made values of. Gives how many keys it has at
 * most.
 *
 * @throws {CmdStreamError} JSON_LIMIT
 */
export function checkReceived(text: string, limits: StructureLimits, maxComplexity: number): number {
  if (text.length * MOST_OF_LETTER > maxComplexity) return countStructure(text, limits, maxComplexity);
  checkStructure(text, limits);
  return Math.floor(text.length / LEAST_KEY_LENGTH);
}

/** Has the text enough brackets to be nested deeper than that? Those in strings count too. */
function mayBeDeep(text: string, maxDepth: number): boolean {
  if (text.length < 2 * (maxDepth + 1)) return false;
  let openers = 0;
  for (let at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at + 1)) if (++openers > maxDepth) return true;
  for (let at = text.indexOf('['); at >= 0; at = text.indexOf('[', at + 1)) if (++openers > maxDepth) return true;
  return false;
}

function countStructure(
  text: string,
  { maxDepth, maxTokens }: StructureLimits,
  maxComplexity = Number.POSITIVE_INFINITY,
): number {
  const order = maxComplexity === Number.POSITIVE_INFINITY ? undefined : new KeyOrder(text, maxDepth);
  let room = maxComplexity;
  let keys = 0;
  let isBehindKey = false;
  let depth = 0;
  let tokens = 0;
  let start = 0;
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code <= SPACE) continue;
    if (code === COLON) {
      keys++;
      isBehindKey = true;
      // It was taken for an item.
      if (order) room += ITEM + moreOfText(end - start) - order.weightOf(start, end, depth);
      continue;
    }
    if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
      depth--;
      continue;
    }
    if (++tokens > maxTokens)
      throw new CmdStreamError('JSON_LIMIT', `JSON has more than maxTokens (${maxTokens}) tokens`);
    if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      if (++depth > maxDepth)
        throw new CmdStreamError('JSON_LIMIT', `JSON is nested deeper than maxDepth (${maxDepth})`);
      room -= code === OPEN_ARRAY ? (isBehindKey ? ITEM : LIST) : isBehindKey ? INNER_OBJECT : OBJECT;
      if (code === OPEN_OBJECT) order?.open(depth);
    } else {
      start = at;
      end = code === QUOTE ? endOfString(text, at) : endOfScalar(text, at);
      at = end - 1;
      room -= isBehindKey ? VALUE : ITEM;
      room -= code === QUOTE ? moreOfText(end - start) : moreOfNumber(text, start, end);
    }
    if (room < 0) throw new CmdStreamError('JSON_LIMIT', `JSON is more complex than maxComplexity (${maxComplexity})`);
    isBehindKey = false;
  }
  return keys;
}

// What parts of a text weigh, after the time that JSON.parse and validation pipes take. JSON.parse is quick with
// objects that have the keys of the one before, in their order, and slow with each that has others. It looks up each
// short text among those that it knows. A pipe may make an error for each item of a list.

/** A text, a number, `true`, `false` or `null` in a list; a list behind a key. */
const ITEM = 1;
/** Any other list: a pipe has more to say of it. */
const LIST = ITEM + ITEM / 2;
/** A text, a number, `true`, `false` or `null` behind a key. */
const VALUE = ITEM / 2;
/** What a text of up to ten letters weighs more. */
const SHORT = (ITEM * 5) / 8;
const SHORT_LENGTH = 10 + 2;
/** What a number of 17 digits weighs more, and one of further digits: they may take long to be rounded. */
const LONG = ITEM;
const LONGER = 3 * ITEM;
/** For so many of those further digits it weighs as much as an item more. */
const FURTHER_DIGITS = 16;
/** In a list. */
const OBJECT = 2 * ITEM;
/** Behind a key. */
const INNER_OBJECT = 6 * ITEM;
/** A key behind the one that it was behind before. */
const KNOWN_KEY = ITEM / 4;
/** Of one object: those that have more are kept in another way, and in more time. */
const MOST_KNOWN = 100;
/** Any other key. */
const KEY = 4 * ITEM;
/** Any other key that is a number, or may be: objects keep these apart, in their order. */
const INDEX = 9 * ITEM;
/** Nothing weighs more for its letters than objects in objects, `"0":{}`. */
export const MOST_OF_LETTER = (INDEX + INNER_OBJECT) / 6;

/** Of the table of keys, in bits: many more than a text within the default can have of those that weigh most. */
const ORDER_BITS = 18;

/** Which key came behind which, by their hashes, which no peer can foresee. */
class KeyOrder {
  readonly #text: string;
  readonly #next = new Uint32Array(2 ** ORDER_BITS);
  readonly #seed = Math.trunc(Math.random() * 2 ** 31);
  /** Of the objects that are open, one inside the other. */
  readonly #keys: Uint32Array;
  #last = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#keys = new Uint32Array(maxDepth + 1);
  }

  /** An object begins. */
  open(depth: number): void {
    this.#keys[depth] = 0;
  }

  /** Of the key between these places. */
  weightOf(start: number, end: number, depth: number): number {
    const isFew = ++this.#keys[depth]! <= MOST_KNOWN;
    if (this.#isKnown(start, end) && isFew) return KNOWN_KEY;
    return isIndex(this.#text, start, end) ? INDEX : KEY;
  }

  /** Did it come behind the last one before? */
  #isKnown(start: number, end: number): boolean {
    let hash = this.#seed;
    for (let at = start; at < end; at++) {
      hash = Math.imul(hash ^ this.#text.charCodeAt(at), 0x01000193);
      hash ^= hash >>> 15;
    }
    hash >>>= 0;
    const last = this.#last >>> (32 - ORDER_BITS);
    const isKnown = this.#next[last] === hash;
    this.#next[last] = this.#last = hash;
    return isKnown;
  }
}

/** No double needs more digits than that. */
const MOST_DIGITS = 17;
/** `e-300` */
const EXPONENT_LENGTH = 5;

/** Of so many letters, with its quotes. */
function moreOfText(length: number): number {
  return length > SHORT_LENGTH ? 0 : SHORT;
}

/** What the number there weighs more than others. Zeros in front are no digits of it, nor is its exponent. */
function moreOfNumber(text: string, start: number, end: number): number {
  if (end - start < MOST_DIGITS) return 0;
  const further = digitsOf(text, start, end) - MOST_DIGITS;
  if (further <= 0) return further === 0 ? LONG : 0;
  return LONGER + ITEM * Math.trunc(further / FURTHER_DIGITS);
}

/** Exact where it matters, a little more than there are in numbers that are written in an odd way. */
function digitsOf(text: string, start: number, end: number): number {
  let first = text.charCodeAt(start) === MINUS ? start + 1 : start;
  let last = end;
  for (let at = end - 1; at >= end - EXPONENT_LENGTH; at--) if (isExponent(text.charCodeAt(at))) last = at;
  if (text.charCodeAt(first) === ZERO) {
    while (text.charCodeAt(first) === ZERO || text.charCodeAt(first) === DOT) first++;
    return last - first;
  }
  for (let at = first + 1; at <= first + MOST_DIGITS; at++) if (text.charCodeAt(at) === DOT) return last - first - 1;
  return last - first;
}

/** As `4294967294`, the largest. What is longer is a key like any other, such as a time in milliseconds. */
const MOST_INDEX_DIGITS = 10;
/** `\u0031` is `1`. */
const ESCAPED_DIGIT = String.raw`\u003`;

/** May the key between these places be an index of a list? Its digits may be escaped. */
function isIndex(text: string, start: number, end: number): boolean {
  if (end - start <= 2) return false;
  for (let at = start + 1; at < end - 1; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) return text.startsWith(ESCAPED_DIGIT, at);
    if (code < ZERO || code > NINE || at - start > MOST_INDEX_DIGITS) return false;
  }
  return true;
}

export function endOfString(text: string, start: number): number {
  const quote = text.indexOf('"', start + 1);
  if (quote < 0) return text.length;
  if (text.charCodeAt(quote - 1) !== BACKSLASH) return quote + 1;
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}

/** Is it the `e` or `E` of a number? */
export function isExponent(code: number): boolean {
  return (code | 0x20) === SMALL_E;
}

/** The end of a number, `true`, `false` or `null`. */
export function endOfScalar(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // A digit, a dot, a minus.
    if (code > COMMA && code < COLON) continue;
    if (isEndOfScalar(text, at)) return at;
  }
  return text.length;
}

export function isEndOfScalar(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === COMMA || code === CLOSE_ARRAY || code === CLOSE_OBJECT || code === COLON || code <= SPACE;
}
