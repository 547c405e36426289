// A pointer: 01 for none, 00 and the value otherwise. And the box it may point to, a Ref, where it is more than "this
// or null".
import { CmdStreamError } from '../errors.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import { cutBy, MusError, misfit, musError } from './mus-error.js';
import { MUS_KIND, musKindOf, mustSerialize, MusSerializer, type MusKind, type Shell } from './mus-serializer.js';
import type { Drawable } from './schema-layouts.js';

export const NIL = 1;
const SET = 0;

/**
 * A value that may be missing, and is `null` then.
 *
 * @publicApi
 */
export class MusPointer<T, I> extends MusSerializer<T | null, I | null> {
  /** @internal */
  override get [MUS_KIND](): MusKind {
    return 'pointer';
  }

  readonly minBytes = 1;
  readonly #inner: MusSerializer<T, I>;

  /** @throws {CmdStreamError} INVALID_CONTRACT for a pointer to a pointer: two kinds of null cannot be distinguished */
  constructor(inner: MusSerializer<T, I>) {
    super();
    mustSerialize('mus.ptr', inner);
    if (musKindOf(inner) === 'pointer')
      throw new CmdStreamError('INVALID_CONTRACT', 'a pointer to a pointer has two kinds of null: use mus.ref()');
    this.#inner = inner;
  }

  /** @internal */
  override describe(draw: (part: Drawable) => string): string {
    return `*${draw(this.#inner)}`;
  }

  encode(value: I | null, writer: PayloadWriter): void {
    if (value === null) return writer.writeByte(NIL);
    writer.writeByte(SET);
    this.#inner.encode(value, writer);
  }

  decode(reader: PayloadReader): T | null {
    const flag = reader.readByte();
    if (flag === NIL) return null;
    if (flag !== SET) throw new MusError('BAD_PAYLOAD', `${flag} is no pointer: it must begin with 0 or 1`);
    return this.#inner.decode(reader);
  }
}

/** Registered: the box may be one of another copy of this package. */
const IS_REF: unique symbol = Symbol.for('nestjs-cmd-stream.ref') as never;

/**
 * A box for one value: what a pointer points to when that is no object of its own, or a pointer again.
 *
 * @publicApi
 */
export class Ref<T> {
  constructor(
    /** What is in the box; may be changed. */
    public value: T,
  ) {}

  /** @internal */
  get [IS_REF](): true {
    return true;
  }
}

function isRef(value: unknown): value is Ref<unknown> {
  return (value as Partial<Ref<unknown>> | null | undefined)?.[IS_REF] === true;
}

/** Writes what is in the box; the box itself takes no bytes. */
export class RefSerializer<T, I> extends MusSerializer<Ref<T>, Ref<I>> implements Shell<Ref<T>> {
  constructor(readonly inner: MusSerializer<T, I>) {
    super();
    mustSerialize('a Ref', inner);
  }

  /** @internal */
  override get [MUS_KIND](): MusKind {
    return 'ref';
  }

  get minBytes(): number {
    return this.inner.minBytes;
  }

  override get drawn(): MusSerializer<unknown, never> {
    return this.inner.drawn;
  }

  encode(ref: Ref<I>, writer: PayloadWriter): void {
    if (!isRef(ref)) throw misfit('a Ref', ref);
    try {
      this.inner.encode(ref.value, writer);
    } catch (error) {
      throw musError(error, 'ENCODE_FAILED').inside('.value', '');
    }
  }

  decode(reader: PayloadReader): Ref<T> {
    return this.fill(reader as ByteReader, this.create());
  }

  override get shell(): Shell<Ref<T>> {
    return this;
  }

  create(): Ref<T> {
    // It is not seen before it is filled, but for a value that refers back to it.
    return new Ref<T>(undefined as T);
  }

  fill(reader: ByteReader, empty: Ref<T>): Ref<T> {
    const start = reader.consumed;
    const kept = reader.resume(this) as Ref<T> | undefined;
    const ref = kept ?? empty;
    try {
      // It begins where it began, however often it is cut, and is counted once.
      reader.countValue();
      ref.value = this.inner.decode(reader);
    } catch (error) {
      const cut = { owner: this, start, position: start, progress: ref, rest: 0, segment: '.value', name: '' };
      throw cutBy(error, reader, () => cut);
    }
    return ref;
  }
}
