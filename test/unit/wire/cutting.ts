// Feeds bytes to a reader in every way a network may cut them, as a connection does: whatever is incomplete is read
// again from its start when as many bytes have arrived as the reader has asked for.
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { INCOMPLETE } from '../../../lib/wire/decode-progress.js';

export type Reading<T> =
  | { readonly value: T; readonly consumed: number }
  | { readonly error: unknown; readonly consumed: number }
  | { readonly incomplete: true };

export function readChunks<T>(
  chunks: readonly Uint8Array[],
  read: (reader: ByteReader) => T,
  limit = Number.MAX_SAFE_INTEGER,
  before = 0,
): Reading<T> {
  const reader = new ByteReader();
  for (const [index, chunk] of chunks.entries()) {
    if (index === 0 && before > 0) appendBehind(reader, chunk, before);
    else reader.append(chunk);
    if (reader.unread < reader.needed) continue;
    reader.beginFrame(limit, 'maxBytes');
    try {
      const value = read(reader);
      return { value, consumed: reader.endFrame() };
    } catch (error) {
      if (error !== INCOMPLETE) return { error, consumed: reader.consumed };
    }
  }
  return { incomplete: true };
}

/** The chunk has a frame of `length` bytes in front, which is read. */
function appendBehind(reader: ByteReader, chunk: Uint8Array, length: number): void {
  reader.append(Buffer.concat([Buffer.alloc(length, 0xee), chunk]));
  reader.beginFrame(length, 'maxBytes');
  reader.readBytes(length);
  reader.endFrame();
}

/** All the frames in a stream, which must end with the last of them. */
export function readFrames<T>(chunks: readonly Uint8Array[], read: (reader: ByteReader) => T): T[] {
  const reader = new ByteReader();
  const frames: T[] = [];
  for (const chunk of chunks) {
    reader.append(chunk);
    while (reader.unread > 0 && reader.unread >= reader.needed) {
      reader.beginFrame(Number.MAX_SAFE_INTEGER, 'maxBytes');
      try {
        frames.push(read(reader));
        reader.endFrame();
      } catch (error) {
        if (error !== INCOMPLETE) throw error;
      }
    }
  }
  if (reader.unread > 0) throw new Error(`${reader.unread} bytes are left`);
  return frames;
}

const MANY_BYTES = 2_048;

/**
 * As one chunk, byte by byte, and cut in two at every place; of many bytes at every place near the ends and some
 * between.
 */
export function cuttings(bytes: Uint8Array): Uint8Array[][] {
  // Copies, as each chunk of a socket has memory of its own.
  const part = (from: number, to: number) => Uint8Array.from(bytes.subarray(from, to));
  const isPlace = (at: number) => bytes.length <= MANY_BYTES || Math.min(at, bytes.length - at) < 64 || at % 509 === 0;
  const places = Array.from({ length: bytes.length + 1 }, (_, at) => at).filter(isPlace);
  return [
    [part(0, bytes.length)],
    Array.from(bytes, (_, at) => part(at, at + 1)),
    ...places.map((at) => [part(0, at), part(at, bytes.length)]),
  ];
}

/** What is read from the bytes, which must be the same however they are cut. */
export function readEveryWay<T>(
  bytes: Uint8Array,
  read: (reader: ByteReader) => T,
  limit = Number.MAX_SAFE_INTEGER,
): Reading<T> {
  const ways = cuttings(bytes);
  const [whole = { incomplete: true }, ...others] = ways.map((chunks) => readChunks(chunks, read, limit));
  // As one chunk and byte by byte, also behind another frame.
  const behind = ways.slice(0, 2).map((chunks) => readChunks(chunks, read, limit, 5));
  for (const other of [...others, ...behind]) {
    if (describe(other) !== describe(whole)) throw new Error(`cut: ${describe(other)}, whole: ${describe(whole)}`);
  }
  return whole;
}

function describe(reading: Reading<unknown>): string {
  return JSON.stringify(reading, (_, item: unknown) => {
    if (typeof item === 'bigint') return `${item}n`;
    if (Object.is(item, -0)) return '-0';
    return item instanceof Error ? `${(item as { code?: string }).code}: ${item.message}` : item;
  });
}
