// Looks at JSON text before or beside JSON.parse, in time linear to its length: how deep, how many tokens, which integers
// are too large. It assumes valid JSON; of other text it may say anything, JSON.parse refuses that.
import { CmdStreamError } from '../../errors.js';

interface StructureLimits {
  readonly maxDepth: number;
  readonly maxTokens: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;
const MINUS = 0x2d;
const SMALL_E = 0x65;
const LEAST_UNSAFE_DIGITS = 16;

/**
 * Refuses text that is nested too deep or has too many tokens. Most text is seen at a glance to be within both.
 *
 * @throws {CmdStreamError} JSON_DEPTH, JSON_TOKENS
 */
export function checkStructure(text: string, limits: StructureLimits): void {
  if (text.length > limits.maxTokens || mayBeDeep(text, limits.maxDepth)) countStructure(text, limits);
}

/** Has the text enough brackets to be nested deeper than that? Those in strings count too. */
function mayBeDeep(text: string, maxDepth: number): boolean {
  if (text.length < 2 * (maxDepth + 1)) return false;
  let openers = 0;
  for (let at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at + 1)) if (++openers > maxDepth) return true;
  for (let at = text.indexOf('['); at >= 0; at = text.indexOf('[', at + 1)) if (++openers > maxDepth) return true;
  return false;
}

function countStructure(text: string, { maxDepth, maxTokens }: StructureLimits): void {
  let depth = 0;
  let tokens = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === COLON || code <= SPACE) continue;
    if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
      depth--;
      continue;
    }
    if (++tokens > maxTokens)
      throw new CmdStreamError('JSON_TOKENS', `JSON has more than maxTokens (${maxTokens}) tokens`);
    if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      if (++depth > maxDepth)
        throw new CmdStreamError('JSON_DEPTH', `JSON is nested deeper than maxDepth (${maxDepth})`);
    } else {
      at = (code === QUOTE ? endOfString(text, at) : endOfScalar(text, at)) - 1;
    }
  }
}

function endOfString(text: string, start: number): number {
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

/** The end of a number, `true`, `false` or `null`. */
function endOfScalar(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) if (isEndOfScalar(text, at)) return at;
  return text.length;
}

function isEndOfScalar(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === COMMA || code === CLOSE_ARRAY || code === CLOSE_OBJECT || code === COLON || code <= SPACE;
}

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
  return code >= 0x30 && code <= 0x39;
}

/** May there be a number that JSON.parse changes? It has as many digits, or an exponent of three. */
export function mayOverflow(text: string): boolean {
  return hasLongDigitRun(text) || mayHaveExponent(text, 'e') || mayHaveExponent(text, 'E');
}

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
  const exponent = /\d[eE][+\d]\d\d/g;
  exponent.lastIndex = at;
  return exponent.test(text);
}

/** What a number is replaced by; undefined: it stays. */
type Replace = (literal: string) => string | undefined;

/** Of the largest number that a double can hold, and those of no fraction behind it. */
const MOST_DIGITS = 308;

/**
 * The text with numbers replaced that JSON.parse would change: `unsafeInteger` is asked about integers beyond
 * ±(2^53-1), `overflow` about numbers with a fraction or an exponent that no double can hold.
 */
export function replaceNumbers(text: string, unsafeInteger: Replace, overflow: Replace): string {
  let result = '';
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at) - 1;
    } else if (code === MINUS || isDigit(code)) {
      const digitsEnd = endOfDigits(text, at + 1);
      const end = isEndOfScalar(text, digitsEnd) ? digitsEnd : endOfScalar(text, digitsEnd);
      const replace = mayChange(text, at, digitsEnd, end);
      const literal = replace && text.slice(at, end);
      const replaced =
        literal && (replace === 'integer' ? unsafe(literal, unsafeInteger) : infinite(literal, overflow));
      if (replaced) {
        result += text.slice(copied, at) + replaced;
        copied = end;
      }
      at = end - 1;
    }
  }
  return copied === 0 ? text : result + text.slice(copied);
}

/** Of most numbers a look at their length is enough. */
function mayChange(text: string, start: number, digitsEnd: number, end: number): 'integer' | 'other' | undefined {
  if (digitsEnd === end) return end - start >= LEAST_UNSAFE_DIGITS ? 'integer' : undefined;
  return end - start > MOST_DIGITS || hasExponent(text, digitsEnd, end) ? 'other' : undefined;
}

function endOfDigits(text: string, start: number): number {
  let at = start;
  while (isDigit(text.charCodeAt(at))) at++;
  return at;
}

function unsafe(literal: string, replace: Replace): string | undefined {
  return Number.isSafeInteger(Number(literal)) ? undefined : replace(literal);
}

function infinite(literal: string, replace: Replace): string | undefined {
  return Number.isFinite(Number(literal)) ? undefined : replace(literal);
}

function hasExponent(text: string, from: number, end: number): boolean {
  for (let at = from; at < end; at++) if ((text.charCodeAt(at) | 0x20) === SMALL_E) return true;
  return false;
}
