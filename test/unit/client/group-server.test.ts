// One server of a group: what its connections together are, and when the first one wakes the others.
import { describe, expect, it } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { GroupServer, groupStatus, type ClientStatus } from '../../../lib/client/group/group-server.js';
import type { Endpoint, HostLookup } from '../../../lib/client/group/host-lookup.js';
import type { GroupConnection, ConnectionStatus } from '../../../lib/client/group/group-connection.js';
import { CmdStreamError } from '../../../lib/core.js';

const [yes, no, trying, closed] = ['connected', 'disconnected', 'connecting', 'closed'] as const;

class FakeConnection {
  woken = 0;
  pending = 0;
  status: ConnectionStatus = 'disconnected';
  lastError: CmdStreamError | undefined;
  roundTripMs: number | undefined;
  endpoint: Endpoint | undefined;
  isConnecting = false;

  get session(): object | undefined {
    return this.status === 'connected' ? {} : undefined;
  }

  wake(): void {
    this.woken++;
  }
}

function serverOf(connections: readonly FakeConnection[]): GroupServer {
  const server = new GroupServer({ host: 'calc', port: 1 }, undefined, new AsyncScope());
  server.connections.push(...(connections as unknown as GroupConnection[]));
  return server;
}

describe('the first connection after an outage', () => {
  it('wakes the others, and the next one does not until a connection was a good one', () => {
    const connections = [new FakeConnection(), new FakeConnection(), new FakeConnection()];
    const server = serverOf(connections);
    const woken = (): string => connections.map((connection) => connection.woken).join();
    server.wake(connections[1] as unknown as GroupConnection);
    expect(woken()).toBe('1,0,1');
    server.wake(connections[0] as unknown as GroupConnection);
    expect(woken()).toBe('1,0,1');
    server.served(connections[2] as unknown as GroupConnection);
    server.wake(connections[0] as unknown as GroupConnection);
    expect(woken()).toBe('1,1,2');
    server.wake(connections[2] as unknown as GroupConnection);
    expect(woken()).toBe('1,1,2');
  });
});

describe('the state of a server', () => {
  it('adds up its connections', () => {
    const connections = [new FakeConnection(), new FakeConnection(), new FakeConnection()];
    const server = serverOf(connections);
    expect(server.state).toEqual({
      server: 'calc:1',
      status: 'disconnected',
      connections: 3,
      open: 0,
      addresses: [],
      pending: 0,
      roundTripMs: undefined,
      lastError: undefined,
      circuit: undefined,
    });
    const lost = new CmdStreamError('PEER_RESET', 'gone');
    Object.assign(connections[0]!, { status: 'connected', pending: 2, roundTripMs: 3 });
    Object.assign(connections[1]!, { status: 'connected', pending: 5, roundTripMs: 7 });
    Object.assign(connections[2]!, { lastError: lost, pending: 1, roundTripMs: 90 });
    expect(server.state).toMatchObject({ status: 'degraded', open: 2, pending: 8, roundTripMs: 7, lastError: lost });
    connections[2]!.lastError = undefined;
    expect(server.lastError).toBeUndefined();
  });
});

describe('the addresses of a host', () => {
  const at = (address: string): Endpoint => ({ address, family: 4, key: address });
  const [one, two, three] = [at('192.0.2.1'), at('192.0.2.2'), at('192.0.2.3')];

  /** `where`: the address of each connection, and what that is. */
  function served(found: readonly Endpoint[], ...where: readonly [Endpoint | undefined, ConnectionStatus][]) {
    const connections = where.map(([endpoint, status]) => Object.assign(new FakeConnection(), { endpoint, status }));
    for (const connection of connections) connection.isConnecting = connection.status === 'connecting';
    const server = serverOf(connections);
    server.hosts = { found } as unknown as HostLookup;
    const indexOf = (given: GroupConnection) => connections.indexOf(given as unknown as FakeConnection);
    return {
      connections,
      redistribute(perAddress: number) {
        const { missing, surplus } = server.redistribute(perAddress);
        return [missing.map(({ address }) => address.at(-1)).join(), surplus.map(indexOf).join()];
      },
      forget: (most: number) => server.forgetAddresses(most).map(indexOf).join(),
    };
  }

  it.each<[string, string[], ReturnType<typeof served>, number]>([
    ['gets what it lacks, one each in turns', ['2,3,1,2,3', ''], served([one, two, three], [one, yes]), 2],
    ['gets nothing before the first is open', ['', ''], served([one, two], [undefined, trying]), 1],
    ['gets nothing before it was looked up', ['', ''], served([], [one, yes]), 1],
    ['waits for one that may go anywhere', ['', ''], served([one, two], [one, yes], [undefined, trying]), 2],
    ['takes one that waits to go anywhere', ['1,2', ''], served([one, two], [one, yes], [undefined, no]), 2],
    ['takes no more of those than it needs', ['', '1'], served([one], [one, yes], [undefined, no]), 1],
    ['loses those beyond, first those that are not open', ['', '0'], served([one], [one, no], [one, yes]), 1],
    ['loses the one that is gone', ['', '1'], served([one], [one, yes], [two, yes]), 1],
    ['keeps the one that is gone until another is open', ['', ''], served([one], [one, trying], [two, yes]), 1],
    ['has one for the one that is gone before that', ['1', ''], served([one], [two, yes]), 1],
    ['loses those that are gone and not open', ['1', '1'], served([one], [two, yes], [three, trying]), 1],
  ])('%s', (_what, expected, { redistribute }, perAddress) => {
    expect(redistribute(perAddress)).toEqual(expected);
  });

  it('go to those that may go anywhere', () => {
    const { connections, redistribute } = served([one, two], [one, yes], [undefined, no]);
    expect(redistribute(1)).toEqual(['', '']);
    expect(connections[1]!.endpoint).toBe(two);
  });

  it('are forgotten when no connection is open; those that are being opened stay', () => {
    const { connections, forget } = served([one, two], [one, no], [two, trying], [three, no]);
    expect(forget(1)).toBe('0,2');
    expect(connections.map(({ endpoint }) => endpoint)).toEqual([one, undefined, three]);
  });
});

describe('the status of several connections', () => {
  it.each<[ClientStatus, ConnectionStatus[]]>([
    ['connected', [yes]],
    ['connected', [yes, yes, yes]],
    ['degraded', [yes, no]],
    ['degraded', [trying, yes]],
    ['connecting', [trying]],
    ['connecting', [no, trying]],
    ['disconnected', [no, no]],
    ['closed', [closed, closed]],
  ])('is %s when they are %j', (status, statuses) => {
    expect(groupStatus(statuses.map((one) => ({ status: one })))).toBe(status);
  });
});
