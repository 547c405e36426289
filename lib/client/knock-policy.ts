// Whether the next connection offers the extension. A peer that hangs up on the knock, as no cmd-stream peer known does,
// is spoken to without it every other time.

/** After so many connections in a row that ended in the middle of the knock, one is opened without. */
const KNOCKS_BEFORE_PLAIN = 2;

export class KnockPolicy {
  readonly #extension: boolean | 'require';
  #failed = 0;

  constructor(extension: boolean | 'require') {
    this.#extension = extension;
  }

  next(): boolean {
    if (this.#extension === false) return false;
    if (this.#extension === 'require' || this.#failed < KNOCKS_BEFORE_PLAIN) return true;
    this.#failed = 0;
    return false;
  }

  worked(): void {
    this.#failed = 0;
  }

  failed(): void {
    this.#failed++;
  }
}
