// Lists: a count, then the elements. An array of a fixed size is the same, with one count only.
import { CmdStreamError } from '../errors.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import { LengthRule, type MusLengthOptions } from './length-rule.js';
import { cutBy, misfit, MusError, musError } from './mus-error.js';
import { mustSerialize, MusSerializer, type Shell } from './mus-serializer.js';
import type { Drawable } from './schema-layouts.js';

interface Progress<T> {
  readonly count: number;
  readonly list: T[];
}

/**
 * A list of any length, or of `size` elements. It grows as they arrive; a count alone allocates nothing.
 *
 * @publicApi
 */
export class MusList<T, I> extends MusSerializer<T[], readonly I[]> {
  readonly #element: MusSerializer<T, I>;
  readonly #length: LengthRule;
  readonly #size: number | undefined;

  /** @throws {CmdStreamError} INVALID_OPTION, INVALID_CONTRACT */
  constructor(element: MusSerializer<T, I>, options?: MusLengthOptions, size?: number) {
    super();
    if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0))
      throw new CmdStreamError('INVALID_OPTION', `mus.array: the size must be a whole number from 0, got ${size}`);
    mustSerialize(size === undefined ? 'mus.slice' : 'mus.array', element);
    this.#element = element;
    this.#length = new LengthRule(size === undefined ? 'mus.slice' : 'mus.array', options);
    this.#size = size;
  }

  get minBytes(): number {
    const least = this.#length.minBytes;
    return this.#size === undefined ? least : least + this.#size * this.#element.minBytes;
  }

  /** @internal */
  override describe(draw: (part: Drawable) => string): string {
    return `[${this.#size ?? ''}${this.#length.layout}]${draw(this.#element)}`;
  }

  encode(value: readonly I[], writer: PayloadWriter): void {
    if (!Array.isArray(value)) throw misfit('an array', value);
    const count = value.length;
    if (this.#size !== undefined && count !== this.#size) throw misfit(`an array of ${this.#size}`, value);
    this.#length.write(count, writer);
    let index = 0;
    try {
      for (; index < count; index++) this.#element.encode(value[index] as I, writer);
    } catch (error) {
      throw musError(error, 'ENCODE_FAILED').inside(`[${index}]`, '');
    }
  }

  decode(reader: PayloadReader): T[] {
    return this.fill(reader as ByteReader, []);
  }

  /** @internal */
  override get shell(): Shell<T[]> {
    return this;
  }

  /** @internal */
  create(): T[] {
    return [];
  }

  /** @internal */
  fill(reader: ByteReader, empty: T[]): T[] {
    const element = this.#element;
    const start = reader.consumed;
    const kept = reader.resume(this) as Progress<T> | undefined;
    const list = kept === undefined ? empty : kept.list;
    const count = kept === undefined ? this.#readCount(reader) : kept.count;
    let position = reader.consumed;
    try {
      while (list.length < count) {
        list.push(element.decode(reader));
        position = reader.consumed;
      }
    } catch (error) {
      throw cutBy(error, reader, () => ({
        owner: this,
        start,
        position,
        progress: { count, list } satisfies Progress<T>,
        rest: (count - list.length - 1) * element.minBytes,
        segment: `[${list.length}]`,
        name: '',
      }));
    }
    return list;
  }

  #readCount(reader: PayloadReader): number {
    reader.countValue();
    const count = this.#length.read(reader);
    if (this.#size !== undefined && count !== this.#size)
      throw new MusError('BAD_PAYLOAD', `an array of ${this.#size} cannot have ${count} elements`);
    reader.allow(count, this.#element.minBytes);
    return count;
  }
}
