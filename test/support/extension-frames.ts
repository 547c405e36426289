// Literal control frames for tests of the extension; independent of the code under test.
import { GREETING, uvarint } from './calc-frames.js';

export const PROBE = '8000';

export function control(kind: number, payload = ''): string {
  return `8000${uvarint(kind)}${uvarint(payload.length / 2)}${payload}`;
}

export function text(value: string): string {
  const bytes = Buffer.from(value);
  return uvarint(bytes.length) + bytes.toString('hex');
}

export function map(entries: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(entries);
  return uvarint(pairs.length) + pairs.map(([key, value]) => text(key) + text(value)).join('');
}

/** A HELLO that lists no types: fits every contract. */
export function hello({ maxFrameBytes = 1_048_576, maxInFlight = 0, timeoutMs = 0 } = {}): string {
  const limits = [1, 0, maxFrameBytes, maxInFlight, timeoutMs].map(uvarint).join('');
  return control(1, `${limits}${text('json')}0000`);
}

export function meta(
  seq: number,
  {
    remainingMs,
    credit = 0,
    metadata = {},
    noAnswer = false,
  }: { remainingMs?: number; credit?: number | bigint; metadata?: Record<string, string>; noAnswer?: boolean },
): string {
  const flags = (remainingMs === undefined ? 0 : 1) | (noAnswer ? 4 : 0);
  return control(2, uvarint(seq) + uvarint(flags) + uvarint(remainingMs ?? 0) + uvarint(credit) + map(metadata));
}

/** An EVENT without data. */
export const event = (route: string, metadata = {}): string => control(4, `00${map(metadata)}${text(route)}`);
export const stream = (seq: number): string => control(5, uvarint(seq));
export const end = (seq: number): string => control(7, uvarint(seq));
export const cancel = (seq: number): string => control(9, uvarint(seq) + text('CANCELLED'));
export const credit = (seq: number, count: number | bigint): string => control(10, uvarint(seq) + uvarint(count));
export const GOAWAY = control(11, text('shutdown'));
export const DONE = control(12);

export function error(seq: number, code: string, payload?: unknown): string {
  const data = payload === undefined ? '' : Buffer.from(JSON.stringify(payload)).toString('hex');
  return control(8, uvarint(seq) + text(code) + data);
}

/**
 * The HELLO of a server of the vector contract with default options; hashes are FNV-1a of the names, low byte first.
 */
export const SERVER_HELLO =
  '800001370100808040800800046a736f6e074418b139db86751ec4d7646df4b1111a938090102ba766c83eb240fd034d634b722d97f084fd2f69e0';
/** What such a server sends to a client that probes. */
export const EXTENDED_GREETING = GREETING + SERVER_HELLO;
