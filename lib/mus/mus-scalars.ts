// Single values that are no integers: booleans, floating point numbers and points in time.
import { isDate } from 'node:util/types';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import { uvarint, raw } from './integer-forms.js';
import { misfit, MusError } from './mus-error.js';
import { MusInteger64 } from './mus-integer.js';
import { MusSerializer } from './mus-serializer.js';

/** One byte, 00 or 01. */
export class MusBool extends MusSerializer<boolean> {
  readonly minBytes = 1;

  override describe(): string {
    return 'bool';
  }

  encode(value: boolean, writer: PayloadWriter): void {
    if (typeof value !== 'boolean') throw misfit('a boolean', value);
    writer.writeByte(value ? 1 : 0);
  }

  decode(reader: PayloadReader): boolean {
    const byte = reader.readByte();
    if (byte > 1) throw new MusError('BAD_PAYLOAD', `${byte} is no boolean: it must be 0 or 1`);
    return byte === 1;
  }
}

// Floating point numbers: their bits as they are, or as a varint.

abstract class FloatSerializer extends MusSerializer<number> {
  encode(value: number, writer: PayloadWriter): void {
    if (typeof value !== 'number') throw misfit('a number', value);
    this.write(value, writer);
  }

  protected abstract write(value: number, writer: PayloadWriter): void;
}

/** Rounds to the nearest 32-bit number, but makes no infinity of what is none. */
function rounded(value: number): number {
  const nearest = Math.fround(value);
  if (Math.abs(nearest) === Infinity && Number.isFinite(value)) throw misfit('a number in the range of 32 bits', value);
  return nearest;
}

export class RawFloat64 extends FloatSerializer {
  readonly minBytes = 8;

  override describe(): string {
    return 'rawfloat64';
  }

  protected write(value: number, writer: PayloadWriter): void {
    writer.writeFloat64(value);
  }

  decode(reader: PayloadReader): number {
    return reader.readFloat64();
  }
}

export class RawFloat32 extends FloatSerializer {
  readonly minBytes = 4;

  override describe(): string {
    return 'rawfloat32';
  }

  protected write(value: number, writer: PayloadWriter): void {
    writer.writeFloat32(rounded(value));
  }

  decode(reader: PayloadReader): number {
    return reader.readFloat32();
  }
}

export class VarintFloat64 extends FloatSerializer {
  readonly minBytes = 1;

  override describe(): string {
    return 'varintfloat64';
  }

  protected write(value: number, writer: PayloadWriter): void {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    writer.writeUvarint(view.getBigUint64(0));
  }

  decode(reader: PayloadReader): number {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(reader.readUvarint()));
    return view.getFloat64(0);
  }
}

export class VarintFloat32 extends FloatSerializer {
  readonly minBytes = 1;
  readonly #bits = uvarint(32);

  override describe(): string {
    return 'varintfloat32';
  }

  protected write(value: number, writer: PayloadWriter): void {
    const view = new DataView(new ArrayBuffer(4));
    view.setFloat32(0, rounded(value));
    writer.writeUvarint(view.getUint32(0));
  }

  decode(reader: PayloadReader): number {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, Number(this.#bits.read(reader)));
    return view.getFloat32(0);
  }
}

// Points in time: a raw signed count of 64 bits since 1970-01-01 UTC, in a unit both sides agree on. No zone travels.

const MAX_DATE_MS = 8_640_000_000_000_000n;
const count = new MusInteger64(raw(64, true)).bigint;

/**
 * A point in time as a Date. What a Date, or the unit, cannot hold is rounded toward the past.
 *
 * @publicApi
 */
export class MusTime extends MusSerializer<Date> {
  readonly minBytes = 8;
  /** The same as the count itself, exact also where a Date is not. */
  readonly bigint: MusSerializer<bigint>;
  readonly #perSecond: bigint;

  /** `perSecond`: units in a second. */
  constructor(perSecond: number) {
    super();
    this.#perSecond = BigInt(perSecond);
    this.bigint = new TimeCount(perSecond);
  }

  /** @internal */
  override get drawn(): MusSerializer<unknown, never> {
    return this.bigint.drawn;
  }

  encode(value: Date, writer: PayloadWriter): void {
    if (!isDate(value) || Number.isNaN(value.getTime())) throw misfit('a valid Date', value);
    count.encode(floorDivide(BigInt(value.getTime()) * this.#perSecond, 1000n), writer);
  }

  /** @throws {CmdStreamError} BAD_PAYLOAD when a Date cannot hold it */
  decode(reader: PayloadReader): Date {
    const units = count.decode(reader);
    const milliseconds = floorDivide(units * 1000n, this.#perSecond);
    if (milliseconds > MAX_DATE_MS || milliseconds < -MAX_DATE_MS)
      throw new MusError('BAD_PAYLOAD', `${units} is a time that no Date can hold: \`bigint\` reads it`);
    reader.countValue();
    return new Date(Number(milliseconds));
  }
}

/** Counts of units, which are not to be mistaken for those of another one. */
class TimeCount extends MusSerializer<bigint> {
  readonly minBytes = 8;
  readonly #perSecond: number;

  constructor(perSecond: number) {
    super();
    this.#perSecond = perSecond;
  }

  override describe(): string {
    return `time(${this.#perSecond})`;
  }

  encode(value: bigint, writer: PayloadWriter): void {
    count.encode(value, writer);
  }

  decode(reader: PayloadReader): bigint {
    return count.decode(reader);
  }
}

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend < 0n && quotient * divisor !== dividend ? quotient - 1n : quotient;
}
