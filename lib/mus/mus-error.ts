// What is wrong with a MUS value, and where: the path is put together while the error leaves one level after the other,
// so that what goes well pays nothing for it. Missing bytes are no error: what was read so far is kept until they come.
import { inspect } from 'node:util';
import { INCOMPLETE } from '../wire/decode-progress.js';
import type { ByteReader } from '../wire/byte-reader.js';
import type { CmdStreamErrorCode } from '../error-codes.js';
import { CmdStreamError, isCmdStreamError, messageOf, peerText } from '../errors.js';

/** Segments at either end of a path that are shown when it is long. */
const SHOWN_SEGMENTS = 8;

export class MusError extends CmdStreamError {
  readonly #reason: string;
  /** From the innermost to the outermost. */
  readonly #path: string[] = [];

  constructor(code: CmdStreamErrorCode, reason: string, cause?: unknown) {
    super(code, reason, cause === undefined ? {} : { cause });
    this.#reason = reason;
  }

  /** It happened in the part `segment` of a value; `name` is what the value is called unless it is a part itself. */
  inside(segment: string, name: string): this {
    if (segment) this.#path.push(segment);
    this.message = `${name}${pathText(this.#path)}: ${this.#reason}`;
    return this;
  }
}

function pathText(path: readonly string[]): string {
  const hidden = path.length - 2 * SHOWN_SEGMENTS;
  if (hidden <= 0) return path.toReversed().join('');
  const [inner, outer] = [path.slice(0, SHOWN_SEGMENTS), path.slice(-SHOWN_SEGMENTS)];
  return `${outer.toReversed().join('')}…(${hidden} more)…${inner.toReversed().join('')}`;
}

export type MusDirection = 'ENCODE_FAILED' | 'BAD_PAYLOAD';

/** Whatever was thrown while a value was written or read, as an error of MUS. */
export function musError(error: unknown, code: MusDirection): MusError {
  if (error instanceof MusError) return error;
  if (isCmdStreamError(error)) return new MusError(error.code, error.message, error);
  return new MusError(code, peerText(messageOf(error)), error);
}

/** A composite value, of which reading one part has failed. */
interface CutValue {
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

/**
 * What a composite value throws instead of `error` when reading one of its parts fails: for missing bytes that signal
 * again, its progress kept; for anything else an error that says where it happened.
 */
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

/** A value that its serializer cannot write. */
export function misfit(expected: string, value: unknown): MusError {
  return new MusError('ENCODE_FAILED', `expected ${expected}, got ${shown(value)}`);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return peerText(JSON.stringify(value));
  if (typeof value === 'bigint') return `the bigint ${value}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return shownObject(value);
  return Object.is(value, -0) ? '-0' : String(value);
}

/** A Proxy may throw, whatever is asked. */
function shownObject(value: object): string {
  try {
    return peerText(inspect(value, { depth: 0, breakLength: Infinity, customInspect: false }));
  } catch {
    return 'an object that cannot be shown';
  }
}
