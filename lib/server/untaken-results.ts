// The Results of one Command that were sent on credit and not taken yet: how many bytes they are, as nearly as the window
// needs it. Small ones are counted in groups, so that what is remembered of them is small, and forgotten in constant time.
import { CREDIT_WINDOW_BYTES } from '../wire/control-frame.js';

/** A group is complete with so many bytes; it counts until its last Result is taken. */
const GROUP_BYTES = CREDIT_WINDOW_BYTES / 256;

interface Group {
  results: number;
  bytes: number;
}

export class UntakenResults {
  #bytes = 0;
  /** Oldest first; never more than the window has room for. */
  readonly #groups: Group[] = [];

  /** Credit is a number of Results; their bytes have a bound of their own, above which there is one at a time. */
  get hasRoom(): boolean {
    return this.#bytes < CREDIT_WINDOW_BYTES;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const last = this.#groups.at(-1);
    if (last === undefined || last.bytes >= GROUP_BYTES || bytes >= GROUP_BYTES)
      this.#groups.push({ results: 1, bytes });
    else {
      last.results++;
      last.bytes += bytes;
    }
  }

  /** The oldest were taken. */
  take(count: number): void {
    let left = count;
    for (let first = this.#groups[0]; first !== undefined; first = this.#groups[0]) {
      if (first.results > left) {
        first.results -= left;
        return;
      }
      left -= first.results;
      this.#bytes -= first.bytes;
      this.#groups.shift();
    }
  }
}
