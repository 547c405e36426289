// From JSON text to plain values: JSON.parse, made strict about keys that lead to a prototype, about numbers that it
// would change, and about lone surrogates. How deep the text is, and how many tokens it has, is checked before anything
// is built, in time linear to its length; the same check is made of text that is written.
import { CmdStreamError, messageOf, peerText } from '../../errors.js';
import { LARGE_KEYS, type DataLimits, type ResolvedJsonCodecOptions } from './json-codec-options.js';
import {
  BACKSLASH,
  checkReceived,
  endOfScalar,
  endOfString,
  isEndOfScalar,
  isExponent,
  QUOTE,
} from './json-structure.js';

const PROTO = '__proto__';
const protoKeys: ReadonlySet<string> = new Set([PROTO]);

/** What is allowed of what is received: keys of one object, and how complex all of it may be. */
export interface ReceivedLimits {
  readonly maxKeys: number;
  readonly maxComplexity: number;
}

/** @throws {CmdStreamError} JSON_LIMIT, BAD_PAYLOAD, UNSAFE_INTEGER */
export function parseJson(
  text: string,
  options: ResolvedJsonCodecOptions,
  { maxKeys, maxComplexity }: ReceivedLimits,
): unknown {
  const keys = checkReceived(text, options, maxComplexity);
  const escaped = text.includes('\\u');
  const wellFormed = escaped ? replaceLoneSurrogates(text) : text;
  const value = parse(wellFormed);
  if (isFlat(value)) {
    if (keys > maxKeys) checkKeys(value, protoKeys, maxKeys);
    return value;
  }
  if (keys > maxKeys || escaped || text.includes(PROTO)) checkKeys(value, protoKeys, maxKeys);
  const largest = mayOverflow(text) ? largestNumber(value) : 0;
  if (largest <= Number.MAX_SAFE_INTEGER) return value;
  return readNumbers(wellFormed, value, options.unsafeIntegers, largest === Number.POSITIVE_INFINITY);
}

/** Is it a value without values inside, no number among them that JSON.parse may have changed, and no odd key? */
function isFlat(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isUnchanged(value);
  if (Array.isArray(value)) return false;
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === 'object' ? item !== null : !isUnchanged(item)) return false;
    if (key === PROTO) return false;
  }
  return true;
}

/** Is it no number that JSON.parse may have changed? */
function isUnchanged(value: unknown): boolean {
  return typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

/** Of all numbers in it, whatever their signs. Of what no double can hold JSON.parse has made Infinity. */
function largestNumber(value: unknown): number {
  if (typeof value === 'number') return Math.abs(value);
  if (typeof value !== 'object' || value === null) return 0;
  let largest = 0;
  if (Array.isArray(value)) for (const item of value) largest = Math.max(largest, largestNumber(item));
  else for (const key in value) largest = Math.max(largest, largestNumber((value as Record<string, unknown>)[key]));
  return largest;
}

/**
 * JSON that belongs to no type of a contract. Integers are rounded as JSON.parse does; what no double can hold is
 * refused.
 *
 * @throws {CmdStreamError} BAD_PAYLOAD, JSON_LIMIT
 */
export function parseData(text: string, limits: DataLimits): unknown {
  const { maxKeysPerObject: maxKeys = Number.POSITIVE_INFINITY, maxComplexity = Number.POSITIVE_INFINITY } = limits;
  const keys = checkReceived(text, limits, maxComplexity);
  const value = parse(text);
  if (keys > maxKeys || text.includes('\\u') || text.includes(PROTO)) checkKeys(value, protoKeys, maxKeys);
  if (mayOverflow(text) && largestNumber(value) === Number.POSITIVE_INFINITY)
    replaceNumbers(text, refuseOverflow, refuseOverflow);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // The error quotes the text as it came; it is not kept as the cause.
    throw new CmdStreamError(
      'BAD_PAYLOAD',
      text === '' ? 'the body is empty' : `no JSON: ${peerText(messageOf(error))}`,
    );
  }
}

// Its keys.

/**
 * Looks at the keys of all objects, at any depth.
 *
 * @throws {CmdStreamError} BAD_PAYLOAD for a refused key, JSON_LIMIT for too many
 */
export function checkKeys(
  value: unknown,
  refused: ReadonlySet<string>,
  maxKeysPerObject = Number.POSITIVE_INFINITY,
): void {
  new KeyCheck(refused, maxKeysPerObject).look(value);
}

class KeyCheck {
  readonly #refused: ReadonlySet<string>;
  readonly #max: number;
  /** Keys of all objects that are large: many of them would take as long as one that is larger. */
  #large = 0;

  constructor(refused: ReadonlySet<string>, max: number) {
    this.#refused = refused;
    this.#max = max;
  }

  look(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === 'object') this.look(item);
      return;
    }
    const keys = Object.keys(value);
    this.#count(keys.length);
    for (const key of keys) {
      if (this.#refused.has(key)) throw new CmdStreamError('BAD_PAYLOAD', `the key "${key}" is refused`);
      const item = (value as Record<string, unknown>)[key];
      if (typeof item === 'object') this.look(item);
    }
  }

  #count(keys: number): void {
    if (keys > LARGE_KEYS) this.#large += keys;
    if (keys <= this.#max && this.#large <= this.#max) return;
    const what = keys > this.#max ? `an object of ${keys} keys` : `large objects of ${this.#large} keys together`;
    throw new CmdStreamError('JSON_LIMIT', `${what} exceeds maxKeysPerObject (${this.#max})`);
  }
}

// Its numbers: integers beyond ±(2^53-1), which JSON.parse rounds, and what no double can hold.

const LARGEST_SAFE = String(Number.MAX_SAFE_INTEGER);
const LEAST_UNSAFE_DIGITS = LARGEST_SAFE.length;
/** Of the largest number that a double can hold, and those of no fraction behind it. */
const MOST_DIGITS = 308;
const MAX_BIGINT_DIGITS = 1024;
const MINUS = 0x2d;
const ZERO = 0x30;
const SMALL_A = 0x61;
const SMALL_F = 0x66;
const SMALL_U = 0x75;

/** Marks the digits of a bigint in a string: text without lone surrogates cannot contain it. */
const TAG = '\ud800';
const tagged = /^\ud800(-?\d+)$/;

/** Are there 16 digits in a row, in or outside strings? Every integer beyond 2^53-1 has as many. */
export function hasLongDigitRun(text: string): boolean {
  // A run of 16 covers one of every 16 places.
  for (let at = LEAST_UNSAFE_DIGITS - 1; at < text.length; at += LEAST_UNSAFE_DIGITS) {
    if (!isDigit(text.charCodeAt(at))) continue;
    let first = at;
    while (first > 0 && isDigit(text.charCodeAt(first - 1))) first--;
    let end = at + 1;
    while (end < text.length && isDigit(text.charCodeAt(end))) end++;
    if (end - first >= LEAST_UNSAFE_DIGITS) return true;
  }
  return false;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= ZERO + 9;
}

/** May there be a number that JSON.parse changes? It has as many digits, or an exponent of three. */
function mayOverflow(text: string): boolean {
  if (hasLongDigitRun(text)) return true;
  if (text.length < SHORT_TEXT) return exponent.test(text);
  return mayHaveExponent(text, 'e') || mayHaveExponent(text, 'E');
}

const exponent = /\d[eE][+\d]\d\d/;
/** A look at all of a shorter text takes less time than jumps from letter to letter. */
const SHORT_TEXT = 512;
const FEW_LETTERS = 4;

/** Most JSON of many numbers has few letters, where jumping from one to the next is fastest. */
function mayHaveExponent(text: string, letter: string): boolean {
  let at = text.indexOf(letter);
  for (let seen = 0; at >= 0; at = text.indexOf(letter, at + 1)) {
    if (isDigit(text.charCodeAt(at - 1)) && isDigit(text.charCodeAt(at + 3))) return true;
    if (++seen === FEW_LETTERS) return exponentBehind(text, at);
  }
  return false;
}

function exponentBehind(text: string, at: number): boolean {
  const next = new RegExp(exponent, 'g');
  next.lastIndex = at;
  return next.test(text);
}

/** `value` is what JSON.parse made of the text, so the text is valid. */
function readNumbers(text: string, value: unknown, unsafeIntegers: 'reject' | 'bigint', hasOverflow: boolean): unknown {
  const readInteger = unsafeIntegers === 'bigint' ? taggedBigint : refuseRounded;
  const rewritten = replaceNumbers(text, readInteger, hasOverflow ? refuseOverflow : undefined);
  return rewritten === text ? value : readTags(JSON.parse(rewritten));
}

function taggedBigint(literal: string): string {
  if (literal.length <= MAX_BIGINT_DIGITS) return `"${TAG}${literal}"`;
  throw new CmdStreamError(
    'UNSAFE_INTEGER',
    `an integer of ${literal.length} digits is longer than ${MAX_BIGINT_DIGITS}`,
  );
}

/** An integer that a double holds exactly, or that is written back with the same digits, is a number like any other. */
function refuseRounded(literal: string): undefined {
  if (isSurelyExact(literal)) return;
  const value = Number(literal);
  if (String(value) === literal || isExact(value, literal)) return;
  const hint = "beyond 2^53-1 and would be rounded; the option unsafeIntegers: 'bigint' reads it exactly";
  throw new CmdStreamError('UNSAFE_INTEGER', `the integer ${peerText(literal)} is ${hint}`);
}

/** Less than 2^53 by more than what the sums below are rounded. */
const SURELY_EXACT = 2 ** 53 - 2 ** 20;
const MOST_SURE_DIGITS = 25;

/**
 * May the integer be divided by 2 until what is left fits into the 53 bits of a double? Its last 32 bits say how often.
 * This is enough for most, in a fraction of the time in which one is made a number.
 */
function isSurelyExact(literal: string): boolean {
  if (literal.length > MOST_SURE_DIGITS) return false;
  let size = 0;
  let last = 0;
  for (let at = literal.charCodeAt(0) === MINUS ? 1 : 0; at < literal.length; at++) {
    const digit = literal.charCodeAt(at) - ZERO;
    size = size * 10 + digit;
    last = (Math.imul(last, 10) + digit) | 0;
  }
  const lowest = last === 0 ? 2 ** 32 : (last & -last) >>> 0;
  return size / lowest < SURELY_EXACT;
}

function isExact(value: number, literal: string): boolean {
  if (Math.abs(value) < 1e21) return value.toFixed(0) === literal;
  return Number.isFinite(value) && BigInt(value) === BigInt(literal);
}

function refuseOverflow(literal: string): undefined {
  if (Number.isFinite(Number(literal))) return;
  throw new CmdStreamError('BAD_PAYLOAD', `the number ${peerText(literal)} is larger than a double can hold`);
}

function readTags(value: unknown): unknown {
  if (typeof value === 'string') {
    const digits = tagged.exec(value)?.[1];
    return digits === undefined ? value : BigInt(digits);
  }
  if (typeof value !== 'object') return value;
  const items = value as Record<string, unknown>;
  for (const key in items) items[key] = readTags(items[key]);
  return items;
}

/** What a number is replaced by; undefined: it stays. */
type Replace = (literal: string) => string | undefined;

/**
 * The text with numbers replaced that JSON.parse would change: `unsafeInteger` is asked about integers beyond
 * ±(2^53-1), `overflow` about numbers with a fraction or an exponent that no double may be able to hold.
 */
function replaceNumbers(text: string, unsafeInteger: Replace, overflow?: Replace): string {
  let result = '';
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at) - 1;
    } else if (code === MINUS || isDigit(code)) {
      const digitsEnd = endOfDigits(text, at + 1);
      const end = isEndOfScalar(text, digitsEnd) ? digitsEnd : endOfScalar(text, digitsEnd);
      const replace = end === digitsEnd ? unsafeInteger : overflow;
      if (replace && mayChange(text, at, digitsEnd, end)) {
        const replaced = replace(text.slice(at, end));
        if (replaced !== undefined) {
          result += text.slice(copied, at) + replaced;
          copied = end;
        }
      }
      at = end - 1;
    }
  }
  return copied === 0 ? text : result + text.slice(copied);
}

/** Of most numbers a look at their length is enough. */
function mayChange(text: string, start: number, digitsEnd: number, end: number): boolean {
  if (digitsEnd === end) return isUnsafe(text, text.charCodeAt(start) === MINUS ? start + 1 : start, end);
  return end - start > MOST_DIGITS || hasExponent(text, digitsEnd, end);
}

function endOfDigits(text: string, start: number): number {
  let at = start;
  while (isDigit(text.charCodeAt(at))) at++;
  return at;
}

/** Are the digits an integer beyond 2^53-1? They do not begin with a zero. */
function isUnsafe(text: string, start: number, end: number): boolean {
  const digits = end - start;
  if (digits !== LEAST_UNSAFE_DIGITS) return digits > LEAST_UNSAFE_DIGITS;
  for (let at = start; at < end; at++) {
    const difference = text.charCodeAt(at) - LARGEST_SAFE.charCodeAt(at - start);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function hasExponent(text: string, from: number, end: number): boolean {
  for (let at = from; at < end; at++) if (isExponent(text.charCodeAt(at))) return true;
  return false;
}

// Its strings.

const escapedSurrogate = /\\u[dD][89a-fA-F]/;
/** Behind `\u` of the one that replaces it. */
const REPLACED = Buffer.from('fffd');
const ANY_ESCAPE = 2;
/** `\ud800` */
const SURROGATE_ESCAPE = 6;
/** Its second digit, of a high and of a low one. */
const HIGH = 0x8;
const LOW = 0xc;

/** Lone surrogates are no characters; as in Go, U+FFFD stands for each. Its escape is as long as theirs. */
function replaceLoneSurrogates(text: string): string {
  if (!escapedSurrogate.test(text)) return text;
  let replaced: Buffer | undefined;
  let end: number;
  for (let at = text.indexOf('\\'); at >= 0; at = nextEscape(text, end)) {
    const kind = surrogateAt(text, at);
    end = at + (kind === undefined ? ANY_ESCAPE : SURROGATE_ESCAPE);
    if (kind === undefined) continue;
    if (kind === HIGH && surrogateAt(text, end) === LOW) {
      end += SURROGATE_ESCAPE;
      continue;
    }
    replaced ??= Buffer.from(text, 'utf16le');
    for (let digit = 0; digit < REPLACED.length; digit++) replaced[2 * (at + 2 + digit)] = REPLACED[digit]!;
  }
  return replaced?.toString('utf16le') ?? text;
}

/** In text of many escapes they often stand side by side. */
function nextEscape(text: string, from: number): number {
  return text.charCodeAt(from) === BACKSLASH ? from : text.indexOf('\\', from);
}

function surrogateAt(text: string, at: number): typeof HIGH | typeof LOW | undefined {
  if (text.charCodeAt(at + 1) !== SMALL_U || text.charCodeAt(at) !== BACKSLASH) return undefined;
  const second = hexDigit(text, at + 3);
  const isSurrogate = hexDigit(text, at + 2) === 0xd && second >= HIGH;
  if (!isSurrogate || hexDigit(text, at + 4) < 0 || hexDigit(text, at + 5) < 0) return undefined;
  return second < LOW ? HIGH : LOW;
}

/** Less than zero if it is none. */
function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (isDigit(code)) return code - ZERO;
  const letter = code | 0x20;
  return letter >= SMALL_A && letter <= SMALL_F ? letter - SMALL_A + 10 : -1;
}
