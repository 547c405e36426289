// How the length of one kind of value is written, and what it may be when it is read: what the options of all that has
// a length say.
import { resolveOptions, callback, integer, type OptionRules } from '../options.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import { MusError, musError } from './mus-error.js';
import type { MusInteger } from './mus-integer.js';
import { musKindOf } from './mus-serializer.js';

/**
 * How a length of MUS is written, and which are accepted: of texts, blocks of bytes, lists and maps.
 *
 * @example
 * import { mus } from 'nestjs-cmd-stream/mus';
 *
 * export const name = mus.string.with({ maxLength: 100 });
 * export const picture = mus.bytes.with({ maxLength: 65_536, lengthAs: mus.raw.uint32 });
 * export const even = mus.slice(name, { checkLength: (length) => length % 2 === 0 });
 *
 * @publicApi
 */
export interface MusLengthOptions {
  /**
   * Greatest length that is read: bytes of a text or block, elements of a list, entries of a map.
   * @default none: what `maxCommandBytes` or `maxResultBytes` allows
   */
  maxLength?: number | undefined;
  /**
   * Looks at a length that was read, 0 included, before anything is read or allocated: throws what is wrong with it, or
   * returns false.
   * @default none
   */
  checkLength?: ((length: number) => unknown) | undefined;
  /**
   * The integer a length is written as.
   * @default none: a positive varint
   */
  lengthAs?: MusInteger | undefined;
}

export const musLengthDefaults = Object.freeze({});

export const musLengthRules: OptionRules<MusLengthOptions> = Object.freeze({
  maxLength: integer(0, Number.MAX_SAFE_INTEGER, 'bytes, elements or entries'),
  checkLength: callback,
  lengthAs: {
    expected: 'an integer of MUS, such as mus.varint.int',
    accepts: (value) => musKindOf(value) === 'integer',
  },
});

export class LengthRule {
  readonly minBytes: number;
  /** The default: a positive varint. */
  readonly isPlain: boolean;
  readonly #as: MusInteger | undefined;
  readonly #max: number;
  readonly #check: MusLengthOptions['checkLength'];

  /** @throws {CmdStreamError} INVALID_OPTION naming `owner` */
  constructor(owner: string, options?: MusLengthOptions) {
    const { maxLength, checkLength, lengthAs } = resolveOptions<MusLengthOptions, typeof musLengthDefaults>(
      owner,
      options,
      musLengthDefaults,
      musLengthRules,
    );
    this.isPlain = lengthAs === undefined;
    this.minBytes = lengthAs?.minBytes ?? 1;
    this.#as = lengthAs;
    this.#max = maxLength ?? Number.POSITIVE_INFINITY;
    this.#check = checkLength;
  }

  /** How the length is written; nothing for the default. */
  get layout(): string {
    return this.#as?.layout() ?? '';
  }

  write(length: number, writer: PayloadWriter): void {
    if (this.#as === undefined) writer.writeUvarint(length);
    else this.#as.encode(length, writer);
  }

  /** A length that is allowed. @throws {CmdStreamError} NEGATIVE_LENGTH, BAD_PAYLOAD, FRAME_TOO_LARGE */
  read(reader: PayloadReader): number {
    const exact = this.#as === undefined ? reader.readPositive() : this.#as.readExact(reader);
    if (exact < 0) throw new MusError('NEGATIVE_LENGTH', `length ${exact} is negative`);
    const length = Number(exact);
    if (length > this.#max) throw new MusError('BAD_PAYLOAD', `length ${exact} exceeds maxLength (${this.#max})`);
    if (this.#check !== undefined) this.#ask(length);
    // No frame has room for a bigint; as a number it would be shown rounded.
    reader.allow(exact, 1);
    return length;
  }

  #ask(length: number): void {
    let answer: unknown;
    try {
      answer = this.#check!(length);
    } catch (error) {
      throw musError(error, 'BAD_PAYLOAD');
    }
    if (answer === false) throw new MusError('BAD_PAYLOAD', `length ${length} was refused by checkLength`);
  }
}
