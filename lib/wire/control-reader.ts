// Reads the control frames that control-frame.ts draws. What they mean is the business of client and server.
import { CmdStreamError } from '../errors.js';
import type { ByteReader } from './byte-reader.js';
import {
  HAS_REMAINING,
  LAST,
  MAX_METADATA,
  MAX_TEXT_BYTES,
  MIN_FRAME_BYTES,
  NO_ANSWER,
  NO_METADATA,
  PACKET,
  type Hello,
  type MessageHead,
  type Meta,
  type Metadata,
} from './control-frame.js';
import type { Seq } from './frame.js';

export function readHello(reader: ByteReader): Hello {
  const [version, features, maxFrameBytes, maxInFlight, timeoutMs] = [0, 0, 0, 0, 0].map(() => readNumber(reader));
  if (maxFrameBytes! < MIN_FRAME_BYTES)
    throw protocolError(`a largest frame of ${maxFrameBytes} bytes: even an error has more`);
  const codec = readText(reader);
  const [commands, results] = [0, 0].map(() => {
    const count = readNumber(reader);
    if (count * 4 > reader.remaining) throw protocolError(`${count} hashes in ${reader.remaining} bytes`);
    return Array.from({ length: count }, () => reader.readBytes(4).readUInt32LE());
  });
  return {
    version: version!,
    features: features!,
    maxFrameBytes: maxFrameBytes!,
    maxInFlight: maxInFlight!,
    timeoutMs: timeoutMs!,
    codec,
    commands: commands!,
    results: results!,
  };
}

/** Reads META, or the same fields of MESSAGE, and what its flags say beyond. */
export function readMeta(reader: ByteReader): Meta & { readonly seq: Seq; readonly packet: boolean } {
  const seq = reader.readPositive();
  const flags = readNumber(reader);
  const remainingMs = readNumber(reader);
  const credit = readNumber(reader);
  const metadata = readMap(reader);
  return {
    seq,
    remainingMs: flags & HAS_REMAINING ? remainingMs : undefined,
    credit,
    metadata,
    packet: (flags & PACKET) !== 0,
    noAnswer: (flags & NO_ANSWER) !== 0,
  };
}

// Behind what the following three read is the data, which is the rest of the frame.

export function readMessage(reader: ByteReader): MessageHead & { readonly seq: Seq } {
  const { seq, remainingMs, credit, metadata, packet } = readMeta(reader);
  const route = readText(reader, Number.MAX_SAFE_INTEGER);
  return { seq, remainingMs, credit, metadata, packet, route };
}

export function readEvent(reader: ByteReader): MessageHead {
  const flags = readNumber(reader);
  const metadata = readMap(reader);
  const route = readText(reader, Number.MAX_SAFE_INTEGER);
  return {
    packet: (flags & PACKET) !== 0,
    metadata,
    route,
    remainingMs: undefined,
    credit: 0,
  };
}

export interface Value {
  readonly seq: Seq;
  readonly last: boolean;
  readonly packet: boolean;
}

export function readValue(reader: ByteReader): Value {
  const seq = reader.readPositive();
  const flags = readNumber(reader);
  return { seq, last: (flags & LAST) !== 0, packet: (flags & PACKET) !== 0 };
}

export function readError(reader: ByteReader): { readonly seq: Seq; readonly code: string; readonly data: string } {
  const seq = reader.readPositive();
  return { seq, code: readText(reader), data: reader.readUtf8(reader.remaining) };
}

export function readCancel(reader: ByteReader): { readonly seq: Seq; readonly code: string } {
  const seq = reader.readPositive();
  return { seq, code: readText(reader) };
}

export function readCredit(reader: ByteReader): { readonly seq: Seq; readonly credit: number } {
  const seq = reader.readPositive();
  return { seq, credit: readNumber(reader) };
}

export function readGoaway(reader: ByteReader): string {
  return readText(reader);
}

function readText(reader: ByteReader, most?: number): string {
  return reader.readUtf8(readTextLength(reader, most));
}

/** The same names come again and again. */
function readName(reader: ByteReader): string {
  return reader.readName(readTextLength(reader));
}

function readTextLength(reader: ByteReader, most = MAX_TEXT_BYTES): number {
  const length = readNumber(reader);
  if (length > most || length > reader.remaining) throw protocolError(`a text of ${length} bytes`);
  return length;
}

export function readMap(reader: ByteReader): Metadata {
  const count = readNumber(reader);
  if (count === 0) return NO_METADATA;
  if (count > MAX_METADATA) throw protocolError(`metadata of ${count} entries exceeds ${MAX_METADATA}`);
  const map = new TextMap();
  for (let i = 0; i < count; i++) map[readName(reader)] = readText(reader);
  return Object.freeze(map);
}

/** Inherits nothing, as what `Object.create(null)` gives; engines make it in a fraction of the time. */
const TextMap = function () {} as unknown as new () => Record<string, string>;
TextMap.prototype = Object.freeze(Object.create(null));

function readNumber(reader: ByteReader): number {
  const value = reader.readUvarint();
  if (typeof value === 'bigint') throw protocolError(`the number ${value}`);
  return value;
}

function protocolError(what: string): CmdStreamError {
  return new CmdStreamError('PROTOCOL_ERROR', `a control frame with ${what}`);
}
