// What the decoders of a frame that is cut have read of it so far, so that the next attempt goes on instead of starting
// over. Owns the order of the parts, outermost on top; what a part holds is its decoder's.

interface Part {
  /** Who reads a value, and where in the frame that value begins: both together are unique in a frame. */
  readonly owner: object;
  readonly start: number;
  /** Up to where it is read. */
  readonly position: number;
  readonly progress: unknown;
}

export class DecodeProgress {
  readonly #parts: Part[] = [];

  push(part: Part): void {
    this.#parts.push(part);
  }

  /** Takes back the outermost part if it is the owner's, of the value that begins at `start`. */
  pop(owner: object, start: number): Part | undefined {
    if (this.#parts.length === 0) return undefined;
    const part = this.#parts.at(-1);
    if (part?.owner !== owner || part.start !== start) return undefined;
    return this.#parts.pop();
  }

  clear(): void {
    if (this.#parts.length > 0) this.#parts.length = 0;
  }
}
