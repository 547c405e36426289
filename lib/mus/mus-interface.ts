// One of several types: a type number (DTM), then the value. Numbers count from 1, as in Go's generated code, or are
// given.
import { isReserved, type Reserved } from '../contract/type-numbers.js';
import { type TypeClass, nameOf, typeNameOf } from '../contract/type-table.js';
import { CmdStreamError } from '../errors.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';
import { MusError } from './mus-error.js';
import {
  isMusSerializer,
  MUS_KIND,
  musKindOf,
  mustSerialize,
  MusSerializer,
  type AnyMusSerializer,
  type MusInput,
  type MusKind,
  type MusValue,
} from './mus-serializer.js';
import { SchemaLayouts, type Drawable } from './schema-layouts.js';

/**
 * Serializers of classes, each with its type number, in Go a DTM (Data Type Metadata): in an array they count from 1,
 * as in the code that Go generates; of an object they are the keys.
 */
export type MusVariants = readonly AnyMusSerializer[] | { readonly [dtm: number]: AnyMusSerializer };

/** The serializers of all variants. */
export type MusVariantOf<V extends MusVariants> = V extends readonly (infer S)[] ? S : V[keyof V & number];

export function isMusInterface(serializer: unknown): serializer is MusInterface<MusVariants> {
  return musKindOf(serializer) === 'interface';
}

interface Variant {
  readonly dtm: number;
  readonly serializer: AnyMusSerializer;
}

/**
 * A value of one of several classes, each behind a type number of its own (DTM), as Go has an interface.
 * `mus.interface()` makes one.
 *
 * @publicApi
 */
export class MusInterface<V extends MusVariants> extends MusSerializer<
  MusValue<MusVariantOf<V>>,
  MusInput<MusVariantOf<V>>
> {
  /** @internal */
  override get [MUS_KIND](): MusKind {
    return 'interface';
  }

  /** @internal Are its numbers positions, and not given? */
  readonly isCounted: boolean;
  readonly #byNumber = new Map<number | bigint, Variant>();
  readonly #byPrototype = new Map<unknown, Variant>();
  readonly #types: TypeClass[] = [];

  /** @throws {CmdStreamError} INVALID_CONTRACT when a serializer has no class, or a class has two numbers */
  constructor(variants: V) {
    super();
    this.isCounted = Array.isArray(variants);
    for (const variant of numbered(variants)) this.#add(variant);
    if (this.#types.length === 0) throw new CmdStreamError('INVALID_CONTRACT', 'an interface has no types');
  }

  #add(variant: Variant): void {
    const { dtm, serializer } = variant;
    const types = isMusSerializer(serializer) ? serializer.types : [];
    if (types.length === 0)
      throw new CmdStreamError('INVALID_CONTRACT', `type number ${dtm} of an interface has no class`);
    this.#byNumber.set(dtm, variant);
    for (const type of types) {
      const other = this.#byPrototype.get(type.prototype);
      if (other) {
        const reason = `${nameOf(type)} is in an interface twice, as ${other.dtm} and ${dtm}`;
        throw new CmdStreamError('INVALID_CONTRACT', reason);
      }
      this.#byPrototype.set(type.prototype, variant);
      this.#types.push(type);
    }
  }

  get minBytes(): number {
    return 1 + Math.min(...[...this.#byNumber.values()].map(({ serializer }) => serializer.minBytes));
  }

  /** @internal */
  override get types(): readonly TypeClass[] {
    return this.#types;
  }

  /** @internal */
  override describe(draw: (part: Drawable) => string): string {
    return [...this.#byNumber.values()].map((variant) => layoutOf(variant, draw)).join('|');
  }

  /** @internal Those of the values of each class; nothing for what is none. */
  layoutsFor(types: readonly (TypeClass | Reserved)[]): string[] {
    const variants = types.map((type) => (isReserved(type) ? undefined : this.#byPrototype.get(type.prototype)!));
    const layouts = new SchemaLayouts(variants.flatMap((variant) => variant?.serializer ?? []));
    return variants.map((variant) => (variant ? layoutOf(variant, (part) => layouts.textOf(part)) : ''));
  }

  encode(value: MusInput<MusVariantOf<V>>, writer: PayloadWriter): void {
    const variant = this.#byPrototype.get(Object.getPrototypeOf(value ?? NOTHING));
    if (!variant) throw new MusError('ENCODE_FAILED', `${typeNameOf(value)} is none of ${this.#names}`);
    writer.writeUvarint(variant.dtm);
    variant.serializer.encode(value as never, writer);
  }

  decode(reader: PayloadReader): MusValue<MusVariantOf<V>> {
    const dtm = reader.readPositive();
    const variant = this.#byNumber.get(dtm);
    if (variant === undefined) {
      const known = [...this.#byNumber.keys()].join(', ');
      throw new MusError('UNKNOWN_TYPE', `type number ${dtm} is none of ${known}`);
    }
    return variant.serializer.decode(reader) as MusValue<MusVariantOf<V>>;
  }

  get #names(): string {
    return this.#types.map(nameOf).join(', ');
  }
}

function layoutOf({ dtm, serializer }: Variant, draw: (part: Drawable) => string): string {
  return `<${dtm}:${draw(serializer)}>`;
}

const NOTHING = Object.freeze(Object.create(null) as object);

function numbered(variants: MusVariants): Variant[] {
  if (Array.isArray(variants)) {
    return Array.from(variants as AnyMusSerializer[], (serializer, index) => ({ dtm: index + 1, serializer }));
  }
  return Object.entries(variants as Record<string, AnyMusSerializer>).map(([key, serializer]) => {
    const dtm = Number(key);
    if (Number.isSafeInteger(dtm) && String(dtm) === key) return { dtm, serializer };
    throw new CmdStreamError('INVALID_CONTRACT', `"${key}" of an interface is no type number`);
  });
}

/**
 * A value behind a type number, in Go a DTM (Data Type Metadata), that must be `dtm`; bytes with another one are
 * refused with UNKNOWN_TYPE. `mus.typed()` makes one.
 *
 * @publicApi
 */
export class MusTyped<T, I> extends MusSerializer<T, I> {
  readonly #dtm: number;
  readonly #inner: MusSerializer<T, I>;

  /** @throws {CmdStreamError} INVALID_CONTRACT when `dtm` is no safe integer */
  constructor(dtm: number, inner: MusSerializer<T, I>) {
    super();
    if (!Number.isSafeInteger(dtm)) throw new CmdStreamError('INVALID_CONTRACT', `${dtm} is no type number`);
    mustSerialize('mus.typed', inner);
    this.#dtm = dtm;
    this.#inner = inner;
  }

  get minBytes(): number {
    return 1 + this.#inner.minBytes;
  }

  /** @internal */
  override get types(): readonly TypeClass[] {
    return this.#inner.types;
  }

  /** @internal */
  override describe(draw: (part: Drawable) => string): string {
    return `<${this.#dtm}:${draw(this.#inner)}>`;
  }

  encode(value: I, writer: PayloadWriter): void {
    writer.writeUvarint(this.#dtm);
    this.#inner.encode(value, writer);
  }

  decode(reader: PayloadReader): T {
    const dtm = reader.readPositive();
    if (dtm !== this.#dtm) throw new MusError('UNKNOWN_TYPE', `type number ${dtm} is not ${this.#dtm}`);
    return this.#inner.decode(reader);
  }
}
