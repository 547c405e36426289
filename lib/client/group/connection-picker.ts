// Which connection takes a call: one that can do what the call needs, that the strategy picks, and whose server's
// circuit breaker lets it through.
import { PatternMessage } from '../../codec/pattern-message.js';
import { CmdStreamError } from '../../errors.js';
import type { ConnectionChoice, DispatchStrategy } from './dispatch-strategy.js';
import type { GroupServer } from './group-server.js';
import type { GroupConnection } from './group-connection.js';
import type { ClientCall } from '../call/client-call.js';
import { ignoreRejection, notify } from '../../callbacks.js';
import type { CallOutcome } from '../call/call-outcome.js';
import type { CircuitPermit } from '../circuit-breaker.js';

export interface ConnectionPickerConfig {
  readonly strategy: DispatchStrategy;
  isFailure(error: unknown): boolean;
}

export class ConnectionPicker {
  readonly #config: ConnectionPickerConfig;
  readonly #servers: readonly GroupServer[];
  readonly #hasBreakers: boolean;
  /** Those that take calls: all that are open, but for silent ones where others are heard. */
  #choices: readonly GroupConnection[] = [];
  /** Those of them that take patterns and metadata, if there are any. */
  #extended: readonly GroupConnection[] = [];
  /** Calls that wait for a connection. */
  readonly #held = new Map<ClientCall, HeldPermits>();
  /** Whose failure was counted just now. */
  #counted: GroupServer | undefined;

  constructor(config: ConnectionPickerConfig, servers: readonly GroupServer[]) {
    this.#config = config;
    this.#servers = servers;
    this.#hasBreakers = servers.some(({ breaker }) => breaker);
  }

  serverOf(link: GroupConnection): GroupServer {
    return this.#servers[link.index % this.#servers.length]!;
  }

  /** The connections that are open, in order; to be notify again when one of them falls silent or is heard again. */
  setOpen(open: readonly GroupConnection[]): void {
    const heard = open.filter(({ session }) => !session?.isSilent);
    this.#choices = heard.length > 0 ? heard : open;
    this.#extended = extendedOf(this.#choices) ?? extendedOf(open) ?? open;
  }

  /** While connections are open. @throws {CmdStreamError} CIRCUIT_OPEN, or what the strategy or a breaker of the user throws */
  choose(call: ClientCall): GroupConnection {
    // Where no connection can do what the caller asked for, the call will be notify why it cannot be.
    let choices = call.metadata || call.command instanceof PatternMessage ? this.#extended : this.#choices;
    for (;;) {
      const link = this.#pick(choices, call);
      const server = this.serverOf(link);
      if (server.breaker === undefined) return link;
      const permit = this.#held.get(call)?.take(server) ?? server.breaker.acquire();
      if (permit) {
        this.#letGo(call);
        call.reportTo(permit, this.#config.isFailure);
        return link;
      }
      choices = choices.filter((choice) => choice.server !== link.server);
      if (choices.length === 0) {
        throw new CmdStreamError('CIRCUIT_OPEN', `the circuit breaker of ${link.server} lets no call through`);
      }
    }
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
      held.report(end, this.#config.isFailure, (server) => server === this.#counted);
    });
  }

  #letGo(call: ClientCall): void {
    this.#held.get(call)?.release();
    this.#held.delete(call);
  }

  /** An attempt to open a connection has failed: that counts once, however many calls wait for it, and not if none does. */
  onAttemptFailed(link: GroupConnection, error: unknown, goOn: () => void): void {
    const server = this.serverOf(link);
    if (this.#held.size > 0 && this.#config.isFailure(error)) this.#count(server, error);
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

  #pick(choices: readonly GroupConnection[], call: ClientCall): GroupConnection {
    const picked: ConnectionChoice = this.#config.strategy.pick(choices, call.command);
    if (choices.includes(picked as GroupConnection)) return picked as GroupConnection;
    ignoreRejection(picked);
    throw new CmdStreamError('INVALID_OPTION', 'option "strategy": pick() gave no connection of those it was given');
  }
}

function extendedOf(links: readonly GroupConnection[]): readonly GroupConnection[] | undefined {
  const extended = links.filter(({ session }) => session?.isExtended);
  return extended.length > 0 ? extended : undefined;
}

// What the circuit breakers have said to a call that waits for a connection: let through for each of these servers, of
// which one will take it. They hear of its end only if the server has had its chance: an attempt to reach it has failed.

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

  /** Nothing can be notify from it. */
  release(): void {
    for (const permit of this.#permits.values()) notify(() => permit.release());
    this.#permits.clear();
  }

  /** The call has waited in vain; `hasCounted`: the failure of this server was notify already. */
  report(
    { how, error }: CallOutcome,
    isFailure: (error: unknown) => boolean,
    hasCounted: (server: GroupServer) => boolean,
  ): void {
    // Who gives up, or has less time than a connection needs, says nothing about a server.
    const isInVain = how === 'failed' && isFailure(error);
    for (const [server, permit] of this.#permits) {
      const hasFailed = isInVain && server.lastError !== undefined && !hasCounted(server);
      notify(() => (hasFailed ? permit.fail(error) : permit.release()));
    }
    this.#permits.clear();
  }
}
