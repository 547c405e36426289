// From JSON text to plain values: JSON.parse, made strict about keys that lead to a prototype, about integers that
// would be rounded, and about lone surrogates. Limits are checked before anything is built.
import { CmdStreamError, messageOf, peerText } from '../errors.js';
import type { ResolvedJsonCodecOptions } from './json-codec-options.js';
import { checkStructure, hasLongDigitRun, replaceUnsafeIntegers } from './json-scan.js';

const PROTO = '__proto__';
const protoKeys: ReadonlySet<string> = new Set([PROTO]);
const MAX_BIGINT_DIGITS = 1024;

/** Marks the digits of a bigint in a string: text without lone surrogates cannot contain it. */
const TAG = '\ud800';
const tagged = /^\ud800(-?\d+)$/;

/** @throws {CmdStreamError} JSON_DEPTH, JSON_TOKENS, BAD_PAYLOAD, UNSAFE_INTEGER */
export function parseJson(text: string, options: ResolvedJsonCodecOptions): unknown {
  checkStructure(text, options);
  const escaped = text.includes('\\u');
  const wellFormed = escaped ? replaceLoneSurrogates(text) : text;
  let value = parse(wellFormed);
  if (escaped || text.includes(PROTO)) checkKeys(value, protoKeys);
  if (hasLongDigitRun(text)) value = readIntegers(wellFormed, value, options.unsafeIntegers);
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
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) checkKeys(item, refused, maxKeysPerObject);
    return;
  }
  const keys = Object.keys(value);
  if (keys.length > maxKeysPerObject) {
    throw new CmdStreamError(
      'JSON_KEYS',
      `an object of ${keys.length} keys exceeds maxKeysPerObject (${maxKeysPerObject})`,
    );
  }
  for (const key of keys) {
    if (refused.has(key)) throw new CmdStreamError('BAD_PAYLOAD', `the key "${key}" is refused`);
    checkKeys((value as Record<string, unknown>)[key], refused, maxKeysPerObject);
  }
}

/** `value` is what JSON.parse made of the text, so the text is valid. */
function readIntegers(text: string, value: unknown, unsafeIntegers: 'reject' | 'bigint'): unknown {
  const rewritten = replaceUnsafeIntegers(text, (literal) => {
    if (unsafeIntegers === 'reject') {
      const hint = "beyond 2^53-1; the option unsafeIntegers: 'bigint' reads it exactly";
      throw new CmdStreamError('UNSAFE_INTEGER', `the integer ${peerText(literal)} is ${hint}`);
    }
    if (literal.length > MAX_BIGINT_DIGITS) {
      throw new CmdStreamError(
        'UNSAFE_INTEGER',
        `an integer of ${literal.length} digits is longer than ${MAX_BIGINT_DIGITS}`,
      );
    }
    return `"${TAG}${literal}"`;
  });
  return rewritten === text ? value : readTags(JSON.parse(rewritten));
}

function readTags(value: unknown): unknown {
  if (typeof value === 'string') {
    const digits = value.startsWith(TAG) ? tagged.exec(value)?.[1] : undefined;
    return digits === undefined ? value : BigInt(digits);
  }
  if (typeof value === 'object' && value !== null) {
    const items = value as Record<string, unknown>;
    for (const key in items) items[key] = readTags(items[key]);
  }
  return value;
}

/** A surrogate pair, a lone surrogate, or any other escape: 12, 6 and 2 characters. */
const escapes = /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|[^])/g;

/** Lone surrogates are no characters; as in Go, U+FFFD stands for each. */
function replaceLoneSurrogates(text: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(text)) return text;
  return text.replace(escapes, (escape) => (escape.length === 6 ? '\ufffd' : escape));
}
