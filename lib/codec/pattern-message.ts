// A Nest pattern with its data, on its way beside the Commands of the same connection, and the JSON its data travels as.
import { CmdStreamError, messageOf, peerText } from '../errors.js';
import { jsonCodecDefaults } from './json-codec-options.js';
import { checkKeys } from './json-parse.js';
import { checkStructure } from './json-scan.js';

const refusedKeys: ReadonlySet<string> = new Set(['__proto__']);

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
export function dataText(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? '';
    checkStructure(text, jsonCodecDefaults);
    return text;
  } catch (error) {
    if (error instanceof CmdStreamError) throw error;
    throw new CmdStreamError('ENCODE_FAILED', `data cannot be written as JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** @throws {CmdStreamError} BAD_PAYLOAD, JSON_DEPTH, JSON_TOKENS */
export function dataOf(text: string): unknown {
  if (text === '') return undefined;
  checkStructure(text, jsonCodecDefaults);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CmdStreamError('BAD_PAYLOAD', `no JSON: ${peerText(messageOf(error))}`);
  }
  if (text.includes('__proto__') || text.includes('\\u')) checkKeys(value, refusedKeys);
  return value;
}
