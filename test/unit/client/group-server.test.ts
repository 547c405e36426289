// One server of a group: what its connections together are, and when the first one wakes the others.
import { describe, expect, it } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { GroupServer, groupStatus, type ClientStatus } from '../../../lib/client/group/group-server.js';
import type { GroupConnection, ConnectionStatus } from '../../../lib/client/group/group-connection.js';
import { CmdStreamError } from '../../../lib/core.js';

class FakeConnection {
  woken = 0;
  pending = 0;
  status: ConnectionStatus = 'disconnected';
  lastError: CmdStreamError | undefined;
  roundTripMs: number | undefined;

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
    server.served();
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

const [yes, no, trying, closed] = ['connected', 'disconnected', 'connecting', 'closed'] as const;

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
