// What the decoders of a frame that is cut have read of it so far, so that the next attempt goes on instead of starting
// over, and what was counted of it. Owns the order of the parts, outermost on top; what a part holds is its decoder's.
import { CmdStreamError } from '../errors.js';

interface Part {
  /** What reads a value, and where in the frame that value begins: both together are unique in a frame. */
  readonly decoder: object;
  readonly start: number;
  /** Up to where it is read. */
  readonly position: number;
  readonly progress: unknown;
}

export class DecodeProgress {
  readonly #parts: Part[] = [];
  #charged = 0;
  #objects = 0;
  #maxValues = Number.POSITIVE_INFINITY;
  #option = '';
  // What is read again after a cut is not counted again: up to where attempts before this one have counted, and all of
  // them.
  #countedBefore = -1;
  #countedUpTo = -1;

  /** Begins an attempt; returns what elements without bytes were counted as so far. */
  begin(): number {
    this.#countedBefore = this.#countedUpTo;
    this.#maxValues = Number.POSITIVE_INFINITY;
    return this.#charged;
  }

  get charged(): number {
    return this.#charged;
  }

  /** Counts elements without bytes that are announced at `position`; returns how many of them are new. */
  charge(count: number, position: number): number {
    if (!this.#isNew(position)) return 0;
    this.#charged += count;
    return count;
  }

  limitValues(max: number, option: string): void {
    this.#maxValues = max;
    this.#option = option;
  }

  /** @throws {CmdStreamError} BAD_PAYLOAD when it is one too many */
  countValue(position: number): void {
    if (this.#isNew(position) && ++this.#objects > this.#maxValues)
      throw new CmdStreamError('BAD_PAYLOAD', `the value has more objects than ${this.#option} (${this.#maxValues})`);
  }

  #isNew(position: number): boolean {
    if (position <= this.#countedBefore) return false;
    this.#countedUpTo = position;
    return true;
  }

  push(part: Part): void {
    this.#parts.push(part);
  }

  /** Takes back the outermost part if it is the decoder's, of the value that begins at `start`. */
  pop(decoder: object, start: number): Part | undefined {
    if (this.#parts.length === 0) return undefined;
    const part = this.#parts.at(-1)!;
    if (part.decoder !== decoder || part.start !== start) return undefined;
    return this.#parts.pop();
  }

  clear(): void {
    if (this.#parts.length > 0) this.#parts.length = 0;
    this.#charged = this.#objects = 0;
    this.#countedBefore = this.#countedUpTo = -1;
  }
}

// The signal that a value is not complete in what has arrived so far. It is no error: the connection
// catches it, waits for more bytes and decodes the frame anew. Thrown often, so it carries no stack.

/**
 * Thrown by {@link ByteReader} when bytes are missing. A codec lets it pass, also one of another copy of this package.
 */
export const INCOMPLETE: unique symbol = Symbol.for('nestjs-cmd-stream.incomplete') as never;
