// How many frames of one kind a peer may send within a second.
import type { CmdStreamErrorCode } from '../../error-codes.js';
import { CmdStreamError } from '../../errors.js';

const SECOND_MS = 1000;

export class RateLimit {
  readonly #most: number;
  readonly #code: CmdStreamErrorCode;
  readonly #text: string;
  #count = 0;
  #since = Number.NEGATIVE_INFINITY;

  /** `most`: in a second, Infinity: no limit; `text` names the option and what is counted. */
  constructor(most: number, code: CmdStreamErrorCode, text: string) {
    this.#most = most;
    this.#code = code;
    this.#text = text;
  }

  /**
   * So many more have come at this time, in monotonic milliseconds.
   *
   * @throws {CmdStreamError} when they are too many; what came before still counts
   */
  add(count: number, now: number): void {
    if (now - this.#since >= SECOND_MS) {
      this.#since = now;
      this.#count = 0;
    }
    this.#count += count;
    if (this.#count > this.#most)
      throw new CmdStreamError(this.#code, `more than ${this.#text} (${this.#most}) came within a second`);
  }
}
