// The numbers that were used on one extended connection: they grow, and a frame about any other one is a lie.
import { CmdStreamError } from '../errors.js';
import type { Seq } from '../wire/frame.js';

export class SeqWindow {
  #first = 0;
  #last = 0;

  /**
   * Takes the number of a new Command.
   *
   * @throws {CmdStreamError} PROTOCOL_ERROR when it does not grow
   */
  use(seq: Seq): number {
    if (typeof seq === 'bigint' || seq <= this.#last) throw lie(`seq ${seq} after ${this.#last}`);
    if (this.#first === 0) this.#first = seq;
    this.#last = seq;
    return seq;
  }

  /** @throws {CmdStreamError} PROTOCOL_ERROR when the number lies outside those that were used */
  check(seq: Seq): void {
    if (this.#first === 0 || seq < this.#first || seq > this.#last) {
      throw lie(`a control frame for seq ${seq}, which was never used`);
    }
  }
}

/** The peer broke the protocol. */
export function lie(what: string): CmdStreamError {
  return new CmdStreamError('PROTOCOL_ERROR', what);
}
