// Which connection takes a call: one that can do what the call needs, that the strategy picks, and whose server's
// circuit breaker lets it through. Strategies, built in or of users, see views of the connections.
import { CmdStreamError } from '../../errors.js';
import type { GroupServer } from './group-server.js';
import type { GroupConnection } from './group-connection.js';
import { needsExtension } from '../call/call-rules.js';
import type { ClientCall } from '../call/client-call.js';
import { ignoreRejection, notify } from '../../callbacks.js';
import type { CallOutcome } from '../../instrumentation/instrumentation.js';
import type { CircuitPermit } from '../circuit-breaker.js';

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
  /** Which of the addresses of its host it leads to; undefined of what is no socket of Node, and of a path. */
  readonly address: string | undefined;
  /** Commands that wait on it. */
  readonly pending: number;
  /** Round-trip time of its last keepalive ping, in milliseconds; undefined before the first. */
  readonly roundTripMs: number | undefined;
}

/**
 * Picks the connection for each call; one object for the life of a client, whose option `dispatchStrategy` takes it.
 * {@link roundRobin} and {@link leastPending} make one. What `pick` throws is the error of the call.
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

export interface ConnectionPickerConfig {
  readonly dispatchStrategy: DispatchStrategy;
}

export class ConnectionPicker {
  readonly #config: ConnectionPickerConfig;
  readonly #servers: readonly GroupServer[];
  readonly #hasBreakers: boolean;
  readonly #choiceOf = new WeakMap<GroupConnection, Choice>();
  /** Those that take calls: all that are open, but for silent ones where others are not silent. */
  #choices: readonly Choice[] = [];
  /** Those of them that take what needs the extension, if there are any. */
  #extended: readonly Choice[] = [];
  /** Do all of them take it? */
  #areExtended = false;
  /** What the breakers gave to calls that wait for a connection. */
  readonly #held = new Map<ClientCall, HeldPermits>();
  /** While calls fail because of one attempt: its server, whose breaker has counted that attempt. */
  #counted: GroupServer | undefined;

  constructor(config: ConnectionPickerConfig, servers: readonly GroupServer[]) {
    this.#config = config;
    this.#servers = servers;
    this.#hasBreakers = servers.some(({ breaker }) => breaker);
  }

  serverOf({ index }: { readonly index: number }): GroupServer {
    return this.#servers[index % this.#servers.length]!;
  }

  /**
   * The connections that are open, in order; to be called again when one of them falls silent, or is silent no more.
   */
  setOpen(open: readonly GroupConnection[]): void {
    const audible = open.filter(({ session }) => !session?.isSilent);
    const usable = audible.length > 0 ? audible : open;
    this.#choices = this.#choicesOf(usable);
    this.#areExtended = usable.every(({ session }) => session?.isExtended);
    this.#extended = this.#choicesOf(extendedOf(usable) ?? extendedOf(open) ?? open);
  }

  #choicesOf(connections: readonly GroupConnection[]): readonly Choice[] {
    return connections.map((connection) => {
      const choice = this.#choiceOf.get(connection) ?? new Choice(connection);
      this.#choiceOf.set(connection, choice);
      return choice;
    });
  }

  /**
   * While connections are open.
   *
   * @throws {CmdStreamError} CIRCUIT_OPEN, or what the strategy or a breaker of the user throws
   */
  choose(call: ClientCall): GroupConnection {
    // Where no connection can do what the caller asked for, the one that is chosen says so.
    let choices = this.#areExtended || !needsExtension(call) ? this.#choices : this.#extended;
    for (;;) {
      const choice = this.#pick(choices, call);
      if (!this.#hasBreakers || this.#isLetThrough(call, this.serverOf(choice))) return Choice.connectionOf(choice);
      choices = choices.filter(({ server }) => server !== choice.server);
      if (choices.length === 0) {
        throw new CmdStreamError('CIRCUIT_OPEN', `the circuit breaker of ${choice.server} lets no call through`);
      }
    }
  }

  #isLetThrough(call: ClientCall, server: GroupServer): boolean {
    const breaker = server.breaker;
    if (breaker === undefined) return true;
    const permit = this.#held.get(call)?.take(server) ?? breaker.acquire();
    if (permit === undefined) return false;
    this.#releaseHeld(call);
    call.reportTo(permit, breaker.isFailure);
    return true;
  }

  /**
   * Asks the breakers of all servers about a call that has to wait for a connection, once.
   *
   * @throws {CmdStreamError} CIRCUIT_OPEN, or what a breaker of the user throws
   */
  hold(call: ClientCall): void {
    if (!this.#hasBreakers || this.#held.has(call)) return;
    const held = HeldPermits.acquire(this.#servers);
    if (held === undefined) {
      const cause = this.#servers.findLast(({ lastError }) => lastError)?.lastError;
      const text = 'the circuit breaker of every server lets no call through';
      throw new CmdStreamError('CIRCUIT_OPEN', cause ? `${text}: ${cause.message}` : text, cause && { cause });
    }
    this.#held.set(call, held);
    call.onReport((end) => {
      this.#held.delete(call);
      held.report(end, (server) => server === this.#counted);
    });
  }

  #releaseHeld(call: ClientCall): void {
    this.#held.get(call)?.release();
    this.#held.delete(call);
  }

  /**
   * An attempt to open a connection has failed: that counts once, however many calls wait for it, and not if none does.
   */
  onAttemptFailed(connection: GroupConnection, error: unknown, goOn: () => void): void {
    const server = this.serverOf(connection);
    if (this.#held.size > 0 && server.breaker?.isFailure(error)) this.#count(server, error);
    this.#counted = server;
    goOn();
    this.#counted = undefined;
  }

  #count(server: GroupServer, error: unknown): void {
    notify(() => {
      for (const held of this.#held.values()) {
        const permit = held.take(server);
        if (permit) return permit.fail(error);
      }
      return server.breaker?.acquire()?.fail(error);
    });
  }

  #pick(choices: readonly Choice[], call: ClientCall): Choice {
    const picked: ConnectionChoice = this.#config.dispatchStrategy.pick(choices, call.command);
    if (choices.includes(picked as Choice)) return picked as Choice;
    ignoreRejection(picked);
    throw new CmdStreamError(
      'INVALID_OPTION',
      'option "dispatchStrategy": pick() gave no connection of those it was given',
    );
  }
}

function extendedOf(connections: readonly GroupConnection[]): readonly GroupConnection[] | undefined {
  const extended = connections.filter(({ session }) => session?.isExtended);
  return extended.length > 0 ? extended : undefined;
}

/**
 * For the option `dispatchStrategy` of a client: its connections one after the other; `'round-robin'` means the same.
 * It keeps whose turn it is: make one for each client.
 *
 * @publicApi
 */
export function roundRobin(): DispatchStrategy {
  let turn = 0;
  return {
    pick(connections) {
      turn = turn >= connections.length ? 0 : turn;
      return connections[turn++]!;
    },
  };
}

/**
 * For the option `dispatchStrategy` of a client: the connection with the fewest pending Commands; among several, one
 * after the other. `'least-pending'` means the same; the function is for a strategy that adds to it. It keeps whose
 * turn it is: make one for each client.
 *
 * @example
 * import { CommandClient, leastPending, type DispatchStrategy } from 'nestjs-cmd-stream/core';
 * import { calcContract } from './calc.contract.js';
 *
 * const least = leastPending();
 *
 * // Servers of this machine first.
 * const nearFirst: DispatchStrategy = {
 *   pick(connections, command) {
 *     const near = connections.filter(({ server }) => server.startsWith('127.0.0.1:'));
 *     return least.pick(near.length > 0 ? near : connections, command);
 *   },
 * };
 *
 * export const client = new CommandClient({
 *   contract: calcContract,
 *   servers: '127.0.0.1:9000,b:9000',
 *   dispatchStrategy: nearFirst,
 * });
 *
 * @publicApi
 */
export function leastPending(): DispatchStrategy {
  let turn = 0;
  return {
    pick(connections) {
      const { length } = connections;
      let at = turn < length ? turn : 0;
      turn = at + 1;
      let best = connections[at]!;
      let least = best.pending;
      // Where none has fewer, the others need not be looked at.
      for (let left = length - 1; left > 0 && least > 0; left--) {
        if (++at === length) at = 0;
        const choice = connections[at]!;
        const { pending } = choice;
        if (pending >= least) continue;
        best = choice;
        least = pending;
      }
      return best;
    },
  };
}

/** A connection as strategies see it: they can read, and nothing else. */
class Choice implements ConnectionChoice {
  readonly index: number;
  readonly server: string;
  readonly #connection: GroupConnection;

  constructor(connection: GroupConnection) {
    this.index = connection.index;
    this.server = connection.server;
    this.#connection = connection;
    Object.freeze(this);
  }

  static connectionOf(choice: Choice): GroupConnection {
    return choice.#connection;
  }

  get address(): string | undefined {
    return this.#connection.endpoint?.address;
  }

  get pending(): number {
    return this.#connection.pending;
  }

  get roundTripMs(): number | undefined {
    return this.#connection.roundTripMs;
  }
}

// What the circuit breakers have said to a call that waits for a connection: let through for each of these servers, of
// which one will take it. They learn of its end only if the server has had its chance: an attempt to reach it has
// failed.

export class HeldPermits {
  readonly #permits = new Map<GroupServer, CircuitPermit>();

  /**
   * Asks the breakers of all servers; undefined if none lets a call through.
   *
   * @throws what a breaker of the user throws
   */
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

  /** The breakers learn nothing from it. */
  release(): void {
    for (const permit of this.#permits.values()) notify(() => permit.release());
    this.#permits.clear();
  }

  /** The call has waited in vain; `hasCounted`: is the failure of this server counted already? */
  report({ how, error }: CallOutcome, hasCounted: (server: GroupServer) => boolean): void {
    // A call that is given up, or has less time than a connection needs, says nothing about a server.
    for (const [server, permit] of this.#permits) {
      const mayCount = how === 'failed' && server.lastError !== undefined && !hasCounted(server);
      const hasFailed = mayCount && server.breaker?.isFailure(error);
      notify(() => (hasFailed ? permit.fail(error) : permit.release()));
    }
    this.#permits.clear();
  }
}
