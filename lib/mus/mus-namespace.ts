// Everything a MUS schema is made of, by the names it is written with.
import { positive, raw, uvarint, zigzag } from './integer-forms.js';
import { RawFloat32, RawFloat64, VarintFloat32, VarintFloat64, MusBool, MusTime } from './mus-scalars.js';
import { MappedSerializer, type PointerScope } from './mapped-pointers.js';
import { CustomSerializer, type MusCustom } from './mus-custom.js';
import { MusInteger, MusInteger64 } from './mus-integer.js';
import { MusInterface, MusTyped, type MusVariants } from './mus-interface.js';
import { MusLazy, type MusLazyOptions } from './mus-lazy.js';
import type { MusLengthOptions } from './length-rule.js';
import { MusList } from './mus-list.js';
import { MusMap } from './mus-map.js';
import { MusPointer, RefSerializer, type Ref } from './mus-pointer.js';
import type { MusSerializer } from './mus-serializer.js';
import { MusStruct, type MusFields } from './mus-struct.js';
import { MusBytes, MusString } from './mus-text.js';

/** Variable width: small numbers take few bytes. Signed ones are in ZigZag form, `positive…` ones are not. */
const varint = Object.freeze({
  int: new MusInteger64(zigzag(64)),
  int64: new MusInteger64(zigzag(64)),
  int32: new MusInteger(zigzag(32), 32),
  int16: new MusInteger(zigzag(16), 16),
  int8: new MusInteger(zigzag(8), 8),
  uint: new MusInteger64(uvarint(64)),
  uint64: new MusInteger64(uvarint(64)),
  uint32: new MusInteger(uvarint(32), 32),
  uint16: new MusInteger(uvarint(16), 16),
  uint8: new MusInteger(uvarint(8), 8),
  byte: new MusInteger(uvarint(8), 8),
  positiveInt: new MusInteger64(positive(64)),
  positiveInt64: new MusInteger64(positive(64)),
  positiveInt32: new MusInteger(positive(32), 32),
  positiveInt16: new MusInteger(positive(16), 16),
  positiveInt8: new MusInteger(positive(8), 8),
  float64: new VarintFloat64() as MusSerializer<number>,
  float32: new VarintFloat32() as MusSerializer<number>,
});

/** Fixed width, little endian. `int` and `uint` have 64 bits. */
const rawNumbers = Object.freeze({
  int: new MusInteger64(raw(64, true)),
  int64: new MusInteger64(raw(64, true)),
  int32: new MusInteger(raw(32, true), 32),
  int16: new MusInteger(raw(16, true), 16),
  int8: new MusInteger(raw(8, true), 8),
  uint: new MusInteger64(raw(64, false)),
  uint64: new MusInteger64(raw(64, false)),
  uint32: new MusInteger(raw(32, false), 32),
  uint16: new MusInteger(raw(16, false), 16),
  uint8: new MusInteger(raw(8, false), 8),
  byte: new MusInteger(raw(8, false), 8),
  float64: new RawFloat64() as MusSerializer<number>,
  float32: new RawFloat32() as MusSerializer<number>,
});

/** Raw counts since 1970-01-01 UTC, by their unit. */
const time = Object.freeze({
  seconds: new MusTime(1),
  milliseconds: new MusTime(1_000),
  microseconds: new MusTime(1_000_000),
  nanoseconds: new MusTime(1_000_000_000),
});

/**
 * What a MUS schema is made of.
 *
 * @publicApi
 */
export const mus = Object.freeze({
  /** Integers and floats whose small values take few bytes; signed ones in ZigZag form, `positive…` ones not. */
  varint,
  /** Integers and floats of fixed width, little endian. */
  raw: rawNumbers,
  /** Dates, as counts of a unit since 1970-01-01 UTC in 8 bytes. */
  time,
  /** `true` or `false`, one byte. */
  bool: new MusBool() as MusSerializer<boolean>,
  /** An integer from 0 to 255, one byte. */
  byte: rawNumbers.byte,
  /** Text: its length in bytes, then UTF-8; `mus.string.with({ maxLength })` bounds it. */
  string: new MusString(),
  /** A Uint8Array: its length, then the bytes. */
  bytes: new MusBytes(),

  /** A list of any length. */
  slice: <T, I>(element: MusSerializer<T, I>, options?: MusLengthOptions) => new MusList(element, options),
  /** A list of `size` elements. */
  array: <T, I>(size: number, element: MusSerializer<T, I>, options?: MusLengthOptions) =>
    new MusList(element, options, size),
  /** A Map: its size, then keys and values by turns. */
  map: <K, V, KI, VI>(key: MusSerializer<K, KI>, value: MusSerializer<V, VI>, options?: MusLengthOptions) =>
    new MusMap(key, value, options),
  /** A value or `null`. */
  ptr: <T, I>(inner: MusSerializer<T, I>) => new MusPointer(inner),
  /** A boxed value or `null`: what a pointer to a pointer needs. */
  ref: <T, I>(inner: MusSerializer<T, I>): MusPointer<Ref<T>, Ref<I>> => new MusPointer(new RefSerializer(inner)),
  /** A value in which pointers made by `ptr` and `ref` of the scope are shared, and may lead in circles. */
  mapped: <T, I>(define: (scope: PointerScope) => MusSerializer<T, I>): MusSerializer<T, I> =>
    new MappedSerializer(define),

  /** The fields of a class, in the order of `fields`. */
  struct: <T extends object>(type: new () => T, fields: MusFields<T>) => new MusStruct(type, fields),
  /** One of several classes. Type numbers count from 1 in an array, or are the keys of an object. */
  interface: <const V extends MusVariants>(variants: V) => new MusInterface(variants),
  /** A value behind its type number: what mus-go calls a DTM, Data Type Metadata. */
  typed: <T, I>(dtm: number, inner: MusSerializer<T, I>) => new MusTyped(dtm, inner),

  /** A serializer that is defined later: for recursive types. */
  lazy: <T, I>(make: () => MusSerializer<T, I>, options?: MusLazyOptions) => new MusLazy(make, options),
  /** A layout of one's own. */
  custom: <T, I = T>(custom: MusCustom<T, I>): MusSerializer<T, I> => new CustomSerializer(custom),
});
