// Collects what one connection is about to send. It knows numbers, blocks and text, but no frames and no socket;
// a value that fails half-way is cut off again with `truncate`, so the socket only ever sees whole frames.
import { CmdStreamError } from '../errors.js';
import type { PayloadWriter } from './payload.js';

const INITIAL_BYTES = 1024;
const KEPT_BYTES = 64 * 1024;
const MOST_SPARE_BYTES = 1024 * 1024;
const EMPTY = Buffer.alloc(0);
const MAX_VARINT_BYTES = 10;
/** Up to so many bytes four at a time are copied sooner than by a method of Buffer, which makes an object for it. */
const FEW_BYTES = 192;
const SHORT_TEXT = 16;
const TWO_64 = 1n << 64n;
/** Of a safe integer, its minus included. */
const MAX_DIGITS = 17;
/** As many digits at a time are written as a whole number of 32 bits. */
const PART_DIGITS = 9;
const PART = 10 ** PART_DIGITS;
const ZERO = 0x30;
const MINUS = 0x2d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Up to so many letters one at a time are written sooner than by a method of Buffer. */
const FEW_LETTERS = 48;
const special = /[^ !#-[\]-~]/;

/** Memory that writers have given back, for whichever writes next: who has nothing to write need not keep any. */
export class SpareBlocks {
  readonly #blocks: Buffer[] = [];
  #bytes = 0;

  /** The block that was given last, if it has room for so many bytes. */
  take(bytes: number): Buffer | undefined {
    const last = this.#blocks.at(-1);
    if (last === undefined || last.length < bytes) return undefined;
    this.#blocks.pop();
    this.#bytes -= last.length;
    return last;
  }

  /** Keeps a whole block that nothing reads any more; one that is large, or one too many, is let go. */
  give(block: Buffer): void {
    if (block.length === 0 || block.length > KEPT_BYTES || this.#bytes + block.length > MOST_SPARE_BYTES) return;
    this.#blocks.push(block);
    this.#bytes += block.length;
  }
}

export class ByteWriter implements PayloadWriter {
  /** Bytes written and not yet taken; read only to others. */
  length = 0;
  #buffer: Buffer = EMPTY;
  /** Of the buffer, if that was copied from. */
  #view: DataView | undefined;
  readonly #spares: SpareBlocks | undefined;
  readonly #initialBytes: number;

  /** `spares`: where memory comes from and goes to; `initialBytes`: as much is made at the first byte. */
  constructor(spares?: SpareBlocks, initialBytes = INITIAL_BYTES) {
    this.#spares = spares;
    this.#initialBytes = initialBytes;
  }

  /** Bytes of memory it holds. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** Drops everything written after the first `length` bytes, and memory that only what is dropped has needed. */
  truncate(length: number): void {
    this.length = length;
    const kept = Math.max(KEPT_BYTES, 2 * length);
    if (this.#buffer.length > 2 * kept) this.#resize(kept);
  }

  /** Drops everything, and lets go of the memory, which nothing may read any more. */
  release(): void {
    this.length = 0;
    if (this.#buffer.length === 0) return;
    this.#spares?.give(this.#buffer);
    this.#use(EMPTY);
  }

  /** Hands over all that was written; the memory is the caller's until it gives it back by {@link recycle}. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.length);
    this.#use(EMPTY);
    this.length = 0;
    return taken;
  }

  /** What was written behind the first `mark` bytes; it is there until it is truncated. */
  bytesFrom(mark: number): Buffer {
    return this.#buffer.subarray(mark, this.length);
  }

  /** Takes back memory from {@link take} once it is not read any more. */
  recycle(taken: Buffer): void {
    if (taken.byteOffset === 0) this.#spares?.give(Buffer.from(taken.buffer as ArrayBuffer));
  }

  /** Copies what was written, from `from` up to `to`, into `target` at `at`. */
  copyTo(target: DataView, at: number, from: number, to: number): void {
    if (to - from > FEW_BYTES) {
      new Uint8Array(target.buffer, target.byteOffset).set(this.#buffer.subarray(from, to), at);
      return;
    }
    const source = (this.#view ??= viewOf(this.#buffer));
    const shift = at - from;
    let next = from;
    for (; next + 4 <= to; next += 4) target.setInt32(next + shift, source.getInt32(next));
    for (; next < to; next++) target.setUint8(next + shift, source.getUint8(next));
  }

  #reserve(count: number): number {
    const at = this.length;
    if (at + count > this.#buffer.length) this.#grow(at + count);
    return at;
  }

  #grow(least: number): void {
    const spare = this.#buffer.length === 0 ? this.#spares?.take(least) : undefined;
    if (spare !== undefined) this.#use(spare);
    else this.#resize(Math.max(this.#initialBytes, 2 * this.#buffer.length, least));
  }

  #resize(bytes: number): void {
    const resized = Buffer.allocUnsafeSlow(bytes);
    this.#buffer.copy(resized, 0, 0, this.length);
    this.#use(resized);
  }

  #use(buffer: Buffer): void {
    this.#buffer = buffer;
    this.#view = undefined;
  }

  writeByte(byte: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = byte;
    this.length = at + 1;
  }

  writeZeros(count: number): void {
    const at = this.#reserve(count);
    this.#buffer.fill(0, at, at + count);
    this.length = at + count;
  }

  /** An unsigned varint in its shortest form. A negative number or bigint is written as its 64-bit two's complement. */
  writeUvarint(value: number | bigint): void {
    let at = this.#reserve(MAX_VARINT_BYTES);
    if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      while (value > 0x7fffffff) {
        this.#buffer[at++] = (value % 128) | 0x80;
        value = Math.floor(value / 128);
      }
      while (value > 0x7f) {
        this.#buffer[at++] = (value & 0x7f) | 0x80;
        value >>>= 7;
      }
      this.#buffer[at++] = value;
    } else {
      let rest = BigInt.asUintN(64, typeof value === 'bigint' ? checked(value) : BigInt(value));
      for (; rest > 0x7fn; rest >>= 7n) this.#buffer[at++] = Number(rest & 0x7fn) | 0x80;
      this.#buffer[at++] = Number(rest);
    }
    this.length = at;
  }

  /** A signed varint in ZigZag form; the number must be a safe integer. */
  writeVarint(value: number | bigint): void {
    if (typeof value === 'bigint') return this.writeUvarint(value < 0n ? -2n * value - 1n : 2n * value);
    // The first byte holds the sign and six bits: doubling the number could round it.
    const rest = value < 0 ? -1 - value : value;
    const first = ((rest & 0x3f) << 1) | (value < 0 ? 1 : 0);
    if (rest < 0x40) return this.writeByte(first);
    this.writeByte(first | 0x80);
    this.writeUvarint(Math.floor(rest / 0x40));
  }

  /**
   * 2 bytes, little endian, as are all that follow. A number out of range, here and there, is cut to its lowest bits.
   */
  writeUint16(value: number): void {
    const at = this.#reserve(2);
    this.#buffer[at] = value;
    this.#buffer[at + 1] = value >> 8;
    this.length = at + 2;
  }

  writeUint32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeInt32LE(value | 0, at);
    this.length = at + 4;
  }

  /** 8 bytes of a safe integer or a bigint, in two's complement. */
  writeUint64(value: number | bigint): void {
    const at = this.#reserve(8);
    if (typeof value === 'bigint') {
      this.#buffer.writeBigInt64LE(BigInt.asIntN(64, value), at);
    } else {
      this.#buffer.writeInt32LE(value | 0, at);
      this.#buffer.writeInt32LE(Math.floor(value / 2 ** 32) | 0, at + 4);
    }
    this.length = at + 8;
  }

  writeFloat32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeFloatLE(value, at);
    this.length = at + 4;
  }

  writeFloat64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleLE(value, at);
    this.length = at + 8;
  }

  writeBytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
    this.length = at + bytes.length;
  }

  /** The same of some bytes only. */
  writeFew(bytes: Uint8Array): void {
    const { length } = bytes;
    const at = this.#reserve(length);
    const buffer = this.#buffer;
    for (let index = 0; index < length; index++) buffer[at + index] = bytes[index]!;
    this.length = at + length;
  }

  /** The digits of a safe integer, behind a minus if it is negative. */
  writeDigits(value: number): void {
    let at = this.#reserve(MAX_DIGITS);
    let rest = value;
    if (value < 0) {
      this.#buffer[at++] = MINUS;
      rest = -value;
    }
    this.length = at;
    if (rest >= PART) {
      const high = Math.floor(rest / PART);
      this.#putDigits(high, digitsOf(high));
      this.#putDigits(rest - high * PART, PART_DIGITS);
    } else this.#putDigits(rest, digitsOf(rest));
  }

  #putDigits(value: number, digits: number): void {
    const from = this.length;
    this.length = from + digits;
    let rest = value | 0;
    for (let at = this.length - 1; at >= from; at--) {
      const tens = (rest / 10) | 0;
      this.#buffer[at] = ZERO + rest - tens * 10;
      rest = tens;
    }
  }

  /** Text in quotes, if JSON has it as it is and each letter is a byte; else false, and something else stands there. */
  writeQuoted(text: string): boolean {
    const { length } = text;
    let at = this.#reserve(length + 2);
    const buffer = this.#buffer;
    buffer[at++] = QUOTE;
    if (length > FEW_LETTERS) {
      if (special.test(text)) return false;
      at += buffer.write(text, at, 'latin1');
    } else {
      for (let index = 0; index < length; index++) {
        const code = text.charCodeAt(index);
        if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) return false;
        buffer[at++] = code;
      }
    }
    buffer[at++] = QUOTE;
    this.length = at;
    return true;
  }

  /** Text as its length in bytes (varint) and its UTF-8 bytes; the length is returned. */
  writeUtf8(text: string): number {
    if (text.length <= SHORT_TEXT && this.#wroteAscii(text)) return text.length;
    // Most text is ASCII: leave room for the length that would be right for it, and move the bytes in the other case.
    const guess = uvarintSize(text.length);
    const most = text.length <= 1024 ? text.length * 3 : Buffer.byteLength(text);
    const at = this.#reserve(MAX_VARINT_BYTES + most);
    const size = this.#buffer.write(text, at + guess, 'utf8');
    const prefix = uvarintSize(size);
    if (prefix !== guess) this.#buffer.copyWithin(at + prefix, at + guess, at + guess + size);
    this.writeUvarint(size);
    this.length = at + prefix + size;
    return size;
  }

  /** Letter by letter, which takes less time for a short one; false if it is another kind of text. */
  #wroteAscii(text: string): boolean {
    const { length } = text;
    let at = this.#reserve(length + 1);
    this.#buffer[at++] = length;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      this.#buffer[at++] = code;
    }
    this.length = at;
    return true;
  }

  /** Text as its UTF-8 bytes alone; the reader must know where it ends. */
  writeText(text: string): void {
    const at = this.#reserve(text.length <= 1024 ? text.length * 3 : Buffer.byteLength(text));
    this.length = at + this.#buffer.write(text, at, 'utf8');
  }

  /** A text, or all that another writer has written. */
  writeJson(json: string | ByteWriter): void {
    if (typeof json === 'string') return this.writeText(json);
    const { length } = json;
    const at = this.#reserve(length);
    if (length <= FEW_BYTES) {
      const [from, to] = [json.#buffer, this.#buffer];
      for (let index = 0; index < length; index++) to[at + index] = from[index]!;
    } else json.#buffer.copy(this.#buffer, at, 0, length);
    this.length = at + length;
  }

  /** What `write` writes, behind its length in bytes (varint). */
  writeSized(write: (writer: ByteWriter) => void): void {
    const at = this.beginSized();
    write(this);
    this.endSized(at);
  }

  /** What is written from here on, until {@link endSized}, gets its length in front. */
  beginSized(): number {
    this.writeByte(0);
    return this.length - 1;
  }

  /** `at`: what {@link beginSized} gave. */
  endSized(at: number): void {
    const size = this.length - at - 1;
    const prefix = uvarintSize(size);
    this.#reserve(MAX_VARINT_BYTES);
    if (prefix > 1) this.#buffer.copyWithin(at + prefix, at + 1, at + 1 + size);
    this.length = at;
    this.writeUvarint(size);
    this.length = at + prefix + size;
  }
}

/** The same bytes, to be read and written as numbers. */
export function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest /= 10) digits++;
  return digits;
}

function checked(value: bigint): bigint {
  if (value >= TWO_64 || value < -TWO_64 / 2n)
    throw new CmdStreamError('ENCODE_FAILED', `${value} does not fit into 64 bits`);
  return value;
}

function uvarintSize(value: number): number {
  let size = 1;
  for (; value > 0x7f; value = Math.floor(value / 128)) size++;
  return size;
}
