// Which of several open connections takes the next call. A strategy sees them; it neither opens nor closes any.

/**
 * A connection that can take a call now.
 *
 * @publicApi
 */
export interface ConnectionChoice {
  /** Number of the connection within the client, from 0. */
  readonly index: number;
  /** The server it leads to: `host:port`, or the path of its socket. */
  readonly server: string;
  /** Commands that wait on it. */
  readonly pending: number;
  /** Round-trip time of its last keepalive ping, in milliseconds; undefined before the first. */
  readonly roundTripMs: number | undefined;
}

/**
 * Picks the connection for each call; one object for the life of a client.
 *
 * @publicApi
 */
export interface DispatchStrategy {
  /**
   * Gives one of `connections`: those that are open, do not drain, can do what the call needs, and have not fallen
   * silent while others have not, in the order of their numbers; never none.
   */
  pick(connections: readonly ConnectionChoice[], command: unknown): ConnectionChoice;
}

/** One after the other. @publicApi */
export function roundRobin(): DispatchStrategy {
  let turn = 0;
  return {
    pick(connections) {
      turn = turn >= connections.length ? 0 : turn;
      return connections[turn++]!;
    },
  };
}

/** The one with the fewest pending Commands; among several, one after the other. @publicApi */
export function leastPending(): DispatchStrategy {
  let turn = 0;
  return {
    pick(connections) {
      let best: ConnectionChoice | undefined;
      for (let step = 0; step < connections.length; step++) {
        const choice = connections[(turn + step) % connections.length]!;
        if (best === undefined || choice.pending < best.pending) best = choice;
        // None has fewer: the others need not be looked at.
        if (best.pending === 0) break;
      }
      turn = (turn + 1) % connections.length;
      return best!;
    },
  };
}
