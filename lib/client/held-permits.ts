// What the circuit breakers have said to a call that waits for a connection: let through for each of these servers, of
// which one will take it. They hear of its end only if the server has had its chance: an attempt to reach it has failed.
import type { CallEnd } from './call-end.js';
import type { CircuitPermit } from './circuit-breaker.js';
import type { GroupServer } from './group-server.js';
import { told } from '../callbacks.js';

export class HeldPermits {
  readonly #permits = new Map<GroupServer, CircuitPermit>();

  /** Asks the breakers of all servers; undefined if none lets a call through. @throws what a breaker of the user throws */
  static acquire(servers: readonly GroupServer[]): HeldPermits | undefined {
    const held = new HeldPermits();
    try {
      for (const server of servers) {
        const permit = server.breaker?.acquire();
        if (permit) held.#permits.set(server, permit);
      }
    } catch (error) {
      held.release();
      throw error;
    }
    return held.#permits.size > 0 ? held : undefined;
  }

  /** The permit for this server, which is the taker's from now on. */
  take(server: GroupServer): CircuitPermit | undefined {
    const permit = this.#permits.get(server);
    this.#permits.delete(server);
    return permit;
  }

  /** Nothing can be told from it. */
  release(): void {
    for (const permit of this.#permits.values()) told(() => permit.release());
    this.#permits.clear();
  }

  /** The call has waited in vain; `hasCounted`: the failure of this server was told already. */
  report(
    { how, error }: CallEnd,
    isFailure: (error: unknown) => boolean,
    hasCounted: (server: GroupServer) => boolean,
  ): void {
    // Who gives up, or has less time than a connection needs, says nothing about a server.
    const isInVain = how === 'failed' && isFailure(error);
    for (const [server, permit] of this.#permits) {
      const hasFailed = isInVain && server.lastError !== undefined && !hasCounted(server);
      told(() => (hasFailed ? permit.fail(error) : permit.release()));
    }
    this.#permits.clear();
  }
}
