// Nest applications in processes of their own that are asked to end and started again, one after the other, while their
// clients go on: no Command is lost, and none is executed twice.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { CommandClient } from '../../lib/core.js';
import { CommandLoad } from '../support/command-load.js';
import { inTime, until } from '../support/deadline.js';
import { interopContract, SlowCmd } from '../support/interop-contract.js';
import { Journal } from '../support/journal.js';
import { guardLeaks } from '../support/leak-guard.js';
import { ServerProcess } from '../support/server-process.js';

const TEST_TIMEOUT_MS = 60_000;
const numbered = { numbered: true, timeoutMs: 20_000 };
const own = guardLeaks();

let journal: Journal;
beforeEach(() => {
  journal = own(new Journal());
});

/** The ids of so many Commands of a load, and of others. */
const idsOf = (sent: number, ...others: string[]): readonly string[] =>
  [...Array.from({ length: sent }, (_, number) => String(number)), ...others].toSorted();

const start = (): Promise<ServerProcess> => ServerProcess.start({ nest: true, journal: journal.path }, own);

/** Its calls wait as long as a server needs to start. */
function clientOf(...all: ServerProcess[]): CommandClient {
  const servers = all.map(({ port }) => ({ host: '127.0.0.1', port }));
  return own(
    new CommandClient({ contract: interopContract, servers, connectionsPerServer: 2, queue: { timeoutMs: 0 } }),
  );
}

describe('a rolling restart of Nest servers', () => {
  it(
    'loses no Command of a client of both, and executes none twice',
    async () => {
      const servers = await Promise.all([start(), start()]);
      const client = clientOf(...servers);
      const load = own(new CommandLoad(client, numbered));
      for (const [index, server] of servers.entries()) {
        await load.until('both are used', () => client.servers.every(({ open, pending }) => open === 2 && pending > 0));
        const ended = server.terminate();
        await load.until('its clients leave', () => client.servers[index]!.open === 0);
        expect(await inTime('the application ends', ended)).toEqual({ code: null, signal: 'SIGTERM' });
        await load.answers(100);
        await server.restart();
      }
      await load.until('both are used', () => client.servers.every(({ open, pending }) => open === 2 && pending > 0));
      const { sent, failed, wrong } = await load.stop();
      expect({ failed, wrong }).toEqual({ failed: {}, wrong: [] });
      expect(journal.executed).toEqual(idsOf(sent));
      expect(client.pending).toBe(0);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'answers what was under way and what was sent while no server was there, and executes none twice',
    async () => {
      const server = await start();
      const client = clientOf(server);
      const load = own(new CommandLoad(client, numbered));
      await load.answers(100);
      const slow = client.execute(new SlowCmd(300), { metadata: { id: 'slow' } });
      await load.until('the slow Command is under way', () => journal.executed.includes('slow'));
      const ended = server.terminate();
      expect((await slow).value).toBe(300);
      expect(await inTime('the application ends', ended)).toEqual({ code: null, signal: 'SIGTERM' });
      // There is no server to call now.
      await until('all of them wait', () => client.status === 'disconnected' && client.pending === 16);
      await server.restart();
      await load.answers(100);
      const { sent, failed, wrong } = await load.stop();
      expect({ failed, wrong }).toEqual({ failed: {}, wrong: [] });
      expect(journal.executed).toEqual(idsOf(sent, 'slow'));
      expect(client.pending).toBe(0);
    },
    TEST_TIMEOUT_MS,
  );
});

describe('the end of a process with several Nest applications', () => {
  it('waits for the one that has a Command under way', async () => {
    const server = await ServerProcess.start({ nest: true, idle: 2, journal: journal.path }, own);
    const client = clientOf(server);
    const slow = client.execute(new SlowCmd(500), { metadata: { id: 'slow' } });
    await until('the slow Command is under way', () => journal.executed.includes('slow'));
    const ended = server.terminate();
    expect((await slow).value).toBe(500);
    expect(await inTime('the process ends', ended)).toEqual({ code: null, signal: 'SIGTERM' });
  });
});
