// Connections of one place that take no new calls: their server drains, they were replaced, or they have ended and
// their sockets are not closed yet. It sees to it that each of them ends.
//
//   added --(idle)--> ending: FIN is sent --> closed          a draining server has some seconds to end it itself
import type { Ticker } from '../../connection/ticker.js';
import { CmdStreamError } from '../../errors.js';
import type { ClientSession } from '../session/client-session.js';

/** How long an idle connection of a server that says that it drains is left to the server. */
const LEFT_TO_SERVER_MS = 5000;

export class DrainingSessions {
  readonly #ticker: Ticker;
  /** With what stops the wait for their server. */
  readonly #draining = new Map<ClientSession, () => void>();
  /** Those that have ended, in order or not, and whose sockets may not be closed yet. */
  readonly #closing = new Set<ClientSession>();

  constructor(ticker: Ticker) {
    this.#ticker = ticker;
  }

  get size(): number {
    return this.#draining.size;
  }

  [Symbol.iterator](): Iterator<ClientSession> {
    return this.#draining.keys();
  }

  /** Its server drains, and takes no new calls of it. */
  addDraining(session: ClientSession): void {
    this.#draining.set(session, () => {});
    session.whenIdle(() => {
      if (!this.#draining.has(session)) return;
      const stopWatching = this.#ticker.after(LEFT_TO_SERVER_MS, () => this.#end(session), true);
      this.#draining.set(session, stopWatching);
    });
  }

  /** Another connection has taken its place. */
  addReplaced(session: ClientSession): void {
    this.#draining.set(session, () => {});
    session.close(new CmdStreamError('CONNECTION_LOST', 'the connection was replaced'));
    session.whenIdle(() => this.#end(session));
  }

  #end(session: ClientSession): void {
    if (this.#draining.has(session)) session.end(new CmdStreamError('CLOSED', 'the connection is not needed any more'));
  }

  /** A connection of this place has ended, any of them; true if it was one of those that were draining. */
  onEnd(session: ClientSession): boolean {
    this.#closing.add(session);
    void session.closed().then(() => this.#closing.delete(session));
    this.#draining.get(session)?.();
    return this.#draining.delete(session);
  }

  /** Ends at once what has ended in order. */
  destroy(cause: CmdStreamError): void {
    for (const session of this.#closing) session.destroy(cause);
  }

  /** Resolves when the sockets of all connections that have ended are closed. */
  async closed(): Promise<void> {
    await Promise.all([...this.#closing].map((session) => session.closed()));
  }
}
