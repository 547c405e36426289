// Reads values in place from what the socket delivered; owns the bytes of one direction of one connection.
// It knows numbers, blocks and text, but no frames; a frame that is cut by a chunk's end is read again from its start.
// It is long because each kind of value is read by the one class that has the bytes, and moves them when more come.
//
//   buffer  |  free  |  consumed frames  |  frame being read  |  not yet looked at  |  room  |  pieces: the rest of a
//                                        ^start               ^position             ^end       frame that needs more
import { isUtf8 } from 'node:buffer';
import { CmdStreamError } from '../errors.js';
import { DecodeProgress, INCOMPLETE } from './decode-progress.js';
import { KnownNames } from './known-names.js';
import type { PayloadReader } from './payload.js';

const EMPTY = Buffer.alloc(0);
const SMALLEST_ROOM = 1024;
const SPARE_BYTES = 64 * 1024;
/** Of a piece that is kept as it came, on average: smaller ones would cost more than their bytes. */
const PIECE_BYTES = 8 * 1024;
/** They are garbage for a while before their memory is free: a quarter more (2 to the power of this) is in use. */
const PIECE_COST_BITS = 2;

/**
 * Room for what has arrived and some spare: as much again up to 64 KiB, beyond 1 MiB one part in 16 so that growing
 * stays cheap.
 */
function roomFor(arrived: number): number {
  return Math.max(SMALLEST_ROOM, arrived + Math.max(Math.min(arrived, SPARE_BYTES), arrived >>> 4));
}

/**
 * Every reading method throws {@link INCOMPLETE} when bytes are missing; the frame is then read again from its start.
 */
export class ByteReader implements PayloadReader {
  /** Bytes received and not yet consumed by a finished frame; read only to others. */
  unread = 0;
  /**
   * Bytes the frame being read has at least, as far as the last attempt could tell, 0 before the first; read only to
   * others.
   */
  needed = 0;
  /** A frame that is refused is skipped when all of it has arrived: what follows it goes on. */
  skipsRefused = false;
  #buffer: Buffer = EMPTY;
  #start = 0;
  #position = 0;
  #end = 0;
  #limit = Number.POSITIVE_INFINITY;
  #limitOption = '';
  #frameEnd = -1;
  #owned = false;
  /** Behind what is in the buffer; joined when the frame is whole, so that a large one is copied once. */
  #pieces: Buffer[] | undefined;
  #pieceBytes = 0;
  #names: KnownNames | undefined;
  #progress: DecodeProgress | undefined;
  /** Is there anything in it? Most frames are decoded in one go, and count nothing. */
  #hasProgress = false;

  /** Adds what the socket delivered. Copies only if a frame is cut by the chunk's start. */
  append(chunk: Uint8Array): void {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const left = this.unread;
    this.unread += bytes.length;
    if (left === 0) {
      this.#buffer = bytes;
      this.#owned = false;
      this.#start = this.#position = 0;
      this.#end = bytes.length;
    } else if (this.unread >= this.needed || !this.#keep(bytes)) this.#add(bytes);
  }

  /** False if it would cost more than it saves: there is room, it is small, or a part of other memory. */
  #keep(bytes: Buffer): boolean {
    const pieces = (this.#pieces?.length ?? 0) + 1;
    const total = this.#pieceBytes + bytes.length;
    if (total < pieces * PIECE_BYTES || bytes.buffer.byteLength !== bytes.length || this.#hasRoom(total)) return false;
    (this.#pieces ??= []).push(bytes);
    this.#pieceBytes = total;
    return true;
  }

  #add(bytes: Buffer): void {
    const more = this.#pieceBytes + bytes.length;
    if (!this.#owned || this.#buffer.length - this.#end < more) this.#makeRoom(this.#end - this.#start, more);
    if (this.#pieces !== undefined) {
      for (const piece of this.#pieces) this.#put(piece);
      this.#dropPieces();
    }
    this.#put(bytes);
  }

  /** Behind what is in it, or when that is moved to the front, where nothing may be overwritten before it has moved. */
  #hasRoom(more: number): boolean {
    const left = this.#end - this.#start;
    return this.#owned && this.#buffer.length - (this.#start >= left ? left : this.#end) >= more;
  }

  #put(bytes: Buffer): void {
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #dropPieces(): void {
    this.#pieces = undefined;
    this.#pieceBytes = 0;
  }

  /**
   * Moves the unread bytes to the front of a buffer with room for `more`; grows by what arrived, never by what was
   * announced.
   */
  #makeRoom(left: number, more: number): void {
    const target = this.#hasRoom(more) ? this.#buffer : Buffer.allocUnsafeSlow(roomFor(left + more));
    target.set(this.#buffer.subarray(this.#start, this.#end), 0);
    this.#buffer = target;
    this.#owned = true;
    this.#position -= this.#start;
    this.#start = 0;
    this.#end = left;
  }

  /** Begins a frame of at most `limit` bytes; `option` names the limit in errors. */
  beginFrame(limit: number, option: string): void {
    this.#position = this.#start;
    this.#limit = this.#hasProgress ? limit - this.#progress!.begin() : limit;
    this.#limitOption = option;
    this.needed = 0;
    this.#frameEnd = -1;
  }

  /** Ends the frame at the current position and returns its length in bytes. */
  endFrame(): number {
    const length = this.#position - this.#start;
    this.#start = this.#position;
    this.unread -= length;
    if (this.unread === 0) this.clear();
    else if (this.#hasProgress) this.#forgetProgress();
    return length;
  }

  /** A copy of what was read of the frame so far. */
  copyFrame(): Buffer {
    return Buffer.from(this.#buffer.subarray(this.#start, this.#position));
  }

  /** Goes to the end of a frame whose length the codec has set by {@link delimit}; false if it has not. */
  skipFrame(): boolean {
    if (this.#frameEnd < 0) return false;
    this.#position = this.#frameEnd;
    return true;
  }

  /** Bytes of memory it holds; of pieces, which come and go in great numbers, with what that costs beside them. */
  get capacity(): number {
    return this.#buffer.length + this.#pieceBytes + (this.#pieceBytes >>> PIECE_COST_BITS);
  }

  /** Drops everything that was received. */
  clear(): void {
    this.#buffer = EMPTY;
    this.#owned = false;
    this.#start = this.#position = this.#end = this.unread = 0;
    this.#dropPieces();
    if (this.#hasProgress) this.#forgetProgress();
  }

  #forgetProgress(): void {
    this.#progress!.clear();
    this.#hasProgress = false;
  }

  #keptProgress(): DecodeProgress {
    this.#hasProgress = true;
    return (this.#progress ??= new DecodeProgress());
  }

  /** Bytes consumed so far of the frame being read. */
  get consumed(): number {
    return this.#position - this.#start;
  }

  /**
   * Waits until `count` more bytes have arrived. @throws {CmdStreamError} FRAME_TOO_LARGE; nothing is allocated for
   * such a frame
   */
  require(count: number): void {
    const total = this.#position - this.#start + count;
    if (total > this.#limit) throw this.#tooLarge(total);
    if (this.#position + count <= this.#end) return;
    this.needed = total;
    throw INCOMPLETE;
  }

  /** While the signal for missing bytes passes: behind what was required, at least `count` more belong to the frame. */
  expect(count: number): void {
    this.needed += count;
    if (this.needed > this.#limit) throw this.#tooLarge(this.needed);
  }

  /**
   * Refuses `count` elements of at least `size` bytes that the frame's limit has no room for; those of no bytes count
   * as one each.
   */
  allow(count: number | bigint, size: number): void {
    const each = Math.max(size, 1);
    if (typeof count === 'bigint' || this.consumed + count * each > this.#limit)
      throw this.#tooLarge(BigInt(this.consumed) + BigInt(count) * BigInt(each));
    if (size === 0) this.#limit -= this.#keptProgress().charge(count, this.consumed);
  }

  /**
   * In the rest of the frame at most `max` objects may be made, as {@link countValue} counts; `option` names the limit
   * in errors.
   */
  limitValues(max: number, option: string): void {
    this.#keptProgress().limitValues(max, option);
  }

  /**
   * Counts an object that is made of what stands here. @throws {CmdStreamError} BAD_PAYLOAD beyond {@link limitValues}
   */
  countValue(): void {
    this.#keptProgress().countValue(this.consumed);
  }

  /**
   * While the signal passes: what `decoder` has read, up to `position`, of the value that began at `start` (see
   * {@link consumed}).
   */
  keep(decoder: object, start: number, position: number, progress: unknown): void {
    this.#keptProgress().push({ decoder, start, position, progress });
  }

  /** Goes on where `decoder` was cut in the value that begins here, if it was, and gives what it has kept. */
  resume(decoder: object): unknown {
    if (!this.#hasProgress) return undefined;
    const kept = this.#progress!.pop(decoder, this.consumed);
    if (kept !== undefined) this.#position = this.#start + kept.position;
    return kept?.progress;
  }

  #tooLarge(total: number | bigint): CmdStreamError {
    if (this.#frameEnd >= 0) return new CmdStreamError('BAD_PAYLOAD', 'a value reaches beyond the end of its frame');
    const limit = this.#limit + (this.#progress?.charged ?? 0);
    return new CmdStreamError('FRAME_TOO_LARGE', `frame of ${total} bytes exceeds ${this.#limitOption} (${limit})`);
  }

  /** Says that the rest of the frame is `length` bytes, and waits for all of them; nothing beyond can be read. */
  delimit(length: number): void {
    this.require(length);
    this.#frameEnd = this.#position + length;
    this.#limit = this.#frameEnd - this.#start;
  }

  /**
   * The rest of the frame is `length` bytes that will be refused. Where frames can be skipped this waits for all of
   * them, as {@link delimit} does; elsewhere the connection ends, and need not wait for it.
   */
  delimitRefused(length: number): void {
    if (this.skipsRefused) this.delimit(length);
  }

  /** Bytes up to the end that {@link delimit} has set. */
  get remaining(): number {
    return this.#frameEnd < 0 ? 0 : this.#frameEnd - this.#position;
  }

  /** Looks at the byte `offset` bytes ahead without reading it; -1 if it has not arrived. */
  peek(offset = 0): number {
    const at = this.#position + offset;
    return at < this.#end ? this.#buffer[at]! : -1;
  }

  /** Consumes the zero bytes that have arrived here and returns their number: pings come in runs. */
  readZeros(): number {
    const from = this.#position;
    while (this.#position < this.#end && this.#buffer[this.#position] === 0) this.#position++;
    return this.#position - from;
  }

  readByte(): number {
    if (this.#position >= this.#end || this.#position - this.#start >= this.#limit) this.require(1);
    return this.#buffer[this.#position++]!;
  }

  /**
   * An unsigned 64-bit varint: a number, or a bigint from 2^53 up. Padded forms are accepted up to 10 bytes.
   *
   * @throws {CmdStreamError} VARINT_OVERFLOW when the tenth byte is above 1
   */
  readUvarint(): number | bigint {
    const first = this.readByte();
    if (first < 0x80) return first;
    const from = this.#position - 1;
    let value = first & 0x7f;
    let scale = 128;
    for (let index = 1; ; index++) {
      const byte = this.readByte();
      if (index === 9 && byte > 1) throw new CmdStreamError('VARINT_OVERFLOW', 'varint exceeds 64 bits');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : this.#exactUvarint(from);
      scale *= 128;
    }
  }

  #exactUvarint(from: number): bigint {
    let value = 0n;
    for (let at = from, shift = 0n; at < this.#position; at++, shift += 7n)
      value |= BigInt(this.#buffer[at]! & 0x7f) << shift;
    return value;
  }

  /**
   * A signed 64-bit integer in "positive" form (two's complement as an unsigned varint): a number where it is safe,
   * else a bigint.
   */
  readPositive(): number | bigint {
    const value = this.readUvarint();
    if (typeof value === 'number' || value < 1n << 63n) return value;
    const negative = value - (1n << 64n);
    return negative >= Number.MIN_SAFE_INTEGER ? Number(negative) : negative;
  }

  /**
   * A length: a positive varint that must fit into what the frame's limit leaves.
   *
   * @throws {CmdStreamError} NEGATIVE_LENGTH, or FRAME_TOO_LARGE before anything is allocated
   */
  readLength(): number {
    const length = this.readPositive();
    if (length < 0) throw new CmdStreamError('NEGATIVE_LENGTH', `length ${length} is negative`);
    this.allow(length, 1);
    return Number(length);
  }

  #take(count: number): number {
    const at = this.#position;
    if (at + count > this.#end || at + count - this.#start > this.#limit) this.require(count);
    this.#position = at + count;
    return at;
  }

  /** 2 bytes, little endian, as are all that follow; 64 bits are a number where that is safe, else a bigint. */
  readUint16(): number {
    return this.#buffer.readUInt16LE(this.#take(2));
  }

  readUint32(): number {
    return this.#buffer.readUInt32LE(this.#take(4));
  }

  readUint64(): number | bigint {
    const at = this.#take(8);
    const high = this.#buffer.readUInt32LE(at + 4);
    return high < 0x20_0000 ? high * 2 ** 32 + this.#buffer.readUInt32LE(at) : this.#buffer.readBigUInt64LE(at);
  }

  readInt64(): number | bigint {
    const at = this.#take(8);
    const value = this.#buffer.readInt32LE(at + 4) * 2 ** 32 + this.#buffer.readUInt32LE(at);
    return Number.isSafeInteger(value) ? value : this.#buffer.readBigInt64LE(at);
  }

  readFloat32(): number {
    return this.#buffer.readFloatLE(this.#take(4));
  }

  readFloat64(): number {
    return this.#buffer.readDoubleLE(this.#take(8));
  }

  /**
   * The next `length` bytes as a view into the receive buffer: valid until the codec returns, copy what must live
   * longer.
   */
  readBytes(length: number): Buffer {
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  /** Shows the rest of the frame, where it is, to `look`; what that makes of it is given, and all of it read. */
  readRest<T>(look: (bytes: Buffer, from: number, to: number) => T | undefined): T | undefined {
    const end = this.#frameEnd;
    const made = look(this.#buffer, this.#position, end);
    if (made !== undefined) this.#position = end;
    return made;
  }

  /** The next `length` bytes as text; bytes that are no valid UTF-8 become U+FFFD. */
  readUtf8(length: number): string {
    const at = this.#take(length);
    return this.#buffer.toString('utf8', at, at + length);
  }

  /** The same, of a name: those come again and again. */
  readName(length: number): string {
    const at = this.#take(length);
    return (this.#names ??= new KnownNames()).read(this.#buffer, at, length);
  }

  /** The next `length` bytes as text. @throws {CmdStreamError} BAD_PAYLOAD when they are no valid UTF-8 */
  readValidUtf8(length: number): string {
    const text = this.readUtf8(length);
    if (text.includes('\ufffd') && !isUtf8(this.#buffer.subarray(this.#position - length, this.#position)))
      throw new CmdStreamError('BAD_PAYLOAD', 'text is no valid UTF-8');
    return text;
  }
}
