// The numbers that were used on one extended connection: they grow, and a frame about any other one is a protocol
// error, as is one about a Command that the peer itself has ended. Of those the latest ones are remembered.
import { CmdStreamError } from '../errors.js';
import type { Seq } from '../wire/frame.js';

/** How many ends are remembered: a power of two. */
const REMEMBERED = 256;

export class SeqWindow {
  #first = 0;
  #last = 0;
  /** At their places; made with the first one, as a server has none. */
  #ended: Float64Array | undefined;

  /**
   * Takes the number of a new Command.
   *
   * @throws {CmdStreamError} PROTOCOL_ERROR when it does not grow, or is beyond those that a number can tell apart
   */
  use(seq: Seq): number {
    if (typeof seq === 'bigint' || seq <= this.#last || seq > Number.MAX_SAFE_INTEGER)
      throw protocolError(`seq ${seq} after ${this.#last}`);
    if (this.#first === 0) this.#first = seq;
    this.#last = seq;
    return seq;
  }

  /** The peer has ended this Command: nothing may follow for it. */
  end(seq: number): void {
    this.#ended ??= new Float64Array(REMEMBERED);
    this.#ended[seq & (REMEMBERED - 1)] = seq;
  }

  /**
   * @throws {CmdStreamError} PROTOCOL_ERROR when the number is outside those that were used, or the peer has ended it
   */
  check(seq: Seq): void {
    if (this.#first === 0 || seq < this.#first || seq > this.#last) {
      throw protocolError(`a control frame for seq ${seq}, which was never used`);
    }
    if (this.hasEnded(seq)) throw protocolError(`a control frame for seq ${seq} behind its end`);
  }

  /** Has the peer ended this Command? False, too, where that was too long ago. */
  hasEnded(seq: Seq): boolean {
    return this.#ended?.[Number(seq) & (REMEMBERED - 1)] === seq;
  }
}

/** The peer broke the protocol. */
export function protocolError(what: string): CmdStreamError {
  return new CmdStreamError('PROTOCOL_ERROR', what);
}
