// Health checks for @nestjs/terminus: do the servers of a client answer over the connections it has, does a server take
// Commands. It opens no connections of its own and keeps nothing from one check to the next.
import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import type { CommandClient } from '../client/command-client.js';
import type { ConnectionPing } from '../client/group/connection-ping.js';
import type { ServerState, ClientStatus } from '../client/group/group-server.js';
import { codeOf } from '../errors.js';
import { resolveOptions, boolean, integer, type OptionRules } from '../options.js';
import type { CommandServer } from '../server/command-server.js';
import type { ServerStatus } from '../server/server-options.js';
import type { CmdStreamClient } from './client/cmd-stream-client.js';
import type { CmdStreamServer } from './server/cmd-stream-server.js';
import { MAX_TIMER_MS } from '../connection/connection-options.js';

/**
 * What a check says of a client: its status, each of its servers, and why nothing could be pinged.
 *
 * @publicApi
 */
export interface CheckedClient {
  /** What its connections are together. */
  readonly state: ClientStatus;
  /** Each of its servers. */
  readonly servers: readonly CheckedServer[];
  /** The code of an error; undefined if a connection was pinged. */
  readonly error: string | undefined;
}

/**
 * What a check says of a client's server: its state, the longest round trip of this check's pings, and the code of
 * what is wrong with it.
 *
 * @publicApi
 */
export interface CheckedServer extends Omit<ServerState, 'lastError' | 'addresses'> {
  /** The code of an error of a ping or connection; undefined if there was none. */
  readonly error: string | undefined;
}

/**
 * What a check says of this side's server: its status, its connections and the Commands it runs.
 *
 * @publicApi
 */
export interface CheckedService {
  /** What the server does. */
  readonly state: ServerStatus;
  /** Open connections, and those whose Commands still run. */
  readonly connections: number;
  /** Commands that are running. */
  readonly inFlight: number;
}

/**
 * A provider for modules that import `TerminusModule`.
 *
 * @publicApi
 */
@Injectable()
export class CmdStreamHealthIndicator {
  readonly #health: HealthIndicatorService;

  constructor(health: HealthIndicatorService) {
    this.#health = health;
  }

  /**
   * Pings every open connection of the client; up if one answers. A client that was not used yet connects, as it would
   * for a call; one that closes is down. The details are `state`, `servers`, and `error` when nothing could be pinged:
   * states, numbers and codes of errors, never their messages.
   *
   * @throws {CmdStreamError} INVALID_OPTION when the options make no sense
   */
  async pingCheck<const Key extends string>(
    key: Key,
    client: CmdStreamClient,
    options?: PingCheckOptions,
  ): Promise<HealthIndicatorResult<Key, 'up' | 'down', CheckedClient>> {
    const { timeoutMs, requireAll } = resolveOptions('pingCheck', options, pingCheckDefaults, pingCheckRules);
    const core = client.unwrap<CommandClient>();
    let pings: readonly ConnectionPing[] = [];
    let error: string | undefined;
    try {
      pings = await core.pingEach({ timeoutMs });
    } catch (failure) {
      error = codeOf(failure);
    }
    const details = { state: core.status, servers: core.servers.map((server) => checked(server, pings)), error };
    const answered = pings.filter((ping) => ping.error === undefined).length;
    const wanted = requireAll ? core.servers.reduce((sum, { connections }) => sum + connections, 0) : 1;
    const check = this.#health.check(key);
    return answered >= wanted ? check.up(details) : check.down(details);
  }

  /**
   * Up while the server takes Commands; down before it listens, while it drains and when it is closed, so that a load
   * balancer sends no client there. The details are `state`, `connections` and `inFlight`.
   */
  servingCheck<const Key extends string>(
    key: Key,
    server: CmdStreamServer,
  ): HealthIndicatorResult<Key, 'up' | 'down', CheckedService> {
    const { status: state, connections, inFlight } = server.unwrap<CommandServer>();
    const details = { state, connections, inFlight };
    const check = this.#health.check(key);
    return state === 'connected' || state === 'degraded' ? check.up(details) : check.down(details);
  }
}

function checked(
  { lastError, addresses: _addresses, ...state }: ServerState,
  pings: readonly ConnectionPing[],
): CheckedServer {
  const own = pings.filter(({ server }) => server === state.server);
  const roundTrips = own.flatMap(({ roundTripMs }) => roundTripMs ?? []);
  const failed = own.find(({ error }) => error)?.error ?? lastError;
  return {
    ...state,
    roundTripMs: roundTrips.length > 0 ? Number(Math.max(...roundTrips).toFixed(2)) : undefined,
    error: failed?.code,
  };
}

// What a health check of a client asks for.

/**
 * What {@link CmdStreamHealthIndicator.pingCheck} waits for, and asks for.
 *
 * @publicApi
 */
export interface PingCheckOptions {
  /**
   * Time for the answers, that to open a connection if there is none included, in milliseconds; 1 and up.
   * @default 1_000
   */
  timeoutMs?: number | undefined;
  /**
   * Down unless all connections are open and answer; `false`: one is enough.
   * @default false
   */
  requireAll?: boolean | undefined;
}

export const pingCheckDefaults = Object.freeze({ timeoutMs: 1_000, requireAll: false });

export const pingCheckRules: OptionRules<PingCheckOptions> = Object.freeze({
  timeoutMs: integer(1, MAX_TIMER_MS, 'milliseconds'),
  requireAll: boolean,
});
