// Points in time: a raw signed count of 64 bits since 1970-01-01 UTC, in a unit both sides agree on. No zone travels.
import { isDate } from 'node:util/types';
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { raw } from './integer-forms.js';
import { misfit, MusError } from './mus-error.js';
import { MusInteger64 } from './mus-integer.js';
import { MusSerializer } from './mus-serializer.js';

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

  override get drawn(): MusSerializer<unknown, never> {
    return this.bigint.drawn;
  }

  encode(value: Date, writer: ByteWriter): void {
    if (!isDate(value) || Number.isNaN(value.getTime())) throw misfit('a valid Date', value);
    count.encode(floorDivide(BigInt(value.getTime()) * this.#perSecond, 1000n), writer);
  }

  /** @throws {CmdStreamError} BAD_PAYLOAD when a Date cannot hold it */
  decode(reader: ByteReader): Date {
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

  encode(value: bigint, writer: ByteWriter): void {
    count.encode(value, writer);
  }

  decode(reader: ByteReader): bigint {
    return count.decode(reader);
  }
}

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend < 0n && quotient * divisor !== dividend ? quotient - 1n : quotient;
}
