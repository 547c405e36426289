// One server of a group: what its connections together are, and when the first one wakes the others.
import { describe, expect, it } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { GroupServer } from '../../../lib/client/group/group-server.js';
import type { GroupConnection, ConnectionStatus } from '../../../lib/client/group/group-connection.js';
import { CmdStreamError } from '../../../lib/core.js';

class FakeLink {
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

function serverOf(links: readonly FakeLink[]): GroupServer {
  const server = new GroupServer({ host: 'calc', port: 1 }, undefined, new AsyncScope());
  server.links.push(...(links as unknown as GroupConnection[]));
  return server;
}

describe('the first connection after an outage', () => {
  it('wakes the others, and the next one does not until a connection was a good one', () => {
    const links = [new FakeLink(), new FakeLink(), new FakeLink()];
    const server = serverOf(links);
    const woken = (): string => links.map((link) => link.woken).join();
    server.wake(links[1] as unknown as GroupConnection);
    expect(woken()).toBe('1,0,1');
    server.wake(links[0] as unknown as GroupConnection);
    expect(woken()).toBe('1,0,1');
    server.served();
    server.wake(links[0] as unknown as GroupConnection);
    expect(woken()).toBe('1,1,2');
    server.wake(links[2] as unknown as GroupConnection);
    expect(woken()).toBe('1,1,2');
  });
});

describe('the state of a server', () => {
  it('adds up its connections', () => {
    const links = [new FakeLink(), new FakeLink(), new FakeLink()];
    const server = serverOf(links);
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
    Object.assign(links[0]!, { status: 'connected', pending: 2, roundTripMs: 3 });
    Object.assign(links[1]!, { status: 'connected', pending: 5, roundTripMs: 7 });
    Object.assign(links[2]!, { lastError: lost, pending: 1, roundTripMs: 90 });
    expect(server.state).toMatchObject({ status: 'degraded', open: 2, pending: 8, roundTripMs: 7, lastError: lost });
    links[2]!.lastError = undefined;
    expect(server.lastError).toBeUndefined();
  });

  it('counts its turns up, so that its connections begin at different addresses', () => {
    const server = serverOf([]);
    expect([server.nextTurn(), server.nextTurn(), server.nextTurn()]).toEqual([0, 1, 2]);
  });
});
