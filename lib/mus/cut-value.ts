// What a composite value does when reading one of its parts fails: bytes that are missing are waited for, and what was
// read so far is kept; anything else is reported where it happened.
import { INCOMPLETE } from '../wire/decode-progress.js';
import type { ByteReader } from '../wire/byte-reader.js';
import { musError } from './mus-error.js';

export interface CutValue {
  readonly owner: object;
  /** Where in the frame the value begins, and its part that failed. */
  readonly start: number;
  readonly position: number;
  /** What the next attempt needs to go on. */
  readonly progress: unknown;
  /** Fewest bytes that follow that part. */
  readonly rest: number;
  /** The part, for messages, and the name of the value. */
  readonly segment: string;
  readonly name: string;
}

/** What is to be thrown instead of `error`. */
export function cutBy(error: unknown, reader: ByteReader, cut: () => CutValue): unknown {
  const { owner, start, position, progress, rest, segment, name } = cut();
  if (error !== INCOMPLETE) return musError(error, 'BAD_PAYLOAD').inside(segment, name);
  try {
    reader.expect(rest);
  } catch (tooLarge) {
    return musError(tooLarge, 'BAD_PAYLOAD').inside('', name);
  }
  reader.keep(owner, start, position, progress);
  return INCOMPLETE;
}

// A value that can be there before it is read: what refers back to it, in a cyclic structure, finds it.

export interface Shell<T> {
  create(): T;
  /** Reads what belongs into `empty`, which {@link create} has made, and returns it. */
  fill(reader: ByteReader, empty: T): T;
}
