// From JSON text to plain values: JSON.parse, made strict about keys that lead to a prototype, about integers that
// would be rounded, and about lone surrogates. Limits are checked before anything is built.
import { CmdStreamError, messageOf, peerText } from '../../errors.js';
import { LARGE_KEYS, type DataLimits, type ResolvedJsonCodecOptions } from './json-codec-options.js';
import { checkStructure, mayOverflow, replaceNumbers } from './json-scan.js';

const PROTO = '__proto__';
const protoKeys: ReadonlySet<string> = new Set([PROTO]);
const MAX_BIGINT_DIGITS = 1024;
/** `"":0,` */
const LEAST_KEY_LENGTH = 5;

/** Marks the digits of a bigint in a string: text without lone surrogates cannot contain it. */
const TAG = '\ud800';
const tagged = /^\ud800(-?\d+)$/;

/** @throws {CmdStreamError} JSON_DEPTH, JSON_TOKENS, JSON_KEYS, BAD_PAYLOAD, UNSAFE_INTEGER */
export function parseJson(text: string, options: ResolvedJsonCodecOptions, maxKeys: number): unknown {
  checkStructure(text, options);
  const escaped = text.includes('\\u');
  const wellFormed = escaped ? replaceLoneSurrogates(text) : text;
  const value = parse(wellFormed);
  if (isFlat(value)) {
    if (text.length > LEAST_KEY_LENGTH * maxKeys) checkKeys(value, protoKeys, maxKeys);
    return value;
  }
  checkReceivedKeys(text, value, escaped || text.includes(PROTO), maxKeys);
  return mayOverflow(text) ? readNumbers(wellFormed, value, options.unsafeIntegers) : value;
}

/** Is it a value without values inside, no number among them that JSON.parse may have changed, and no odd key? */
function isFlat(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'number' || isUnchanged(value);
  if (Array.isArray(value)) return false;
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === 'number' ? !isUnchanged(item) : typeof item === 'object' && item !== null) return false;
    if (key === PROTO) return false;
  }
  return true;
}

function isUnchanged(value: number): boolean {
  return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
}

/** Few texts need to be looked at: a key takes five characters at least. */
function checkReceivedKeys(text: string, value: unknown, mayHoldProto: boolean, maxKeys: number): void {
  if (mayHoldProto || text.length > LEAST_KEY_LENGTH * maxKeys) checkKeys(value, protoKeys, maxKeys);
}

/**
 * JSON that belongs to no type of a contract. Integers are rounded as JSON.parse does; what no double can hold is refused.
 *
 * @throws {CmdStreamError} BAD_PAYLOAD, JSON_DEPTH, JSON_TOKENS, JSON_KEYS
 */
export function parseData(text: string, limits: DataLimits, maxKeys: number): unknown {
  checkStructure(text, limits);
  const value = parse(text);
  checkReceivedKeys(text, value, text.includes('\\u') || text.includes(PROTO), maxKeys);
  if (mayOverflow(text)) replaceNumbers(text, () => undefined, refuseOverflow);
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

/**
 * Looks at the keys of all objects, at any depth.
 *
 * @throws {CmdStreamError} BAD_PAYLOAD for a refused key, JSON_KEYS for too many
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
      for (const item of value) this.look(item);
      return;
    }
    const keys = Object.keys(value);
    this.#count(keys.length);
    for (const key of keys) {
      if (this.#refused.has(key)) throw new CmdStreamError('BAD_PAYLOAD', `the key "${key}" is refused`);
      this.look((value as Record<string, unknown>)[key]);
    }
  }

  #count(keys: number): void {
    if (keys > LARGE_KEYS) this.#large += keys;
    if (keys <= this.#max && this.#large <= this.#max) return;
    const what = keys > this.#max ? `an object of ${keys} keys` : `large objects of ${this.#large} keys together`;
    throw new CmdStreamError('JSON_KEYS', `${what} exceeds maxKeysPerObject (${this.#max})`);
  }
}

/** `value` is what JSON.parse made of the text, so the text is valid. */
function readNumbers(text: string, value: unknown, unsafeIntegers: 'reject' | 'bigint'): unknown {
  const readInteger = unsafeIntegers === 'bigint' ? taggedBigint : refuseRounded;
  const rewritten = replaceNumbers(text, readInteger, refuseOverflow);
  return rewritten === text ? value : readTags(JSON.parse(rewritten));
}

function taggedBigint(literal: string): string {
  if (literal.length <= MAX_BIGINT_DIGITS) return `"${TAG}${literal}"`;
  throw new CmdStreamError(
    'UNSAFE_INTEGER',
    `an integer of ${literal.length} digits is longer than ${MAX_BIGINT_DIGITS}`,
  );
}

/** An integer that is written back with the same digits, or that a double holds exactly, is a number like any other. */
function refuseRounded(literal: string): undefined {
  const value = Number(literal);
  if (String(value) === literal || isExact(value, literal)) return;
  const hint = "beyond 2^53-1 and would be rounded; the option unsafeIntegers: 'bigint' reads it exactly";
  throw new CmdStreamError('UNSAFE_INTEGER', `the integer ${peerText(literal)} is ${hint}`);
}

function isExact(value: number, literal: string): boolean {
  return Number.isFinite(value) && BigInt(value) === BigInt(literal);
}

function refuseOverflow(literal: string): undefined {
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

/** A surrogate pair, a lone surrogate, or any other escape: 12, 6 and 2 characters. */
const escapes = /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|[^])/g;

/** Lone surrogates are no characters; as in Go, U+FFFD stands for each. */
function replaceLoneSurrogates(text: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(text)) return text;
  return text.replace(escapes, (escape) => (escape.length === 6 ? '\ufffd' : escape));
}
