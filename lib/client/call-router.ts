// Which connection takes a call: one that can do what the call needs, that the strategy picks, and whose server's
// circuit breaker lets it through.
import { PatternMessage } from '../codec/pattern-message.js';
import { CmdStreamError } from '../errors.js';
import type { ConnectionChoice, DispatchStrategy } from './dispatch-strategy.js';
import type { GroupServer } from './group-server.js';
import type { Link } from './link.js';
import type { PendingCall } from './pending-call.js';
import { forgive } from './told.js';

export interface RouterConfig {
  readonly strategy: DispatchStrategy;
  isFailure(error: unknown): boolean;
}

export class CallRouter {
  readonly #config: RouterConfig;
  readonly #servers: readonly GroupServer[];

  constructor(config: RouterConfig, servers: readonly GroupServer[]) {
    this.#config = config;
    this.#servers = servers;
  }

  serverOf(link: Link): GroupServer {
    return this.#servers[link.index % this.#servers.length]!;
  }

  /** `open`: not empty. @throws {CmdStreamError} CIRCUIT_OPEN, or what the strategy or a breaker of the user throws */
  choose(open: readonly Link[], call: PendingCall): Link {
    let choices = capable(open, call);
    for (;;) {
      const link = this.#pick(choices, call);
      const { breaker } = this.serverOf(link);
      if (breaker === undefined) return link;
      const permit = breaker.acquire();
      if (permit) {
        call.reportTo(permit, this.#config.isFailure);
        return link;
      }
      choices = choices.filter(({ server }) => server !== link.server);
      if (choices.length === 0) {
        throw new CmdStreamError('CIRCUIT_OPEN', `the circuit breaker of ${link.server} lets no call through`);
      }
    }
  }

  #pick(choices: readonly Link[], call: PendingCall): Link {
    const picked: ConnectionChoice = this.#config.strategy.pick(choices, call.command);
    if (choices.includes(picked as Link)) return picked as Link;
    forgive(picked);
    throw new CmdStreamError('INVALID_OPTION', 'option "strategy": pick() gave no connection of those it was given');
  }
}

/** Those that can do what the caller asked for, if there are any; else the call will be told why it cannot be. */
function capable(open: readonly Link[], call: PendingCall): readonly Link[] {
  if (!call.metadata && !(call.command instanceof PatternMessage)) return open;
  const extended = open.filter((link) => link.session?.isExtended);
  return extended.length > 0 ? extended : open;
}
