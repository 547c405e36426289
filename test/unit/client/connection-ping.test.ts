// Pings of all open connections, with connections and a clock of the test's own: what came of each, and that nothing
// waits then.
import { describe, expect, it, jest } from '@jest/globals';
import { pingGroup } from '../../../lib/client/group/connection-ping.js';
import type { GroupConnection } from '../../../lib/client/group/group-connection.js';
import type { PingCallbacks } from '../../../lib/connection/keepalive.js';
import { CmdStreamError } from '../../../lib/core.js';
import { turns } from '../../support/deadline.js';

class Pinged {
  readonly waiters = new Set<PingCallbacks>();
  waitingForPong = 0;
  watched = 0;
  limitMs: number | undefined;
  late: () => void = () => {};
  readonly session = this;
  readonly ticker = {
    after: (ms: number, late: () => void): (() => void) => {
      Object.assign(this, { limitMs: ms, late });
      this.watched++;
      return () => void this.watched--;
    },
  };

  constructor(
    readonly index: number,
    readonly server = 'calc:1',
  ) {}

  ping(waiter: PingCallbacks): () => void {
    this.waiters.add(waiter);
    return () => void this.waiters.delete(waiter);
  }

  answer(roundTripMs: number): void {
    for (const waiter of this.waiters) waiter.answered(roundTripMs);
    this.waiters.clear();
  }
}

function groupOf(...open: Pinged[]) {
  return {
    open: open as unknown as GroupConnection[],
    connect: jest.fn(async (_timeoutMs: number): Promise<void> => {}),
  };
}

describe('pings of all connections', () => {
  it('are over when each has answered, has ended or is late, and nothing waits for any then', async () => {
    const connections = [new Pinged(0), new Pinged(1), new Pinged(2)];
    const group = groupOf(...connections);
    let isOver = false;
    const pings = pingGroup(group, 1000, 10).then((all) => ((isOver = true), all));
    await turns(1);
    expect(connections.map(({ watched, waiters }) => [watched, waiters.size])).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
    connections[0]!.answer(7);
    for (const waiter of connections[1]!.waiters) waiter.failed(new CmdStreamError('CONNECTION_LOST', 'gone'));
    await turns(1);
    expect(isOver).toBe(false);
    connections[2]!.late();
    expect(connections[2]!.waiters.size).toBe(0);
    expect(await pings).toEqual([
      { index: 0, server: 'calc:1', roundTripMs: 7, error: undefined },
      {
        index: 1,
        server: 'calc:1',
        roundTripMs: undefined,
        error: expect.objectContaining({ code: 'CONNECTION_LOST' }),
      },
      { index: 2, server: 'calc:1', roundTripMs: undefined, error: expect.objectContaining({ code: 'TIMEOUT' }) },
    ]);
    expect(connections.map(({ watched }) => watched)).toEqual([0, 0, 0]);
  });

  it('have what is left of the time after a connection was opened, at least 1 ms; no limit where there is none', async () => {
    const clock = jest.spyOn(performance, 'now');
    const limits: unknown[] = [];
    for (const [timeoutMs, tookMs] of [
      [1000, 400],
      [1000, 5000],
      [0, 400],
    ] as const) {
      const connection = new Pinged(0);
      const group = groupOf(connection);
      clock.mockReturnValue(50_000);
      group.connect.mockImplementation(async () => void clock.mockReturnValue(50_000 + tookMs));
      const pings = pingGroup(group, timeoutMs, 10);
      await turns(1);
      expect(group.connect).toHaveBeenCalledWith(timeoutMs);
      limits.push(connection.limitMs);
      connection.answer(1);
      await pings;
    }
    clock.mockRestore();
    expect(limits).toEqual([600, 1, 0]);
  });

  it('are refused by a connection on which as many as may wait already, and by no other', async () => {
    const connections = [new Pinged(0), new Pinged(1), new Pinged(2)];
    for (const [at, waiting] of [9, 10, 11].entries()) connections[at]!.waitingForPong = waiting;
    const pings = pingGroup(groupOf(...connections), 1000, 10);
    await turns(1);
    connections[0]!.answer(3);
    expect(await pings).toMatchObject([
      { roundTripMs: 3, error: undefined },
      { index: 1, server: 'calc:1', roundTripMs: undefined, error: { code: 'QUEUE_FULL' } },
      { index: 2, error: { code: 'QUEUE_FULL' } },
    ]);
    expect(connections.map(({ watched }) => watched)).toEqual([0, 0, 0]);
  });

  it('fail when every connection was lost meanwhile, and leave out those that were', async () => {
    const [connection, lost] = [new Pinged(0), Object.assign(new Pinged(1), { session: undefined })];
    await expect(pingGroup(groupOf(), 1000, 10)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await expect(pingGroup(groupOf(lost as never), 1000, 10)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    const pings = pingGroup(groupOf(connection, lost as never), 1000, 10);
    await turns(1);
    connection.answer(2);
    expect(await pings).toHaveLength(1);
  });
});
