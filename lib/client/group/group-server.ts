// One server of a client: its connections, its circuit breaker, and whether the first connection after an outage tells the others.
import type { AsyncScope } from '../../async-scope.js';
import { addressText, type ServerAddress } from '../../connection/dial.js';
import { CmdStreamError } from '../../errors.js';
import { objectWith } from '../../options.js';
import { breakerApart, type CircuitBreaker, type CircuitBreakerFactory } from '../circuit-breaker.js';
import type { GroupConnection, GroupConnectionTarget, ConnectionStatus } from './group-connection.js';
import { ignoreRejection } from '../../callbacks.js';

/**
 * A server of a client, now.
 *
 * @publicApi
 */
export interface ServerState {
  /** `host:port`, or the path of its socket. */
  readonly server: string;
  readonly status: ClientStatus;
  /** Connections to it, and those of them that are open. */
  readonly connections: number;
  readonly open: number;
  /** Commands that wait on its connections. */
  readonly pending: number;
  /** Longest round-trip time of the last keepalive pings, in milliseconds; undefined before the first. */
  readonly roundTripMs: number | undefined;
  /** Why one of its connections, or the attempt to open it, failed; undefined while none has. */
  readonly lastError: CmdStreamError | undefined;
  /** Undefined without a circuit breaker. */
  readonly circuit: CircuitBreaker['state'] | undefined;
}

const breakerRule = objectWith('a CircuitBreaker, an object with a method acquire', 'acquire');

export class GroupServer implements GroupConnectionTarget {
  readonly links: GroupConnection[] = [];
  readonly breaker: CircuitBreaker | undefined;
  /** A server that accepts and refuses would otherwise be asked by all its links each time one of them tries. */
  #mayWake = true;
  #turn = 0;

  constructor(
    readonly address: ServerAddress,
    circuitBreaker: CircuitBreakerFactory | undefined,
    scope: AsyncScope,
  ) {
    if (circuitBreaker === undefined) return;
    const breaker = circuitBreaker(addressText(address));
    if (!breakerRule.accepts(breaker)) {
      ignoreRejection(breaker);
      throw new CmdStreamError('INVALID_OPTION', `option "circuitBreaker" must return ${breakerRule.expected}`);
    }
    this.breaker = breakerApart(breaker, scope);
  }

  /** Why one of its connections, or the attempt to open one, has failed. */
  get lastError(): CmdStreamError | undefined {
    return this.links.find(({ lastError }) => lastError)?.lastError;
  }

  nextTurn(): number {
    return this.#turn++;
  }

  /** A link is open: the others need not wait. */
  wake(opened: GroupConnection): void {
    if (!this.#mayWake) return;
    this.#mayWake = false;
    for (const link of this.links) if (link !== opened) link.wake();
  }

  /** A connection to it was a good one. */
  served(): void {
    this.#mayWake = true;
  }

  get state(): ServerState {
    const open = this.links.filter(({ session }) => session !== undefined);
    const roundTrips = open.flatMap(({ roundTripMs }) => roundTripMs ?? []);
    return {
      server: addressText(this.address),
      status: groupStatus(this.links),
      connections: this.links.length,
      open: open.length,
      pending: this.links.reduce((sum, { pending }) => sum + pending, 0),
      roundTripMs: roundTrips.length > 0 ? Math.max(...roundTrips) : undefined,
      lastError: this.lastError,
      circuit: this.breaker?.state,
    };
  }
}

// What several connections together are called.

/**
 * `connecting`: the first attempt is under way. `connected`: all connections are open. `degraded`: some are.
 * `disconnected`: none is, be it that nobody needs one yet, or that they are lost and tried again. `draining`: it closes,
 * pending calls are waited for. `closed`: for good.
 *
 * @publicApi
 */
export type ClientStatus = 'disconnected' | 'connecting' | 'connected' | 'degraded' | 'draining' | 'closed';

/**
 * A change of a client's status.
 *
 * @publicApi
 */
export interface ClientStatusChange {
  readonly status: ClientStatus;
  /** Why a connection, or the attempt to open one, has ended; undefined for other changes. */
  readonly cause: CmdStreamError | undefined;
  /** The server it concerns; undefined where it concerns the client as a whole. */
  readonly server: string | undefined;
  /** What has become of the one connection that has changed. */
  readonly connection: ConnectionStatus | undefined;
}

export function groupStatus(links: readonly { readonly status: ConnectionStatus }[]): ClientStatus {
  const has = (wanted: ConnectionStatus): boolean => links.some(({ status }) => status === wanted);
  if (has('connected')) return links.every(({ status }) => status === 'connected') ? 'connected' : 'degraded';
  if (has('connecting')) return 'connecting';
  return has('closed') ? 'closed' : 'disconnected';
}
