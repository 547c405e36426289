// One server of a client: its connections and what they are called together, its circuit breaker, and whether the first
// connection after an outage wakes the others.
import type { AsyncScope } from '../../async-scope.js';
import { addressText, type ServerAddress } from '../../connection/dial.js';
import { CmdStreamError } from '../../errors.js';
import { callback, objectWith } from '../../options.js';
import {
  breakerApart,
  type CircuitBreaker,
  type CircuitBreakerState,
  type CircuitBreakerFactory,
  type ServerBreaker,
} from '../circuit-breaker.js';
import type { ConnectionStatus, GroupConnection } from './group-connection.js';
import { ofOneFamily, type Endpoint, type HostLookup } from './host-lookup.js';
import { ignoreRejection } from '../../callbacks.js';

/**
 * `connecting`: the first attempt is under way. `connected`: all connections are open. `degraded`: some are.
 * `disconnected`: none is, be it that no call needs one yet, or that they are lost and tried again. `draining`: it
 * closes, pending calls are waited for. `closed`: for good.
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
  /** What the client is now, which may be what it was before. */
  readonly status: ClientStatus;
  /** Why a connection, or the attempt to open one, has ended; undefined for other changes. */
  readonly cause: CmdStreamError | undefined;
  /** The server it concerns; undefined where it concerns the client as a whole. */
  readonly server: string | undefined;
  /** What has become of the one connection that has changed. */
  readonly connection: ConnectionStatus | undefined;
}

/** What makes each address of a host have its connections. */
export interface Redistribution {
  /** An address for each connection that is to be made. */
  readonly missing: readonly Endpoint[];
  /** Connections that lead to no address of the host any more, or are too many there. */
  readonly surplus: readonly GroupConnection[];
}

export function groupStatus(connections: readonly { readonly status: ConnectionStatus }[]): ClientStatus {
  const has = (wanted: ConnectionStatus): boolean => connections.some(({ status }) => status === wanted);
  if (has('connected')) return connections.every(({ status }) => status === 'connected') ? 'connected' : 'degraded';
  if (has('connecting')) return 'connecting';
  return has('closed') ? 'closed' : 'disconnected';
}

/**
 * A server of a client, now.
 *
 * @publicApi
 */
export interface ServerState {
  /** `host:port`, or the path of its socket. */
  readonly server: string;
  /** What its connections are together. */
  readonly status: ClientStatus;
  /** Connections that the client has to it, open or not. */
  readonly connections: number;
  /** Those of its connections that are open. */
  readonly open: number;
  /** The addresses of its host that they lead to, or would; none of a path, nor before the first was open. */
  readonly addresses: readonly string[];
  /** Commands that wait on its connections. */
  readonly pending: number;
  /** Longest round-trip time of the last keepalive pings, in milliseconds; undefined before the first. */
  readonly roundTripMs: number | undefined;
  /** Why one of its connections, or the attempt to open it, failed; undefined while none has. */
  readonly lastError: CmdStreamError | undefined;
  /** Undefined without a circuit breaker. */
  readonly circuit: CircuitBreaker['state'] | undefined;
}

const NOTHING_TO_DO: Redistribution = Object.freeze({ missing: [], surplus: [] });
const breakerRule = objectWith('a CircuitBreaker, an object with a method acquire', 'acquire');

export class GroupServer {
  readonly name: string;
  readonly connections: GroupConnection[] = [];
  /** Of the server's addresses, the one to begin with next. */
  readonly turns = { next: 0 };
  readonly breaker: ServerBreaker | undefined;
  /** Resolves its host again and again; undefined where nothing does. */
  hosts: HostLookup | undefined;
  /**
   * Addresses at which one connection has woken the others. A server that accepts and refuses would otherwise be asked
   * by all its connections each time one of them tries.
   */
  readonly #woken = new Set<string | undefined>();

  constructor(
    readonly address: ServerAddress,
    circuitBreaker: CircuitBreakerFactory | undefined,
    scope: AsyncScope,
    onCircuit: (server: string, state: CircuitBreakerState) => void = () => {},
  ) {
    this.name = addressText(address);
    if (circuitBreaker === undefined) return;
    const breaker = circuitBreaker(this.name);
    if (!breakerRule.accepts(breaker)) {
      ignoreRejection(breaker);
      throw new CmdStreamError('INVALID_OPTION', `option "circuitBreaker" must return ${breakerRule.expected}`);
    }
    if (breaker.isFailure !== undefined && !callback.accepts(breaker.isFailure)) {
      const text = `option "circuitBreaker": isFailure of what it returns must be ${callback.expected}`;
      throw new CmdStreamError('INVALID_OPTION', text);
    }
    this.breaker = breakerApart(breaker, scope, (state) => onCircuit(this.name, state));
  }

  /** Connections to it that are open. */
  get open(): number {
    return this.connections.reduce((sum, { session }) => sum + (session ? 1 : 0), 0);
  }

  /** Why one of its connections, or the attempt to open one, has failed. */
  get lastError(): CmdStreamError | undefined {
    return this.connections.find(({ lastError }) => lastError)?.lastError;
  }

  /** A connection to it is open: the others that lead there, or may, need not wait. */
  wake(opened: GroupConnection): void {
    const address = opened.endpoint?.key;
    if (this.#woken.has(address)) return;
    this.#woken.add(address);
    for (const connection of this.connections) {
      if (connection !== opened && (connection.endpoint?.key ?? address) === address) connection.wake();
    }
  }

  /** A connection to it was a good one. */
  served({ endpoint }: GroupConnection): void {
    this.#woken.delete(endpoint?.key);
  }

  get state(): ServerState {
    const open = this.connections.filter(({ session }) => session !== undefined);
    const roundTrips = open.flatMap(({ roundTripMs }) => roundTripMs ?? []);
    return {
      server: this.name,
      status: groupStatus(this.connections),
      connections: this.connections.length,
      open: open.length,
      addresses: [...new Set(this.connections.flatMap(({ endpoint }) => endpoint?.address ?? []))],
      pending: this.connections.reduce((sum, { pending }) => sum + pending, 0),
      roundTripMs: roundTrips.length > 0 ? Math.max(...roundTrips) : undefined,
      lastError: this.lastError,
      circuit: this.breaker?.state,
    };
  }

  /**
   * What there is to do so that so many connections lead to each address of its host, as far as that is known; those
   * that are left to go anywhere are given one of them.
   */
  redistribute(perAddress: number): Redistribution {
    const open = this.connections.filter(({ session }) => session);
    const wanted = ofOneFamily(this.hosts?.found ?? [], open[0]?.endpoint?.family);
    if (wanted.length === 0 || open.length === 0) return NOTHING_TO_DO;
    const left = new Map(wanted.map(({ key }) => [key, perAddress]));
    const surplus: GroupConnection[] = [];
    const free: GroupConnection[] = [];
    // Those that are open come first: where there are too many, one that is not open leaves.
    for (const connection of [...open, ...this.connections.filter(({ session }) => !session)]) {
      const count = left.get(connection.endpoint?.key ?? '') ?? 0;
      if (connection.endpoint === undefined) free.push(connection);
      else if (count > 0) left.set(connection.endpoint.key, count - 1);
      else surplus.push(connection);
    }
    // One that is being opened may come to any of them.
    if (free.some(({ isConnecting }) => isConnecting)) return NOTHING_TO_DO;
    const missing = Array.from({ length: perAddress }, (_, round) =>
      wanted.filter(({ key }) => perAddress - left.get(key)! <= round),
    ).flat();
    for (const connection of free) connection.endpoint = missing.shift();
    surplus.push(...free.filter(({ endpoint }) => endpoint === undefined));
    // A good connection is not given up for others that are not open.
    const isReplaced = open.some((connection) => !surplus.includes(connection));
    return { missing, surplus: surplus.filter(({ session }) => isReplaced || !session) };
  }

  /** No connection is open: which of them may be left, while the others take any address, as in the beginning. */
  forgetAddresses(mostConnections: number): readonly GroupConnection[] {
    const kept = this.connections.toSorted((one, other) => Number(other.isConnecting) - Number(one.isConnecting));
    const left = kept.splice(mostConnections);
    for (const connection of kept) connection.endpoint = undefined;
    return left;
  }
}
