// What a health check makes of the pings of a client, without servers.
import { describe, expect, it } from '@jest/globals';
import { HealthIndicatorService } from '@nestjs/terminus';
import type { CmdStreamClient } from 'nestjs-cmd-stream';
import { CmdStreamHealthIndicator } from 'nestjs-cmd-stream/terminus';
import type { ConnectionPing } from '../../../lib/client/group/connection-ping.js';
import type { ServerState } from '../../../lib/client/group/group-server.js';
import { CmdStreamError } from '../../../lib/errors.js';

const late = new CmdStreamError('TIMEOUT', 'late');
const lost = new CmdStreamError('CONNECTION_LOST', 'gone');

function serverState(server: string, state: Partial<ServerState> = {}): ServerState {
  const rest = {
    connections: 1,
    open: 1,
    addresses: [],
    pending: 0,
    roundTripMs: 7,
    lastError: undefined,
    circuit: undefined,
  };
  return { server, status: 'connected', ...rest, ...state };
}

function ping(server: string, roundTripMs: number | undefined, error?: CmdStreamError): ConnectionPing {
  return { index: 0, server, roundTripMs, error };
}

/** What the check says; `pings` undefined: nothing could be pinged. */
async function check(servers: ServerState[], pings: ConnectionPing[] | undefined, requireAll = false) {
  const core = {
    status: 'connected',
    servers,
    pingEach: async (given: object) => {
      expect(given).toEqual({ timeoutMs: 1_234 });
      if (pings === undefined) throw lost;
      return pings;
    },
  };
  const client = { unwrap: () => core } as unknown as CmdStreamClient;
  const indicator = new CmdStreamHealthIndicator(new HealthIndicatorService());
  const { calc } = await indicator.pingCheck('calc', client, { requireAll, timeoutMs: 1_234 });
  return { ...calc, seen: calc.servers.map(({ roundTripMs, error }) => [roundTripMs, error]) };
}

describe('a health check', () => {
  it('says the longest round trip of the connections to each server, rounded', async () => {
    const servers = [serverState('a:1', { connections: 3 }), serverState('b:1', { connections: 2 })];
    const pings = [ping('a:1', 2), ping('b:1', 30), ping('a:1', 5.6789), ping('b:1', 4), ping('a:1', 3)];
    const { status, seen, error } = await check(servers, pings, true);
    expect({ status, seen, error }).toEqual({
      status: 'up',
      seen: [
        [5.68, undefined],
        [30, undefined],
      ],
      error: undefined,
    });
  });

  it('says none of the round trip before, where no ping of this check was answered', async () => {
    const { status, seen } = await check([serverState('a:1')], [ping('a:1', undefined, late)]);
    expect({ status, seen }).toEqual({ status: 'down', seen: [[undefined, 'TIMEOUT']] });
  });

  it('says what failed in this check, before what failed earlier', async () => {
    const servers = [
      serverState('a:1', { lastError: lost }),
      serverState('b:1', { lastError: lost }),
      serverState('c:1'),
    ];
    const { seen } = await check(servers, [ping('a:1', 1), ping('a:1', undefined, late), ping('b:1', 0)]);
    expect(seen).toEqual([
      [1, 'TIMEOUT'],
      [0, 'CONNECTION_LOST'],
      [undefined, undefined],
    ]);
  });

  it.each([
    [0, false, 'down'],
    [1, false, 'up'],
    [2, false, 'up'],
    [2, true, 'down'],
    [3, true, 'up'],
  ])('of three connections, %d of which answer, all required: %p, is %s', async (answered, requireAll, expected) => {
    const servers = [serverState('a:1', { connections: 2 }), serverState('b:1')];
    const pings = servers
      .flatMap(({ server, connections }) => Array.from({ length: connections }, () => server))
      .map((server, index) => ping(server, index < answered ? 1 : undefined, index < answered ? undefined : late));
    expect((await check(servers, pings, requireAll)).status).toBe(expected);
  });

  it('waits a second for one answer unless an option says otherwise', async () => {
    const servers = [serverState('a:1', { connections: 2 })];
    const asked: unknown[] = [];
    const pingEach = async (given: unknown) => {
      asked.push(given);
      return [ping('a:1', 1), ping('a:1', undefined, late)];
    };
    const client = { unwrap: () => ({ status: 'connected', servers, pingEach }) } as unknown as CmdStreamClient;
    const indicator = new CmdStreamHealthIndicator(new HealthIndicatorService());
    expect(await indicator.pingCheck('calc', client)).toMatchObject({ calc: { status: 'up' } });
    expect(asked).toEqual([{ timeoutMs: 1_000 }]);
  });

  it('is down with the code of why nothing could be pinged', async () => {
    const { status, error, seen } = await check([serverState('a:1')], undefined);
    expect({ status, error, seen }).toEqual({
      status: 'down',
      error: 'CONNECTION_LOST',
      seen: [[undefined, undefined]],
    });
  });
});
