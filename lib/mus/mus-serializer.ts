// The role of a serializer: writes values of one type and reads them back. What it is made of is its subclass's.
import { types } from 'node:util';
import { requireSync } from '../callbacks.js';
import type { TypeClass } from '../contract/type-table.js';
import { CmdStreamError } from '../errors.js';
import { ByteReader } from '../wire/byte-reader.js';
import { ByteWriter } from '../wire/byte-writer.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import { INCOMPLETE } from '../wire/decode-progress.js';
import { MusError, musError } from './mus-error.js';
import { SchemaLayouts, type Drawable } from './schema-layouts.js';

/** What kind of serializer it is. Registered: a schema may have parts of another copy of this package. */
export const MUS_KIND: unique symbol = Symbol.for('nestjs-cmd-stream.mus-kind') as never;

/** The kinds that others have to know. */
export type MusKind = 'any' | 'integer' | 'interface' | 'pointer' | 'ref';

/** Undefined: it is no serializer. */
export function musKindOf(value: unknown): MusKind | undefined {
  return (value as { readonly [MUS_KIND]?: MusKind } | null | undefined)?.[MUS_KIND];
}

export function isMusSerializer(value: unknown): value is AnyMusSerializer {
  return musKindOf(value) !== undefined;
}

/** Carries the types at compile time only; no serializer has this key. */
export declare const MUS_VALUE: unique symbol;

/**
 * A serializer of whatever type, for parameters and lists that take any. It is not for implementing: `mus.custom()`
 * makes one of two functions.
 *
 * @example
 * import { mus, type AnyMusSerializer } from 'nestjs-cmd-stream/mus';
 *
 * export function leastSize(parts: readonly AnyMusSerializer[]): number {
 *   return parts.reduce((sum, { minBytes }) => sum + minBytes, 0);
 * }
 *
 * export const three = leastSize([mus.string, mus.bool, mus.byte]);
 */
export interface AnyMusSerializer {
  readonly [MUS_VALUE]: (value: never) => unknown;
  /** Fewest bytes a value takes. */
  readonly minBytes: number;
  /** A text that is equal where the bytes are; see {@link MusSerializer.layout}. */
  layout(): string;
  /** Writes one value; see {@link MusSerializer.encode}. */
  encode(value: never, writer: PayloadWriter): void;
  /** Reads one value; see {@link MusSerializer.decode}. */
  decode(reader: PayloadReader): unknown;
  /** @internal */
  readonly types: readonly TypeClass[];
  /** @internal */
  readonly drawn: Drawable;
  /** @internal */
  describe(draw: (part: Drawable) => string): string;
}

/** The type of what a serializer reads: `MusValue<typeof mus.string>` is `string`. */
export type MusValue<S> = S extends { readonly [MUS_VALUE]: (value: never) => infer T } ? T : never;

/**
 * The type of what a serializer writes, which may be more than it reads: a read-only array for an array.
 *
 * @example
 * import { mus, type MusInput, type MusValue } from 'nestjs-cmd-stream/mus';
 *
 * const names = mus.slice(mus.string);
 *
 * export const toBytes = (value: MusInput<typeof names>): Uint8Array => names.toBytes(value);
 * export const fromBytes = (bytes: Uint8Array): MusValue<typeof names> => names.fromBytes(bytes);
 */
export type MusInput<S> = S extends { readonly [MUS_VALUE]: (value: infer I) => unknown } ? I : never;

/** Looks at a value that was read: throws what is wrong with it, or returns false. */
export type MusCheck<T> = (value: T) => unknown;

/** A value that can be there before it is read: what refers back to it, in a cyclic structure, finds it. */
export interface Shell<T> {
  create(): T;
  /** Reads what belongs into `empty`, which {@link create} has made, and returns it. */
  fill(reader: ByteReader, empty: T): T;
}

/** Elements that take no bytes count as one each: so many are allowed however few the bytes are. */
const LEAST_LIMIT = 4096;

/**
 * Writes values of the type `I` and reads values of the type `T`. It holds no values and can be shared.
 *
 * @publicApi
 */
export abstract class MusSerializer<T, I = T> {
  declare readonly [MUS_VALUE]: (value: I) => T;

  /** @internal */
  get [MUS_KIND](): MusKind {
    return 'any';
  }

  /** Fewest bytes a value takes. */
  abstract readonly minBytes: number;

  /**
   * Writes one value, without its type number; {@link toBytes} for a value by itself.
   *
   * @throws {CmdStreamError} ENCODE_FAILED naming the part of the value that does not fit; what was written is the
   * caller's to cut off
   */
  abstract encode(value: I, writer: PayloadWriter): void;

  /**
   * Reads exactly one value. When bytes are missing the reader throws a signal that must pass.
   *
   * @throws {CmdStreamError} BAD_PAYLOAD, VARINT_OVERFLOW, NEGATIVE_LENGTH, UNKNOWN_TYPE, UNSAFE_INTEGER,
   * FRAME_TOO_LARGE
   */
  abstract decode(reader: PayloadReader): T;

  /** @internal The classes of the values; none if they have no class of their own. */
  get types(): readonly TypeClass[] {
    return [];
  }

  /** @internal The serializer itself, or the one it stands for. */
  get target(): MusSerializer<T, I> {
    return this;
  }

  /** @internal How its values are made before they are read, if they can be. */
  get shell(): Shell<T> | undefined {
    return undefined;
  }

  /**
   * A text that is equal where the bytes are and mean the same, field names included: two peers compare it, as a hash,
   * when they connect. Each part is described once, where it comes first; `#0` is the first that has parts, and so on.
   */
  layout(): string {
    return new SchemaLayouts([this]).textOf(this);
  }

  /** @internal The serializer whose layout this one has: itself, or the one it wraps without a byte of its own. */
  get drawn(): MusSerializer<unknown, never> {
    return this as unknown as MusSerializer<unknown, never>;
  }

  /** @internal The layout of a serializer that stands for itself, those of its parts as `draw` gives them. */
  describe(_draw: (part: Drawable) => string): string {
    return 'custom';
  }

  /**
   * The same bytes, each value looked at when it was read. Nothing is looked at when writing.
   * What the check throws is the `cause`; a CmdStreamError keeps its code, any other becomes BAD_PAYLOAD, as does
   * `false`.
   */
  check<U extends T>(check: (value: T) => value is U): MusSerializer<U, U & I>;
  /** The same with a check that throws, or returns `false`, where the value is none that is allowed. */
  check(check: MusCheck<T>): MusSerializer<T, I>;
  check(check: MusCheck<T>): MusSerializer<T, I> {
    return new CheckedSerializer(this, check);
  }

  /** The bytes of one value. @throws {CmdStreamError} ENCODE_FAILED */
  toBytes(value: I): Uint8Array {
    const writer = new ByteWriter();
    this.encode(value, writer);
    return new Uint8Array(writer.take());
  }

  /**
   * The value that takes up all of the bytes. @throws {CmdStreamError} BAD_PAYLOAD when there are too few or too many,
   * and what {@link decode} throws
   */
  fromBytes(bytes: Uint8Array): T {
    const reader = new ByteReader();
    reader.append(bytes);
    reader.beginFrame(Math.max(bytes.length, LEAST_LIMIT), 'the limit of fromBytes');
    let value: T;
    try {
      value = this.decode(reader);
    } catch (error) {
      throw error === INCOMPLETE ? new CmdStreamError('BAD_PAYLOAD', 'bytes are missing') : error;
    }
    if (reader.consumed < bytes.length)
      throw new CmdStreamError('BAD_PAYLOAD', `${bytes.length - reader.consumed} bytes are left`);
    return value;
  }
}

/**
 * @throws {CmdStreamError} INVALID_CONTRACT when one of `parts` is no serializer: an import that leads in a circle
 * gives undefined
 */
export function mustSerialize(owner: string, ...parts: readonly unknown[]): void {
  for (const part of parts) {
    if (isMusSerializer(part)) {
      if (!isAsync(part)) continue;
      throw new CmdStreamError('INVALID_CONTRACT', `${owner} has a serializer that is async: it must answer at once`);
    }
    const needs = `${owner} needs a serializer of MUS, got ${part === null ? 'null' : typeof part}`;
    throw new CmdStreamError('INVALID_CONTRACT', `${needs}; what is defined later needs mus.lazy()`);
  }
}

/** A promise of bytes, or of a value, would be taken for one. */
export function isAsync({ encode, decode }: AnyMusSerializer): boolean {
  return types.isAsyncFunction(encode) || types.isAsyncFunction(decode);
}

class CheckedSerializer<T, I> extends MusSerializer<T, I> {
  readonly #inner: MusSerializer<T, I>;
  readonly #check: MusCheck<T>;

  constructor(inner: MusSerializer<T, I>, check: MusCheck<T>) {
    super();
    this.#inner = inner;
    this.#check = check;
  }

  get minBytes(): number {
    return this.#inner.minBytes;
  }

  override get types(): readonly TypeClass[] {
    return this.#inner.types;
  }

  override get drawn(): MusSerializer<unknown, never> {
    return this.#inner.drawn;
  }

  encode(value: I, writer: ByteWriter): void {
    this.#inner.encode(value, writer);
  }

  decode(reader: ByteReader): T {
    const value = this.#inner.decode(reader);
    let answer: unknown;
    try {
      answer = requireSync('BAD_PAYLOAD', 'the check of a value', this.#check(value));
    } catch (error) {
      throw musError(error, 'BAD_PAYLOAD');
    }
    if (answer === false) throw new MusError('BAD_PAYLOAD', 'the value was refused by its check');
    return value;
  }
}
