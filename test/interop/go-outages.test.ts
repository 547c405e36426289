// Four connections between Go and us, under load, in both directions: while servers die, return, drain, hang or fall
// silent, every Command is answered correctly or fails with a code, and nothing is pending in the end.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandClient, type CmdStreamError, type CommandClientOptions } from '../../lib/core.js';
import { CommandLoad } from '../support/command-load.js';
import { inTime, until } from '../support/deadline.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { interopContract, SlowCmd } from '../support/interop-contract.js';
import { guardLeaks } from '../support/leak-guard.js';
import { ServerProcess } from '../support/server-process.js';
import { AddCmd } from '../support/vector-contract.js';
import { describeUnless } from '../support/unless.js';
import type { GoLoad, LoadCounters } from './go-load.js';
import { GoPeers, reasonToSkipGo, type GoServer } from './go-peer.js';

const BUILD_TIMEOUT_MS = 300_000;
const TEST_TIMEOUT_MS = 60_000;
const host = '127.0.0.1';
/** What the Go library, or the system, says of a Command that could not be answered. */
const knownToGo =
  /^(EOF|timeout|i\/o timeout|broken pipe|connection (reset by peer|refused)|use of closed network connection)$/;

describeUnless(reasonToSkipGo(), 'outages between Go and us', () => {
  const go = new GoPeers();
  beforeAll(() => go.build(), BUILD_TIMEOUT_MS);
  afterAll(() => go.dispose());
  const own = guardLeaks();

  const serve = async (...flags: string[]): Promise<GoServer> => {
    const server = await go.serve('-workers', '64', ...flags);
    own({ destroy: () => server.signal('SIGKILL') });
    return server;
  };
  const proxyOf = async (port: number): Promise<FaultProxy> => {
    const proxy = await FaultProxy.listen(port);
    own({ destroy: () => proxy.close() });
    return proxy;
  };

  describe('a Go client of 4 connections', () => {
    const loadOf = async (port: number): Promise<GoLoad> => {
      const load = await go.load(port, '-result-timeout', '500ms');
      own({ destroy: () => load.kill() });
      return load;
    };
    const failuresIn = ({ failed }: LoadCounters): number => Object.values(failed).reduce((sum, n) => sum + n, 0);
    const goesOn = async (load: GoLoad): Promise<LoadCounters> => {
      const { ok, dialed } = await load.counters();
      return load.until('as many answers again', (now) => now.ok >= ok + 200 && now.dialed >= dialed);
    };
    const expectNothingLeft = async (load: GoLoad, server: ServerProcess): Promise<void> => {
      const last = await load.stop();
      expect(last).toMatchObject({ mismatched: 0, pending: 0 });
      expect(last.ok + failuresIn(last)).toBe(last.sent);
      expect(Object.keys(last.failed).filter((text) => !knownToGo.test(text))).toEqual([]);
      expect(await inTime('the server drains', server.terminate())).toEqual({ code: 0, signal: null });
    };

    it(
      'gets over a server of ours that is killed, returns, drains and returns',
      async () => {
        const setup = { quietPeriodMs: 20, gracePeriodMs: 200 };
        const killed = await ServerProcess.start(setup, own);
        const load = await loadOf(killed.port);
        await goesOn(load);
        await killed.kill();
        await load.until('failures', (counters) => failuresIn(counters) > 0);
        const drained = await killed.restart();
        await goesOn(load);
        expect(await inTime('the drain', drained.terminate())).toEqual({ code: 0, signal: null });
        const last = await drained.restart();
        const { dialed } = await goesOn(load);
        expect(dialed).toBeGreaterThanOrEqual(12);
        await expectNothingLeft(load, last);
      },
      TEST_TIMEOUT_MS,
    );

    it(
      'gets over a black hole that ends in a cut',
      async () => {
        const server = await ServerProcess.start({ quietPeriodMs: 20 }, own);
        const proxy = await proxyOf(server.port);
        const load = await loadOf(proxy.port);
        await goesOn(load);
        proxy.blackhole();
        await load.until('all callers have failed', (counters) => failuresIn(counters) >= 16);
        proxy.cut('rst');
        await proxy.heal();
        const { dialed } = await goesOn(load);
        expect(dialed).toBeGreaterThanOrEqual(8);
        await expectNothingLeft(load, server);
      },
      TEST_TIMEOUT_MS,
    );
  });

  describe('a client of ours with 4 connections', () => {
    const clientOf = (port: number, options: Partial<CommandClientOptions> = {}): CommandClient => {
      const keepalive = { intervalMs: 250, timeoutMs: 1000 };
      const patience = { connectTimeoutMs: 500, queue: { timeoutMs: 0 } };
      const common = { contract: interopContract, host, port, connectionsPerServer: 4, keepalive, ...patience };
      return own(new CommandClient({ ...common, ...options }));
    };
    const expectOpen = (client: CommandClient, connections: number): Promise<void> =>
      until(`${connections} connections are open`, () => client.servers[0]!.open === connections);

    const outages: [string, (server: GoServer, proxy: FaultProxy) => Promise<() => Promise<unknown>>][] = [
      [
        'is killed and returns',
        async (server) => {
          server.signal('SIGKILL');
          await server.exited;
          return () => serve('-listen', `${host}:${server.port}`);
        },
      ],
      [
        'hangs and goes on',
        async (server) => {
          server.signal('SIGSTOP');
          return async () => server.signal('SIGCONT');
        },
      ],
      [
        'falls silent behind a proxy',
        async (_server, proxy) => {
          proxy.blackhole();
          return () => proxy.heal();
        },
      ],
      [
        'is cut off',
        async (_server, proxy) => {
          proxy.refuse();
          proxy.cut('fin');
          return () => proxy.heal();
        },
      ],
    ];
    it.each(outages)(
      'gets over a Go server that %s',
      async (_what, begin) => {
        const server = await serve();
        const proxy = await proxyOf(server.port);
        const client = clientOf(proxy.port);
        const load = own(new CommandLoad(client));
        await load.until('it is used', () => client.servers[0]!.open === 4 && load.ok >= 200);
        const end = await begin(server, proxy);
        await expectOpen(client, 0);
        await end();
        await expectOpen(client, 4);
        await load.answers(200);
        const { sent, ok, failed, wrong } = await load.stop();
        expect(wrong).toEqual([]);
        expect(ok + (failed['CONNECTION_LOST'] ?? 0)).toBe(sent);
        expect(load.errors.filter((error) => !(error as CmdStreamError).sent)).toEqual([]);
        expect(client).toMatchObject({ pending: 0, unexpectedResults: 0 });
        expect(client.servers).toMatchObject([{ pending: 0, open: 4 }]);
      },
      TEST_TIMEOUT_MS,
    );

    it('is no silent one to a Go server with a receive timeout, while idle and while it waits for an answer', async () => {
      const server = await serve('-receive-timeout', '1500ms');
      const idle = clientOf(server.port);
      const busy = clientOf(server.port, { connectionsPerServer: 1 });
      const silent = clientOf(server.port, { connectionsPerServer: 1, keepalive: false, reconnect: false });
      await idle.connect();
      await expectOpen(idle, 4);
      const ends: unknown[] = [];
      for (const client of [idle, busy]) client.onStatus(({ cause }) => cause && ends.push(cause));
      const answer = busy.execute(new SlowCmd(3500));
      for (let round = 0; round < 2; round++) {
        await silent.connect();
        await until('the silent one is dropped', () => silent.status === 'disconnected');
      }
      expect((await answer).value).toBe(3500);
      expect((await idle.execute(new AddCmd(2, 3))).value).toBe(5);
      expect(ends).toEqual([]);
      expect(idle.servers[0]).toMatchObject({ open: 4, roundTripMs: expect.any(Number) });
      expect(server.lost).toHaveLength(2);
    });

    it('loses nothing when its connections to a Go server are replaced because of their age', async () => {
      const server = await serve();
      const client = clientOf(server.port, { maxConnectionAgeMs: 200 });
      const load = own(new CommandLoad(client));
      await load.until('all are replaced, and again', () => server.lost.length >= 12);
      const { sent, ok, failed, wrong } = await load.stop();
      expect({ failed, wrong, ok }).toEqual({ failed: {}, wrong: [], ok: sent });
      expect(new Set(server.lost)).toEqual(new Set(['EOF']));
    });

    it('leaves a Go server that is to end, by the age of its connections, and loses nothing', async () => {
      const [old, next] = [await serve(), await serve()];
      const towards = async ({ port }: GoServer, signal: AbortSignal): Promise<Socket> => {
        const socket = connect({ host, port });
        await once(socket, 'connect', { signal });
        return socket;
      };
      const client = clientOf(old.port, {
        maxConnectionAgeMs: 500,
        connect: (_server, signal) => towards(old, signal).catch(() => towards(next, signal)),
      });
      const load = own(new CommandLoad(client));
      await load.answers(200);
      old.signal('SIGTERM');
      expect(await inTime('the Go server has ended by itself', old.exited)).toEqual([0, null]);
      await load.answers(200);
      const { sent, ok, failed, wrong } = await load.stop();
      expect({ failed, wrong, ok }).toEqual({ failed: {}, wrong: [], ok: sent });
    });
  });
});
