// A value that can be there before it is read: what refers back to it, in a cyclic structure, finds it.
import type { ByteReader } from '../wire/byte-reader.js';

export interface Shell<T> {
  create(): T;
  /** Reads what belongs into `empty`, which {@link create} has made, and returns it. */
  fill(reader: ByteReader, empty: T): T;
}

export function isShell<T>(serializer: { decode(reader: ByteReader): T }): serializer is Shell<T> & typeof serializer {
  const { create, fill } = serializer as Partial<Shell<T>>;
  return typeof create === 'function' && typeof fill === 'function';
}
