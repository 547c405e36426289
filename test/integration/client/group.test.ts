// Several connections to several servers as one client: which one gets which Command, and what happens when some are
// gone.
import { describe, expect, it } from '@jest/globals';
import type { ClientStatus, CommandInvoker } from '../../../lib/core.js';
import { ADD_2_3, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { inTime, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { askedName, groupClient, NamedServer } from '../../support/named-server.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult, EchoCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

async function startNamed(...names: readonly string[]): Promise<NamedServer[]> {
  return Promise.all(names.map(async (name) => own(await NamedServer.start(name))));
}

/** The names that answered so many calls, made one after the other. */
async function askAll(client: ReturnType<typeof groupClient>, calls: number): Promise<string> {
  let names = '';
  for (let call = 0; call < calls; call++) names += await askedName(client);
  return names;
}

describe('a group', () => {
  it('opens all connections with the first call, as many to each server', async () => {
    const servers = await startNamed('a', 'b');
    const client = own(groupClient(servers, { connectionsPerServer: 3 }));
    expect(client.status).toBe('disconnected');
    expect(client.servers.map(({ connections, open }) => [connections, open])).toEqual([
      [3, 0],
      [3, 0],
    ]);
    await askedName(client);
    await until('all are open', () => client.status === 'connected');
    expect(client.servers.map(({ open, status }) => [open, status])).toEqual([
      [3, 'connected'],
      [3, 'connected'],
    ]);
    expect(servers.map(({ calc }) => calc.server.connections)).toEqual([3, 3]);
  });

  it('gives each connection its turn', async () => {
    const client = own(groupClient(await startNamed('a', 'b', 'c')));
    await client.connect();
    await until('all are open', () => client.status === 'connected');
    expect(await askAll(client, 9)).toBe('abcabcabc');
  });

  it('numbers each Command once, whichever connection takes it, and tells the bytes of each', async () => {
    const client = own(
      groupClient(await startNamed('a', 'b'), {
        connectionsPerServer: 2,
        hooks: () => ({ onEnd: ({ seq, bytes }) => sent.push([seq, bytes]) }),
      }),
    );
    const sent: [number, number][] = [];
    await client.connect();
    await until('all are open', () => client.status === 'connected');
    const sinks = Array.from({ length: 20 }, () => new RecordingSink());
    const calls = sinks.map((sink) => client.dispatch(new AddCmd(2, 3), sink));
    for (const sink of sinks) expect(await sink.ended()).toBeUndefined();
    const seqs = Array.from({ length: 20 }, (_, index) => index + 1);
    expect(calls.map(({ seq }) => seq)).toEqual(seqs);
    expect(sent.toSorted(([a], [b]) => a - b)).toEqual(seqs.map((seq) => [seq, ADD_2_3.length / 2]));
    expect(client.has(1)).toBe(false);
  });

  it('knows a Command by its number on whichever connection, and forgets it there', async () => {
    const raws = await Promise.all([0, 1].map(async () => own(await RawServer.listen())));
    const client = own(groupClient(raws, { extension: false }));
    const peers = raws.map(async (raw) => (await raw.peer()).write(GREETING));
    await client.connect();
    await Promise.all(peers);
    await until('both are open', () => client.status === 'connected');
    const sinks = [0, 1, 2].map(() => new RecordingSink());
    const calls = sinks.map((sink) => client.dispatch(new AddCmd(2, 3), sink));
    expect(client.servers.map(({ pending }) => pending)).toEqual([2, 1]);
    for (const { seq } of calls) expect(client.has(seq)).toBe(true);
    expect(client.has(4)).toBe(false);
    client.forget(2);
    expect(calls.map(({ isPending }) => isPending)).toEqual([true, false, true]);
    (await raws[0]!.peer()).write(SUM_5);
    expect(await sinks[0]!.ended()).toBeUndefined();
    (await raws[1]!.peer()).write(`02${SUM_5.slice(2)}`);
    await until('its late Result is noticed', () => client.unexpectedResults === 1);
    expect(client.pending).toBe(1);
  });

  it('gives the connection with the fewest pending Commands the next one when it is asked to', async () => {
    const raw = own(await RawServer.listen());
    const [quick] = await startNamed('quick');
    const client = own(groupClient([raw, quick!], { extension: false, dispatchStrategy: 'least-pending' }));
    const silent = raw.peer().then((peer) => peer.write(GREETING));
    await client.connect();
    await silent;
    await until('both are open', () => client.status === 'connected');
    const stuck = client.dispatch(new EchoCmd('who?'), new RecordingSink());
    expect(client.servers[0]!.pending).toBe(1);
    expect(await askAll(client, 6)).toBe('quick'.repeat(6));
    stuck.cancel();
  });
});

describe('a server of a group', () => {
  it('that is lost gets no Commands, and gets them again when it is back', async () => {
    const [a, b] = await startNamed('a', 'b');
    const client = own(groupClient([a!, b!], { connectionsPerServer: 2 }));
    await client.connect();
    await until('all are open', () => client.status === 'connected');
    b!.destroy();
    await until('the loss is seen', () => client.servers[1]!.open === 0);
    expect(client.status).toBe('degraded');
    expect(client.servers[1]).toMatchObject({ status: 'disconnected', connections: 2 });
    expect(await askAll(client, 4)).toBe('aaaa');
    own(await NamedServer.start('B', { port: b!.port }));
    await until('it is used again', () => client.status === 'connected');
    expect([...(await askAll(client, 4))].toSorted().join('')).toBe('BBaa');
  });

  it('that is not there at first keeps no Command waiting, and gets some when it comes', async () => {
    const [a, b] = await startNamed('a', 'b');
    const { port } = b!;
    b!.destroy();
    const client = own(groupClient([{ port }, a!]));
    expect(await askAll(client, 4)).toBe('aaaa');
    expect(client.status).toBe('degraded');
    own(await NamedServer.start('b', { port }));
    await until('it is used', () => client.status === 'connected');
    expect([...(await askAll(client, 2))].toSorted().join('')).toBe('ab');
  });

  it('that drains answers what it has, gets no more, and gets some again when it is back', async () => {
    let answer = (): void => {};
    const invoker: CommandInvoker = {
      async invoke(_command, _context, sink) {
        await new Promise<void>((resolve) => (answer = resolve));
        sink.complete(new CalcResult(7));
      },
    };
    const a = own(await NamedServer.start('a'));
    const b = own(await NamedServer.start('b', { invoker }));
    const client = own(groupClient([b, a]));
    await client.connect();
    await until('both are open', () => client.status === 'connected');
    const pending = client.execute(new AddCmd(3, 4));
    await until('it runs', () => b.calc.server.inFlight === 1);
    const { port } = b;
    const closed = b.calc.server.close();
    await until('the client knows', () => client.servers[0]!.open === 0);
    expect(await askAll(client, 4)).toBe('aaaa');
    expect(client.servers[0]).toMatchObject({ status: 'disconnected', pending: 1 });
    answer();
    await expect(pending).resolves.toEqual(new CalcResult(7));
    await inTime('it is closed', closed);
    own(await NamedServer.start('B', { port }));
    await until('it is used again', () => client.status === 'connected');
    expect([...(await askAll(client, 2))].toSorted().join('')).toBe('Ba');
  });

  it('that drains under load costs no Command, and none is executed twice', async () => {
    const [a, b] = await startNamed('a', 'b');
    const client = own(groupClient([a!, b!], { connectionsPerServer: 2 }));
    await client.connect();
    await until('all are open', () => client.status === 'connected');
    const sums: Promise<CalcResult>[] = [];
    const send = (calls: number): void => {
      for (let call = 0; call < calls; call++) sums.push(client.execute(new AddCmd(sums.length, 1)));
    };
    send(200);
    await sums[0];
    const closed = b!.calc.server.close();
    send(200);
    await until('the client knows', () => client.status === 'degraded');
    send(200);
    expect((await Promise.all(sums)).map(({ value }) => value)).toEqual(sums.map((_, index) => index + 1));
    await inTime('it is closed', closed);
    expect(a!.ran + b!.ran).toBe(600);
    expect(b!.ran).toBeGreaterThan(0);
    expect(client.pending).toBe(0);
  });
});

describe('the status of a group', () => {
  it('is notified with every change, and with it the server it is about', async () => {
    const [a, b] = await startNamed('a', 'b');
    const client = own(groupClient([a!, b!]));
    const news: [ClientStatus, string | undefined, string | undefined][] = [];
    const nameOf = (server: string | undefined) => [a, b].find((one) => server === `127.0.0.1:${one?.port}`)?.name;
    client.onStatus(({ status, server, connection }) => news.push([status, nameOf(server), connection]));
    await client.connect();
    await until('both are open', () => client.status === 'connected');
    expect(news.slice(0, 2)).toEqual([
      ['connecting', 'a', 'connecting'],
      ['connecting', 'b', 'connecting'],
    ]);
    expect(news.slice(2).map(([status, , connection]) => [status, connection])).toEqual([
      ['degraded', 'connected'],
      ['connected', 'connected'],
    ]);
    news.length = 0;
    a!.destroy();
    await until('the loss is seen', () => news.length > 0);
    expect(news[0]).toEqual(['degraded', 'a', 'disconnected']);
    b!.destroy();
    await until('both are lost', () => client.status === 'disconnected');
    expect(news.find(([, name]) => name === 'b')).toEqual(['disconnected', 'b', 'disconnected']);
    news.length = 0;
    await client.close();
    expect(client.status).toBe('closed');
    expect(news.at(-1)).toEqual(['closed', undefined, undefined]);
  });
});
