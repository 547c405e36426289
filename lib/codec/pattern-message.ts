// A Nest pattern with its data, on its way beside the Commands of the same connection, and the JSON its data travels as.
import { CmdStreamError, messageOf } from '../errors.js';
import { jsonCodecDefaults, type DataLimits } from './json-codec-options.js';
import { parseData } from './json-parse.js';
import { checkStructure } from './json-scan.js';

/** A request or an event by pattern. */
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

/** The JSON text of what belongs to no contract; nothing for undefined. Numbers and dates as JSON.stringify has them. */
export function dataText(value: unknown, limits: DataLimits = jsonCodecDefaults): string {
  try {
    const text = JSON.stringify(value) ?? '';
    checkStructure(text, limits);
    return text;
  } catch (error) {
    if (error instanceof CmdStreamError) throw error;
    throw new CmdStreamError('ENCODE_FAILED', `data cannot be written as JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** @throws {CmdStreamError} BAD_PAYLOAD, JSON_DEPTH, JSON_TOKENS, JSON_KEYS */
export function dataOf(text: string, limits: DataLimits): unknown {
  return text === '' ? undefined : parseData(text, limits, limits.maxKeysPerObject ?? Number.POSITIVE_INFINITY);
}
