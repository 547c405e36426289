// A box for one value. Where a pointer is more than "this or null", the box is what it points to.
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { cutBy } from './cut-value.js';
import { misfit, musError } from './mus-error.js';
import { mustSerialize, MusSerializer } from './mus-serializer.js';
import type { Shell } from './shell.js';

/**
 * What a pointer points to, when that is no object of its own, or a pointer again.
 *
 * @publicApi
 */
export class Ref<T> {
  constructor(public value: T) {}
}

/** Writes what is in the box; the box itself takes no bytes. */
export class RefSerializer<T, I> extends MusSerializer<Ref<T>, Ref<I>> implements Shell<Ref<T>> {
  constructor(readonly inner: MusSerializer<T, I>) {
    super();
    mustSerialize('a Ref', inner);
  }

  get minBytes(): number {
    return this.inner.minBytes;
  }

  override get drawn(): MusSerializer<unknown, never> {
    return this.inner.drawn;
  }

  encode(ref: Ref<I>, writer: ByteWriter): void {
    if (!(ref instanceof Ref)) throw misfit('a Ref', ref);
    try {
      this.inner.encode(ref.value, writer);
    } catch (error) {
      throw musError(error, 'ENCODE_FAILED').inside('.value', '');
    }
  }

  decode(reader: ByteReader): Ref<T> {
    return this.fill(reader, this.create());
  }

  override get shell(): Shell<Ref<T>> {
    return this;
  }

  create(): Ref<T> {
    // Nobody sees it before it is filled, but for a value that refers back to it.
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
