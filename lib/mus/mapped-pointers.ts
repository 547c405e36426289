// Mapped pointers, for shared and cyclic structures: 01 for none, else 02 and an id, behind which the value stands the
// first time. Ids count up from 0 in every value that is wrapped.
import type { TypeClass } from '../contract/type-table.js';
import { INCOMPLETE } from '../wire/decode-progress.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { misfit, MusError, type MusDirection } from './mus-error.js';
import { NIL, Ref, RefSerializer } from './mus-pointer.js';
import { musKindOf, mustSerialize, MusSerializer, type Shell } from './mus-serializer.js';
import type { Drawable } from './schema-layouts.js';

const MAPPED = 2;

/** What one wrapped value has numbered so far, while it is written or read. */
interface Numbering {
  readonly written: Map<object, Entry>;
  readonly read: Map<number | bigint, Entry>;
}

/** One id: how its value is laid out, and what is known of it. */
interface Entry {
  readonly id: number | bigint;
  readonly layout: object;
  readonly isRef: boolean;
  /** Undefined as long as nothing may refer to it: it is not complete, and has no {@link Shell}. */
  value: object | undefined;
  /** Where in the frame its pointer and its value begin, and where they end once they are read. */
  readonly start: number;
  end?: number;
}

/**
 * Makes the pointers of one wrapped value.
 *
 * @publicApi
 */
export class PointerScope {
  #current: Numbering | undefined;

  /** A pointer to an object: the same object is written once, and read as one object. */
  readonly ptr = <T extends object, I extends object>(inner: MusSerializer<T, I>): MusSerializer<T | null, I | null> =>
    new MappedPointer(this, inner);

  /** A pointer to anything, in a box: the same {@link Ref} is written once, and read as one Ref. */
  readonly ref = <T, I>(inner: MusSerializer<T, I>): MusSerializer<Ref<T> | null, Ref<I> | null> =>
    new MappedPointer(this, new RefSerializer(inner));

  /** @internal @throws {CmdStreamError} ENCODE_FAILED, BAD_PAYLOAD outside the value that is wrapped */
  numbering(code: MusDirection): Numbering {
    if (this.#current) return this.#current;
    throw new MusError(code, 'a mapped pointer is outside of the value of its mus.mapped()');
  }

  /** @internal Runs `work` with a numbering of its own. */
  within<R>(numbering: Numbering, work: () => R): R {
    const outer = this.#current;
    this.#current = numbering;
    try {
      return work();
    } finally {
      this.#current = outer;
    }
  }
}

class MappedPointer<T extends object, I extends object> extends MusSerializer<T | null, I | null> {
  readonly minBytes = 1;
  readonly #scope: PointerScope;
  readonly #inner: MusSerializer<T, I>;

  constructor(scope: PointerScope, inner: MusSerializer<T, I>) {
    super();
    mustSerialize('a mapped pointer', inner);
    this.#scope = scope;
    this.#inner = inner;
  }

  override describe(draw: (part: Drawable) => string): string {
    return `mapped*${draw(this.#inner)}`;
  }

  encode(value: I | null, writer: ByteWriter): void {
    const { written } = this.#scope.numbering('ENCODE_FAILED');
    if (value === null) return writer.writeByte(NIL);
    if (typeof value !== 'object') throw misfit('an object or null', value);
    writer.writeByte(MAPPED);
    const known = written.get(value);
    if (known === undefined) this.#encodeFirst(value, written, writer);
    else if (this.#fits(known)) writer.writeUvarint(this.#there(known, 'ENCODE_FAILED').id);
    else throw misfit('an object that no pointer of another type points to', value);
  }

  #encodeFirst(value: I, written: Numbering['written'], writer: ByteWriter): void {
    const entry = this.#entry(written.size, this.#inner.shell && value, 0);
    written.set(value, entry);
    writer.writeUvarint(entry.id);
    this.#inner.encode(value, writer);
    entry.value = value;
  }

  decode(reader: ByteReader): T | null {
    const start = reader.consumed;
    const { read } = this.#scope.numbering('BAD_PAYLOAD');
    const { shell } = this.#inner;
    const kept = reader.resume(this) as Entry | undefined;
    if (kept !== undefined) return this.#fill(reader, shell!, kept);
    const flag = reader.readByte();
    if (flag === NIL) return null;
    if (flag !== MAPPED) throw new MusError('BAD_PAYLOAD', `${flag} is no mapped pointer: it must begin with 1 or 2`);
    const id = reader.readPositive();
    const known = read.get(id);
    if (known !== undefined) return this.#pointee(known, start, reader);
    const entry = this.#entry(id, shell?.create(), start);
    read.set(id, entry);
    if (shell !== undefined) return this.#fill(reader, shell, entry);
    try {
      const value = this.#inner.decode(reader);
      entry.value = value;
      entry.end = reader.consumed;
      return value;
    } catch (error) {
      read.delete(id);
      throw error;
    }
  }

  /** A value may be known to others before it is read: when it is cut, the next attempt goes on with the same one. */
  #fill(reader: ByteReader, shell: Shell<T>, entry: Entry): T {
    const position = reader.consumed;
    try {
      shell.fill(reader, entry.value as T);
      entry.end = reader.consumed;
      return entry.value as T;
    } catch (error) {
      if (error === INCOMPLETE) reader.keep(this, entry.start, position, entry);
      throw error;
    }
  }

  #pointee(known: Entry, start: number, reader: ByteReader): T {
    if (!this.#fits(known)) throw new MusError('BAD_PAYLOAD', `the pointer ${known.id} has a value of another type`);
    const { value, end } = this.#there(known, 'BAD_PAYLOAD');
    // A decoder that is not ours starts over when it is cut: this is where the value stands, and others may refer to
    // it.
    if (known.start === start && end !== undefined) reader.readBytes(end - reader.consumed);
    return value as T;
  }

  #there(known: Entry, code: MusDirection): Entry {
    if (known.value !== undefined) return known;
    const values = "a value behind a check, a type number or a layout of one's own";
    throw new MusError(code, `the pointer ${known.id} points to itself, which ${values} cannot`);
  }

  #entry(id: number | bigint, value: object | undefined, start: number): Entry {
    return { id, value, start, ...this.#type };
  }

  #fits({ layout, isRef }: Entry): boolean {
    const own = this.#type;
    return layout === own.layout && isRef === own.isRef;
  }

  get #type(): Pick<Entry, 'layout' | 'isRef'> {
    const inner: { readonly target: object } = this.#inner;
    const isRef = musKindOf(inner) === 'ref';
    return { isRef, layout: isRef ? (inner as RefSerializer<unknown, unknown>).inner.target : inner.target };
  }
}

/** The value in which the pointers of a scope count from 0. */
export class MappedSerializer<T, I> extends MusSerializer<T, I> {
  readonly #scope: PointerScope;
  readonly #inner: MusSerializer<T, I>;

  constructor(define: (scope: PointerScope) => MusSerializer<T, I>) {
    super();
    this.#scope = new PointerScope();
    this.#inner = define(this.#scope);
    mustSerialize('mus.mapped', this.#inner);
  }

  get minBytes(): number {
    return this.#inner.minBytes;
  }

  override get types(): readonly TypeClass[] {
    return this.#inner.types;
  }

  override describe(draw: (part: Drawable) => string): string {
    return `mapped(${draw(this.#inner)})`;
  }

  encode(value: I, writer: ByteWriter): void {
    this.#scope.within(newNumbering(), () => this.#inner.encode(value, writer));
  }

  decode(reader: ByteReader): T {
    const start = reader.consumed;
    const numbering = (reader.resume(this) as Numbering | undefined) ?? newNumbering();
    try {
      return this.#scope.within(numbering, () => this.#inner.decode(reader));
    } catch (error) {
      if (error === INCOMPLETE) reader.keep(this, start, start, numbering);
      throw error;
    }
  }
}

function newNumbering(): Numbering {
  return { written: new Map(), read: new Map() };
}
