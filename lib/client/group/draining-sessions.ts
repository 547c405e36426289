// Connections of one link that take no new calls: they drain, were replaced, or have ended and their sockets are not closed
// yet. It sees to it that each of them ends.
//
//   added --(idle)--> ending: FIN is sent --> closed          a draining server has some seconds to end it itself
import type { AsyncScope } from '../../async-scope.js';
import { CmdStreamError } from '../../errors.js';
import type { ClientSession } from '../session/client-session.js';

/** How long an idle connection of a server that says that it drains is left to the server. */
const PATIENCE_MS = 5000;

export class DrainingSessions {
  readonly #scope: AsyncScope;
  readonly #leaving = new Set<ClientSession>();
  /** Those that have ended, in order or not, and whose sockets may not be closed yet. */
  readonly #closing = new Set<ClientSession>();

  constructor(scope: AsyncScope) {
    this.#scope = scope;
  }

  get size(): number {
    return this.#leaving.size;
  }

  [Symbol.iterator](): Iterator<ClientSession> {
    return this.#leaving.values();
  }

  /** Its server drains. */
  drains(session: ClientSession): void {
    this.#leaving.add(session);
    // What is written is answered by the server, which then ends the connection; the rest is for a server that does not.
    const end = (): void => this.#end(session);
    session.whenIdle(() => this.#scope.run(() => setTimeout(end, PATIENCE_MS).unref()));
  }

  /** Another connection has taken its place. */
  replaced(session: ClientSession): void {
    this.#leaving.add(session);
    session.leave(new CmdStreamError('CONNECTION_LOST', 'the connection was replaced'));
    session.whenIdle(() => this.#end(session));
  }

  #end(session: ClientSession): void {
    if (this.#leaving.has(session)) session.end(new CmdStreamError('CLOSED', 'the connection is not needed any more'));
  }

  /** A connection of the link has ended, any of them; true if it was one of those that were leaving. */
  onEnd(session: ClientSession): boolean {
    this.#closing.add(session);
    void session.closed().then(() => this.#closing.delete(session));
    return this.#leaving.delete(session);
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
