// One client of four connections to three servers in processes of their own, under load, while they die, return, drain
// and fall silent: whatever happens, each Command is answered correctly or fails with a code.
import { describe, expect, it } from '@jest/globals';
import { CommandClient, type CmdStreamError, type CommandClientOptions } from '../../lib/core.js';
import { CommandLoad, type LoadSummary } from '../support/command-load.js';
import { inTime, until } from '../support/deadline.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { interopContract, SlowCmd } from '../support/interop-contract.js';
import { Journal } from '../support/journal.js';
import { guardLeaks } from '../support/leak-guard.js';
import { ServerProcess } from '../support/server-process.js';

const TEST_TIMEOUT_MS = 60_000;
/** What finds out a silent server soon, and gives up an attempt to reach it. */
const impatience = { keepalive: { intervalMs: 250, timeoutMs: 1000 }, connectTimeoutMs: 500 };

const own = guardLeaks();

function groupOf(ports: readonly number[], options: Partial<CommandClientOptions> = {}): CommandClient {
  const servers = ports.map((port) => ({ host: '127.0.0.1', port }));
  const client = new CommandClient({
    contract: interopContract,
    servers,
    connectionsPerServer: 2,
    ...impatience,
    ...options,
  });
  return own(client);
}

function expectConserved({ sent, ok, failed, wrong }: LoadSummary): void {
  expect(wrong).toEqual([]);
  expect(ok + Object.values(failed).reduce((sum, count) => sum + count, 0)).toBe(sent);
}

/** Connections that are open, and Commands that are pending, at each server. */
const open = (client: CommandClient): readonly number[] => client.servers.map((server) => server.open);
const pending = (client: CommandClient): readonly number[] => client.servers.map((server) => server.pending);
const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a client of 6 connections to 3 servers', () => {
  it(
    'answers or fails with a code what it is asked while they die, return, drain and fall silent',
    async () => {
      const journal = own(new Journal());
      const setup = { quietPeriodMs: 20, gracePeriodMs: 500, journal: journal.path };
      const start = (): Promise<ServerProcess> => ServerProcess.start(setup, own);
      const [mortal, polite, distant] = await Promise.all([start(), start(), start()]);
      const proxy = await FaultProxy.listen(distant.port);
      own({ destroy: () => proxy.close() });
      const client = groupOf([mortal.port, polite.port, proxy.port]);
      await client.connect();
      await until('all connections are open', () => open(client).join() === '2,2,2');

      // One on each connection that is there when it is lost.
      const hostages = Array.from({ length: 6 }, () => failureOf(client.execute(new SlowCmd(60_000))));
      expect(pending(client)).toEqual([2, 2, 2]);
      const [ofMortal, ofPolite, ofDistant, alsoOfMortal] = hostages;
      const load = own(new CommandLoad(client, { numbered: true }));
      await load.answers(200);

      await mortal.kill();
      await load.until('the death is noticed', () => open(client)[0] === 0);
      for (const lost of [ofMortal, alsoOfMortal]) {
        expect(await lost).toMatchObject({ code: 'CONNECTION_LOST', sent: true });
      }
      await load.answers(200);
      const revived = await mortal.restart();
      await load.until('it is used again', () => open(client)[0] === 2 && pending(client)[0]! > 0);
      await load.answers(200);

      const failedBefore = load.errors.length;
      expect(await inTime('the drain', polite.terminate())).toEqual({ code: 0, signal: null });
      expect(await ofPolite).toMatchObject({ code: 'SHUTDOWN', sent: true });
      await load.answers(200);
      expect(load.errors.slice(failedBefore)).toEqual([]);
      const returned = await polite.restart();
      await load.until('it is used again', () => open(client)[1] === 2 && pending(client)[1]! > 0);

      proxy.blackhole();
      expect(await ofDistant).toMatchObject({
        code: 'CONNECTION_LOST',
        sent: true,
        cause: { code: 'KEEPALIVE_TIMEOUT' },
      });
      await load.until('both have gone', () => open(client)[2] === 0);
      expect(open(client)).toEqual([2, 2, 0]);
      await load.answers(200);
      await proxy.heal();
      await load.until('it is used again', () => open(client)[2] === 2 && pending(client)[2]! > 0);
      await load.answers(200);

      const summary = await load.stop();
      expectConserved(summary);
      expect(Object.keys(summary.failed).filter((code) => code !== 'CONNECTION_LOST')).toEqual([]);
      expect(load.errors.filter((error) => !(error as CmdStreamError).sent)).toEqual([]);
      const executed = new Set(journal.executed);
      expect(journal.executed).toHaveLength(executed.size);
      expect(load.answered.filter((number) => !executed.has(String(number)))).toEqual([]);
      expect(client.pending).toBe(0);
      expect(pending(client)).toEqual([0, 0, 0]);
      expect(client.unexpectedResults).toBe(0);
      await client.close();
      // Nothing pends at the servers either, or their drain would take its whole grace period and more.
      for (const server of [revived, returned, distant]) {
        expect(await inTime('the drain', server.terminate())).toEqual({ code: 0, signal: null });
      }
    },
    TEST_TIMEOUT_MS,
  );
});
