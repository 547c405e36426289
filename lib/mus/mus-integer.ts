// Integers as numbers that are checked, or as bigints. How they are laid out is their form's.
import { CmdStreamError } from '../errors.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import type { IntegerForm, Width } from './integer-forms.js';
import { misfit } from './mus-error.js';
import { MUS_KIND, MusSerializer, type MusKind } from './mus-serializer.js';

/**
 * An integer as a number. What does not fit its width, or is beyond ±(2^53-1), is an error both ways, never rounded.
 *
 * @publicApi
 */
export class MusInteger extends MusSerializer<number> {
  /** @internal */
  override get [MUS_KIND](): MusKind {
    return 'integer';
  }

  readonly minBytes: number;
  readonly #form: IntegerForm;
  readonly #min: number;
  readonly #max: number;

  /** @internal */
  constructor(form: IntegerForm, width: Width) {
    super();
    this.minBytes = form.minBytes;
    this.#form = form;
    const [min, max] = boundsOf(form, width);
    this.#min = Math.max(Number(min), Number.MIN_SAFE_INTEGER);
    this.#max = Math.min(Number(max), Number.MAX_SAFE_INTEGER);
  }

  /** @internal */
  override describe(): string {
    return this.#form.name;
  }

  encode(value: number, writer: PayloadWriter): void {
    if (!Number.isInteger(value) || value < this.#min || value > this.#max) throw this.#misfit(value);
    this.#form.write(value, writer);
  }

  /** @throws {CmdStreamError} UNSAFE_INTEGER, VARINT_OVERFLOW */
  decode(reader: PayloadReader): number {
    const value = this.#form.read(reader);
    if (typeof value === 'number') return value;
    throw new CmdStreamError('UNSAFE_INTEGER', `${value} is beyond 2^53-1: the serializer's \`bigint\` reads it`);
  }

  /** @internal The integer as it is, a bigint beyond ±(2^53-1). */
  readExact(reader: PayloadReader): number | bigint {
    return this.#form.read(reader);
  }

  #misfit(value: unknown): CmdStreamError {
    return misfit(`an integer from ${this.#min} to ${this.#max}`, value);
  }
}

/**
 * An integer of 64 bits as a number; `bigint` is the same as a bigint.
 *
 * @publicApi
 */
export class MusInteger64 extends MusInteger {
  /** The whole range, as bigints. */
  readonly bigint: MusSerializer<bigint>;

  /** @internal */
  constructor(form: IntegerForm) {
    super(form, 64);
    this.bigint = new BigintSerializer(form);
  }
}

class BigintSerializer extends MusSerializer<bigint> {
  readonly minBytes: number;
  readonly #form: IntegerForm;
  readonly #min: bigint;
  readonly #max: bigint;

  constructor(form: IntegerForm) {
    super();
    this.minBytes = form.minBytes;
    this.#form = form;
    [this.#min, this.#max] = boundsOf(form, 64);
  }

  override describe(): string {
    return this.#form.name;
  }

  encode(value: bigint, writer: PayloadWriter): void {
    if (typeof value !== 'bigint' || value < this.#min || value > this.#max)
      throw misfit(`a bigint from ${this.#min} to ${this.#max}`, value);
    this.#form.write(value, writer);
  }

  decode(reader: PayloadReader): bigint {
    return BigInt(this.#form.read(reader));
  }
}

function boundsOf({ isSigned }: IntegerForm, width: Width): readonly [bigint, bigint] {
  const count = 1n << BigInt(width);
  return isSigned ? [-count / 2n, count / 2n - 1n] : [0n, count - 1n];
}
