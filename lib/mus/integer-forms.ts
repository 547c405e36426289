// The ways an integer of some width is laid out: varint, ZigZag, positive and raw. Whether a value fits is checked by
// others.
import { CmdStreamError } from '../errors.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';

export type Width = 8 | 16 | 32 | 64;

/** Numbers where they are safe, bigints beyond. */
export interface IntegerForm {
  /** Which form of which width it is. */
  readonly name: string;
  readonly isSigned: boolean;
  readonly minBytes: number;
  write(value: number | bigint, writer: PayloadWriter): void;
  read(reader: PayloadReader): number | bigint;
}

/** Most bytes of a varint of a width, and the greatest last one. */
const varintLimits = { 8: [2, 0x01], 16: [3, 0x03], 32: [5, 0x0f] } as const;

function readNarrow(reader: PayloadReader, width: Exclude<Width, 64>): number {
  const [most, last] = varintLimits[width];
  let value = 0;
  let scale = 1;
  for (let count = 1; ; count++) {
    const byte = reader.readByte();
    if (count === most && byte > last) throw new CmdStreamError('VARINT_OVERFLOW', `varint exceeds ${width} bits`);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
}

export function uvarint(width: Width): IntegerForm {
  return {
    name: `uvarint${width}`,
    isSigned: false,
    minBytes: 1,
    write: (value, writer) => writer.writeUvarint(value),
    read: width === 64 ? (reader) => reader.readUvarint() : (reader) => readNarrow(reader, width),
  };
}

export function zigzag(width: Width): IntegerForm {
  return {
    name: `zigzag${width}`,
    isSigned: true,
    minBytes: 1,
    write: (value, writer) => writer.writeVarint(value),
    read: width === 64 ? readZigzag : (reader) => unfold(readNarrow(reader, width)),
  };
}

function unfold(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function readZigzag(reader: PayloadReader): number | bigint {
  const value = reader.readUvarint();
  if (typeof value === 'number') return unfold(value);
  const half = value >> 1n;
  // ZigZag doubles a number: half of what is not safe may be.
  return exact(value & 1n ? -half - 1n : half);
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A signed integer written as if it was unsigned: the two's complement if it is negative. */
export function positive(width: Width): IntegerForm {
  if (width === 64) {
    return {
      name: 'positive64',
      isSigned: true,
      minBytes: 1,
      write: (value, writer) => writer.writeUvarint(value),
      read: (reader) => reader.readPositive(),
    };
  }
  const modulus = 2 ** width;
  return {
    name: `positive${width}`,
    isSigned: true,
    minBytes: 1,
    write: (value, writer) => writer.writeUvarint(value < 0 ? Number(value) + modulus : value),
    read(reader) {
      const value = readNarrow(reader, width);
      return value < modulus / 2 ? value : value - modulus;
    },
  };
}

const rawReads = {
  8: [(reader: PayloadReader) => reader.readByte(), (reader: PayloadReader) => (reader.readByte() << 24) >> 24],
  16: [(reader: PayloadReader) => reader.readUint16(), (reader: PayloadReader) => (reader.readUint16() << 16) >> 16],
  32: [(reader: PayloadReader) => reader.readUint32(), (reader: PayloadReader) => reader.readUint32() | 0],
  64: [(reader: PayloadReader) => reader.readUint64(), (reader: PayloadReader) => reader.readInt64()],
} as const;

const rawWrites = {
  8: (value: number | bigint, writer: PayloadWriter) => writer.writeByte(Number(value)),
  16: (value: number | bigint, writer: PayloadWriter) => writer.writeUint16(Number(value)),
  32: (value: number | bigint, writer: PayloadWriter) => writer.writeUint32(Number(value)),
  64: (value: number | bigint, writer: PayloadWriter) => writer.writeUint64(value),
} as const;

/** Little endian, as many bytes as the width has. */
export function raw(width: Width, isSigned: boolean): IntegerForm {
  const name = `raw${isSigned ? 'int' : 'uint'}${width}`;
  return { name, isSigned, minBytes: width / 8, write: rawWrites[width], read: rawReads[width][isSigned ? 1 : 0] };
}
