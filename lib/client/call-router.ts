// Which connection takes a call: one that can do what the call needs, that the strategy picks, and whose server's
// circuit breaker lets it through.
import { PatternMessage } from '../codec/pattern-message.js';
import { CmdStreamError } from '../errors.js';
import type { ConnectionChoice, DispatchStrategy } from './dispatch-strategy.js';
import type { GroupServer } from './group-server.js';
import { HeldPermits } from './held-permits.js';
import type { Link } from './link.js';
import type { PendingCall } from './pending-call.js';
import { forgive, told } from '../callbacks.js';

export interface RouterConfig {
  readonly strategy: DispatchStrategy;
  isFailure(error: unknown): boolean;
}

export class CallRouter {
  readonly #config: RouterConfig;
  readonly #servers: readonly GroupServer[];
  readonly #hasBreakers: boolean;
  /** Those that take calls: all that are open, but for silent ones where others are heard. */
  #choices: readonly Link[] = [];
  /** Those of them that take patterns and metadata, if there are any. */
  #extended: readonly Link[] = [];
  /** Calls that wait for a connection. */
  readonly #held = new Map<PendingCall, HeldPermits>();
  /** Whose failure was counted just now. */
  #counted: GroupServer | undefined;

  constructor(config: RouterConfig, servers: readonly GroupServer[]) {
    this.#config = config;
    this.#servers = servers;
    this.#hasBreakers = servers.some(({ breaker }) => breaker);
  }

  serverOf(link: Link): GroupServer {
    return this.#servers[link.index % this.#servers.length]!;
  }

  /** The connections that are open, in order; to be told again when one of them falls silent or is heard again. */
  setOpen(open: readonly Link[]): void {
    const heard = open.filter(({ session }) => !session?.isSilent);
    this.#choices = heard.length > 0 ? heard : open;
    this.#extended = extendedOf(this.#choices) ?? extendedOf(open) ?? open;
  }

  /** While connections are open. @throws {CmdStreamError} CIRCUIT_OPEN, or what the strategy or a breaker of the user throws */
  choose(call: PendingCall): Link {
    // Where no connection can do what the caller asked for, the call will be told why it cannot be.
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
  hold(call: PendingCall): void {
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

  #letGo(call: PendingCall): void {
    this.#held.get(call)?.release();
    this.#held.delete(call);
  }

  /** An attempt to open a connection has failed: that counts once, however many calls wait for it, and not if none does. */
  onAttemptFailed(link: Link, error: unknown, goOn: () => void): void {
    const server = this.serverOf(link);
    if (this.#held.size > 0 && this.#config.isFailure(error)) this.#count(server, error);
    this.#counted = server;
    goOn();
    this.#counted = undefined;
  }

  #count(server: GroupServer, error: unknown): void {
    told(() => {
      for (const held of this.#held.values()) {
        const permit = held.take(server);
        if (permit) return permit.fail(error);
      }
      return server.breaker?.acquire()?.fail(error);
    });
  }

  #pick(choices: readonly Link[], call: PendingCall): Link {
    const picked: ConnectionChoice = this.#config.strategy.pick(choices, call.command);
    if (choices.includes(picked as Link)) return picked as Link;
    forgive(picked);
    throw new CmdStreamError('INVALID_OPTION', 'option "strategy": pick() gave no connection of those it was given');
  }
}

function extendedOf(links: readonly Link[]): readonly Link[] | undefined {
  const extended = links.filter(({ session }) => session?.isExtended);
  return extended.length > 0 ? extended : undefined;
}
