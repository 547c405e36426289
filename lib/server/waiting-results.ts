// The Results of one extended connection that are not written yet, all Commands together: a bound on their bytes, and
// those that are held back until their turn of the event loop ends.
import type { Connection } from '../connection/connection.js';
import { CmdStreamError } from '../errors.js';

/** The connection as those that wait for it see it. */
export interface WaitingHost {
  readonly connection: Connection;
  /** Undefined while there is room for more. */
  readonly drained: Promise<void> | undefined;
}

export class WaitingResults {
  readonly #host: WaitingHost;
  readonly #maxSendBufferBytes: number;
  #bytes = 0;
  #heldBack: { release(): void }[] = [];

  constructor(host: WaitingHost, maxSendBufferBytes: number) {
    this.#host = host;
    this.#maxSendBufferBytes = maxSendBufferBytes;
  }

  /** Counts bytes that wait; negative when they have left. */
  count(bytes: number): void {
    this.#bytes += bytes;
  }

  /**
   * What waits shares a bound with the socket: a peer that does not read at all loses its connection, others their Command.
   *
   * @throws {CmdStreamError} SLOW_CONSUMER, SEND_BUFFER_FULL when too many bytes wait
   */
  check(): void {
    const { connection, drained } = this.#host;
    const waiting = this.#bytes + connection.bufferedBytes;
    if (waiting <= this.#maxSendBufferBytes) return;
    const text = `${waiting} bytes of Results wait: more than maxSendBufferBytes (${this.#maxSendBufferBytes})`;
    if (drained === undefined) throw new CmdStreamError('SLOW_CONSUMER', text);
    const full = new CmdStreamError('SEND_BUFFER_FULL', text);
    connection.destroy(full);
    throw full;
  }

  /** Calls `command.release()` at the end of this turn. */
  holdBack(command: { release(): void }): void {
    if (this.#heldBack.push(command) > 1) return;
    setImmediate(() => {
      const heldBack = this.#heldBack;
      this.#heldBack = [];
      for (const held of heldBack) held.release();
    });
  }
}
