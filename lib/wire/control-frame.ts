// Control frames of the extension between two peers of this package: the bytes of each kind, and what writes them;
// control-reader.ts reads them. A plain peer never sees one. docs/protocol-extension.md has the drawing.
//
//   control frame = 80 00  kind  length  payload       kind, length: uvarint; payload: `length` bytes
//
//   HELLO    version features maxFrameBytes maxInFlight timeoutMs  codec:text  hashes(commands) hashes(results)
//   META     seq flags remainingMs credit map           flags: 1 remainingMs counts (0: no limit); 4 no answer wanted
//   MESSAGE  seq flags remainingMs credit map route:text data       flags as META; 2 data is a whole packet
//   EVENT    flags map route:text data                  flags: 2 as MESSAGE
//   STREAM   seq                END  seq                CREDIT  seq n
//   VALUE    seq flags data                             flags: 1 last; 2 data is a whole packet
//   ERROR    seq code:text data                         data: UTF-8 JSON up to the end, nothing for undefined
//   CANCEL   seq code:text      GOAWAY  reason:text     DONE  (nothing)
//
//   text = length, UTF-8       map = count, (text text)…       hashes = count, count × 4 bytes
import { CmdStreamError } from '../errors.js';
import type { ByteWriter } from './byte-writer.js';
import type { Seq } from './frame.js';

/** First byte of a padded ping and of a control frame; the second is 00. */
export const PADDED = 0x80;

/** The version of the extension this package speaks. */
export const EXTENSION_VERSION = 1;

export const Control = Object.freeze({
  HELLO: 1,
  META: 2,
  MESSAGE: 3,
  EVENT: 4,
  STREAM: 5,
  VALUE: 6,
  END: 7,
  ERROR: 8,
  CANCEL: 9,
  CREDIT: 10,
  GOAWAY: 11,
  DONE: 12,
});

/** What travels with a Command besides it: short texts by key, such as trace ids or a tenant. */
export type Metadata = Readonly<Record<string, string>>;

/** What a peer says of itself. */
export interface Hello {
  readonly version: number;
  readonly features: number;
  /** Largest frame it takes, in bytes, at least {@link MIN_FRAME_BYTES}. */
  readonly maxFrameBytes: number;
  /** Most Commands it runs at a time for this connection; 0 from a client. */
  readonly maxInFlight: number;
  /** Time limit of Commands without a META, in milliseconds; 0: none. */
  readonly timeoutMs: number;
  readonly codec: string;
  /** One hash per type, in the order of the contract. */
  readonly commands: readonly number[];
  readonly results: readonly number[];
}

/** What goes with a Command or message. */
export interface Meta {
  /** Milliseconds that are left; 0: no limit; undefined: the default of the client's HELLO. */
  readonly remainingMs: number | undefined;
  /** Results that may be sent before more credit is given; 0: as many as there are. */
  readonly credit: number;
  readonly metadata: Metadata;
  /** No answer is awaited: the server sends none and sets no time limit. Not for messages: EVENT is their way. */
  readonly noAnswer?: boolean;
}

/** A message or event without its data. */
export interface MessageHead extends Meta {
  readonly route: string;
  /** Its data is a whole packet of a custom serializer. */
  readonly packet: boolean;
}

/** JSON, as text or as its bytes. */
export type DataJson = string | ByteWriter;

export interface Message extends MessageHead {
  readonly data: DataJson;
}

export const HAS_REMAINING = 1;
export const LAST = 1;
export const PACKET = 2;
export const NO_ANSWER = 4;
/** No peer takes less: STREAM, END and an ERROR without its payload always fit. */
export const MIN_FRAME_BYTES = 64;
/**
 * A server stops when so many bytes of the Results of a Command with credit were sent and not taken: a client gives
 * credit when it has taken half as many, whatever their number. Both sides count whole frames.
 */
export const CREDIT_WINDOW_BYTES = 1024 * 1024;
/**
 * Largest HELLO: room for some 65,000 types. It is the same at both sides whatever limits they have, so that peers of
 * small frames and many types agree.
 */
export const MAX_HELLO_BYTES = 256 * 1024;
/** Largest string map, entries. */
export const MAX_METADATA = 1024;
export const MAX_TEXT_BYTES = 64 * 1024;
export const NO_METADATA: Metadata = Object.freeze({});

export function writePaddedPing(writer: ByteWriter): void {
  writer.writeByte(PADDED);
  writer.writeByte(0);
}

/** Writes a whole control frame; `payload` writes what is inside. */
export function writeControl(writer: ByteWriter, kind: number, payload?: (writer: ByteWriter) => void): void {
  writePaddedPing(writer);
  writer.writeUvarint(kind);
  if (payload) writer.writeSized(payload);
  else writer.writeByte(0);
}

/** A control frame that carries a seq and nothing else. */
export function writeSeqControl(writer: ByteWriter, kind: number, seq: Seq): void {
  writeControl(writer, kind, (inner) => inner.writeUvarint(seq));
}

export function writeHello(writer: ByteWriter, hello: Hello): void {
  writeControl(writer, Control.HELLO, (inner) => {
    for (const n of [hello.version, hello.features, hello.maxFrameBytes, hello.maxInFlight, hello.timeoutMs])
      inner.writeUvarint(n);
    inner.writeUtf8(hello.codec);
    for (const hashes of [hello.commands, hello.results]) {
      inner.writeUvarint(hashes.length);
      for (const hash of hashes) for (let shift = 0; shift < 32; shift += 8) inner.writeByte((hash >>> shift) & 0xff);
    }
  });
}

/** `map`: the bytes of the metadata, where they were encoded before. Returns how many bytes, at the end, those are. */
export function writeMeta(writer: ByteWriter, seq: Seq, meta: Meta, map?: Uint8Array): number {
  writePaddedPing(writer);
  writer.writeUvarint(Control.META);
  const at = writer.beginSized();
  writeMetaStart(writer, seq, meta, meta.noAnswer ? NO_ANSWER : 0);
  const from = writer.length;
  if (map) writer.writeBytes(map);
  else writeMap(writer, meta.metadata);
  const length = writer.length - from;
  writer.endSized(at);
  return length;
}

/** `said`: the bytes of metadata, route and data, where they were encoded before. Returns how many those are. */
export function writeMessage(writer: ByteWriter, seq: Seq, message: Message, said?: Uint8Array): number {
  let length = 0;
  writeControl(writer, Control.MESSAGE, (inner) => {
    writeMetaStart(inner, seq, message, message.packet ? PACKET : 0);
    length = writeSaid(inner, message, said);
  });
  return length;
}

/** `said`: as of {@link writeMessage}. */
export function writeEvent(writer: ByteWriter, message: Message, said?: Uint8Array): void {
  writeControl(writer, Control.EVENT, (inner) => {
    inner.writeUvarint(message.packet ? PACKET : 0);
    writeSaid(inner, message, said);
  });
}

function writeSaid(writer: ByteWriter, { metadata, route, data }: Message, said: Uint8Array | undefined): number {
  const from = writer.length;
  if (said) writer.writeBytes(said);
  else {
    writeMap(writer, metadata);
    writer.writeUtf8(route);
    writer.writeJson(data);
  }
  return writer.length - from;
}

export function writeValue(writer: ByteWriter, seq: Seq, data: DataJson, last: boolean, packet: boolean): void {
  writeControl(writer, Control.VALUE, (inner) => {
    inner.writeUvarint(seq);
    inner.writeUvarint((last ? LAST : 0) | (packet ? PACKET : 0));
    inner.writeJson(data);
  });
}

export function writeError(writer: ByteWriter, seq: Seq, code: string, data: string): void {
  writeControl(writer, Control.ERROR, (inner) => {
    inner.writeUvarint(seq);
    inner.writeUtf8(code);
    inner.writeText(data);
  });
}

export function writeCancel(writer: ByteWriter, seq: Seq, code: string): void {
  writeControl(writer, Control.CANCEL, (inner) => {
    inner.writeUvarint(seq);
    inner.writeUtf8(code);
  });
}

export function writeCredit(writer: ByteWriter, seq: Seq, credit: number): void {
  writeControl(writer, Control.CREDIT, (inner) => {
    inner.writeUvarint(seq);
    inner.writeUvarint(credit);
  });
}

export function writeGoaway(writer: ByteWriter, reason: string): void {
  writeControl(writer, Control.GOAWAY, (inner) => inner.writeUtf8(reason));
}

function writeMetaStart(writer: ByteWriter, seq: Seq, { remainingMs, credit }: Meta, flags: number): void {
  writer.writeUvarint(seq);
  writer.writeUvarint(flags | (remainingMs === undefined ? 0 : HAS_REMAINING));
  writer.writeUvarint(remainingMs ?? 0);
  writer.writeUvarint(credit);
}

export function writeMap(writer: ByteWriter, map: Metadata): void {
  if (map === NO_METADATA) return writer.writeByte(0);
  const keys = Object.keys(map);
  if (keys.length > MAX_METADATA)
    throw new CmdStreamError('ENCODE_FAILED', `metadata of ${keys.length} entries exceeds ${MAX_METADATA}`);
  writer.writeUvarint(keys.length);
  for (const key of keys) {
    const value: unknown = map[key];
    if (typeof value !== 'string')
      throw new CmdStreamError('ENCODE_FAILED', `metadata "${key}" must be a string, got ${typeof value}`);
    if (Math.max(writer.writeUtf8(key), writer.writeUtf8(value)) > MAX_TEXT_BYTES)
      throw new CmdStreamError('ENCODE_FAILED', `metadata "${key.slice(0, 64)}" exceeds ${MAX_TEXT_BYTES} bytes`);
  }
}
