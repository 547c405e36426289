// A Nest pattern with its data, on its way beside the Commands of the same connection, and the JSON its data travels
// as.
import { requireSync, ignoreRejection } from '../callbacks.js';
import { CmdStreamError, isCmdStreamError, isError, messageOf } from '../errors.js';
import { jsonCodecDefaults, type DataLimits } from './json/json-codec-options.js';
import { parseData } from './json/json-parse.js';
import { checkStructure } from './json/json-structure.js';

/** A message or an event by pattern. */
export class PatternMessage {
  constructor(
    readonly kind: 'message' | 'event',
    /** The normalized pattern; empty for a packet. */
    readonly route: string,
    readonly data: unknown,
    /** `data` is the whole packet as a custom serializer made it. */
    readonly isPacket = false,
  ) {}
}

/**
 * A whole packet as a custom Nest serializer made it: it travels instead of the value it wraps, and the other side's
 * deserializer unwraps it.
 */
export class WholePacket {
  constructor(readonly packet: unknown) {}
}

type Replacer = (this: unknown, key: string, value: unknown) => unknown;

/**
 * The JSON text of what belongs to no contract; nothing for undefined. Numbers and dates as JSON.stringify has them.
 */
export function dataText(value: unknown, limits: DataLimits = jsonCodecDefaults, replacer?: Replacer): string {
  try {
    const text = JSON.stringify(value, replacer ?? (asks(value, limits.maxDepth) ? refusePromises : undefined)) ?? '';
    checkStructure(text, limits);
    return text;
  } catch (error) {
    if (isCmdStreamError(error)) throw error;
    throw new CmdStreamError('ENCODE_FAILED', `data cannot be written as JSON: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * As {@link dataText}, for what a caller gets to see of a failure: an Error in it keeps its fields, and its toJSON, to
 * itself.
 */
export function errorText(payload: unknown, limits: DataLimits): string {
  return dataText(payload, limits, hidesErrors);
}

/** What a caller gets to see of a failure, as data of JSON: no class, no Error, no function is left in it. */
export function plainData(payload: unknown): unknown {
  const text = JSON.stringify(payload, hidesErrors) as string | undefined;
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

function hidesErrors(this: unknown, key: string, value: unknown): unknown {
  const given = (this as Record<string, unknown>)[key];
  if (isError(given)) ignoreRejection(value);
  return isError(value) || isError(given) ? {} : refusePromises.call(this, key, value);
}

/**
 * What a toJSON has given must be there: JSON would say nothing of a promise, and one that rejects would end the
 * process.
 */
function refusePromises(this: unknown, key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value === (this as Record<string, unknown>)[key]) return value;
  return requireSync('ENCODE_FAILED', 'data cannot be written as JSON: a toJSON()', value);
}

/** Is there a toJSON in it, beside the two of Node? Most data has none, and is written twice as fast. */
function asks(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((item) => asks(item, levels - 1));
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return toJSON !== Date.prototype.toJSON && toJSON !== Buffer.prototype.toJSON;
  for (const key in value) if (asks((value as Record<string, unknown>)[key], levels - 1)) return true;
  return false;
}

/** @throws {CmdStreamError} BAD_PAYLOAD, JSON_LIMIT */
export function dataOf(text: string, limits: DataLimits): unknown {
  return text === '' ? undefined : parseData(text, limits);
}
