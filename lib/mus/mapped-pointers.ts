// Mapped pointers, for shared and cyclic structures: 01 for none, else 02 and an id, behind which the value stands the
// first time. Ids count up from 0 in every value that is wrapped.
import type { TypeClass } from '../codec/type-table.js';
import { INCOMPLETE } from '../wire/incomplete.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { misfit, MusError } from './mus-error.js';
import { NIL } from './mus-pointer.js';
import { MusSerializer } from './mus-serializer.js';
import { Ref, RefSerializer } from './ref.js';
import { isShell, type Shell } from './shell.js';

const MAPPED = 2;

/** What one wrapped value has numbered so far, while it is written or read. */
interface Numbering {
  readonly written: Map<object, Entry>;
  readonly read: Map<number | bigint, Entry>;
}

/** One id: the value, unless it is still being read, and how it is laid out. */
interface Entry {
  readonly id: number | bigint;
  readonly value: object | undefined;
  readonly layout: object;
  readonly isRef: boolean;
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

  /** @throws {CmdStreamError} ENCODE_FAILED, BAD_PAYLOAD outside the value that is wrapped */
  numbering(code: 'ENCODE_FAILED' | 'BAD_PAYLOAD'): Numbering {
    if (this.#current) return this.#current;
    throw new MusError(code, 'a mapped pointer is outside of the value of its mus.mapped()');
  }

  /** Runs `work` with a numbering of its own. */
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
    this.#scope = scope;
    this.#inner = inner;
  }

  encode(value: I | null, writer: ByteWriter): void {
    const { written } = this.#scope.numbering('ENCODE_FAILED');
    if (value === null) return writer.writeByte(NIL);
    if (typeof value !== 'object') throw misfit('an object or null', value);
    writer.writeByte(MAPPED);
    const known = written.get(value);
    if (known === undefined) {
      const id = written.size;
      written.set(value, this.#entry(id, value));
      writer.writeUvarint(id);
      this.#inner.encode(value, writer);
    } else if (this.#fits(known)) {
      writer.writeUvarint(known.id);
    } else {
      throw misfit('an object that no pointer of another type points to', value);
    }
  }

  decode(reader: ByteReader): T | null {
    const start = reader.consumed;
    const { read } = this.#scope.numbering('BAD_PAYLOAD');
    const kept = reader.resume(this) as T | undefined;
    if (kept !== undefined) return this.#fill(reader, start, kept);
    const flag = reader.readByte();
    if (flag === NIL) return null;
    if (flag !== MAPPED) throw new MusError('BAD_PAYLOAD', `${flag} is no mapped pointer: it must begin with 1 or 2`);
    const id = reader.readPositive();
    const known = read.get(id);
    if (known !== undefined) return this.#pointee(known);
    const inner = this.#inner.target;
    const shell = isShell(inner) ? inner.create() : undefined;
    read.set(id, this.#entry(id, shell));
    if (shell !== undefined) return this.#fill(reader, start, shell);
    try {
      const value = inner.decode(reader);
      read.set(id, this.#entry(id, value));
      return value;
    } catch (error) {
      read.delete(id);
      throw error;
    }
  }

  /** A shell is known to others from here on: whenever it is cut, the next attempt goes on with the same one. */
  #fill(reader: ByteReader, start: number, shell: T): T {
    const position = reader.consumed;
    try {
      return (this.#inner.target as unknown as Shell<T>).fill(reader, shell);
    } catch (error) {
      if (error === INCOMPLETE) reader.keep(this, start, position, shell);
      throw error;
    }
  }

  #pointee(known: Entry): T {
    if (!this.#fits(known)) throw new MusError('BAD_PAYLOAD', `the pointer ${known.id} has a value of another type`);
    if (known.value === undefined) throw new MusError('BAD_PAYLOAD', `the pointer ${known.id} points to itself`);
    return known.value as T;
  }

  #entry(id: number | bigint, value: object | undefined): Entry {
    return { id, value, ...this.#type };
  }

  #fits({ layout, isRef }: Entry): boolean {
    const own = this.#type;
    return layout === own.layout && isRef === own.isRef;
  }

  get #type(): Pick<Entry, 'layout' | 'isRef'> {
    const isRef = this.#inner instanceof RefSerializer;
    return { isRef, layout: isRef ? this.#inner.inner.target : this.#inner.target };
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
  }

  get minBytes(): number {
    return this.#inner.minBytes;
  }

  override get types(): readonly TypeClass[] {
    return this.#inner.types;
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
