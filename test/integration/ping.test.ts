// Pings and pongs: the frame `00`, in any of its forms, in any place between frames.
import { describe, expect, it } from '@jest/globals';
import { CommandClient, type CmdStreamError } from '../../lib/core.js';
import { AddCmd, CalcResult, vectorContract } from '../support/vector-contract.js';
import { calcClient } from '../support/calc-client.js';
import { ADD_2_3, addFrame, GREETING, SUM_5, sumFrame } from '../support/calc-frames.js';
import { CalcServer } from '../support/calc-server.js';
import { openPair } from '../support/client-pair.js';
import { until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawServer } from '../support/raw-server.js';

const own = guardLeaks();

describe('server', () => {
  it.each([
    ['a ping', '00', '00'],
    ['three pings', '000000', '000000'],
    ['a ping padded to two bytes, behind another frame', `${ADD_2_3}8000`, `${SUM_5}00`],
    ['a ping padded to ten bytes', '80808080808080808000', '00'],
    ['pings around a Command', `00${ADD_2_3}00`, `00${SUM_5}00`],
  ])('answers %s with one pong each', async (_what, sent, answer) => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(sent);
    await peer.receives(GREETING + answer);
  });

  it('answers a padded ping whose second byte comes later', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.write(`${ADD_2_3}80`);
    await peer.receives(GREETING + SUM_5);
    peer.write('00');
    await peer.receives(`${GREETING}${SUM_5}00`);
  });

  it('answers pings while a Command is running', async () => {
    const calc = own(await CalcServer.start({ invoker: { invoke: () => {} } }));
    const peer = own(await calc.connect());
    peer.write(`${ADD_2_3}00`);
    await peer.receives(`${GREETING}00`);
    expect(calc.server.inFlight).toBe(1);
  });

  it('answers every ping of a flood, and other connections meanwhile', async () => {
    const calc = own(await CalcServer.start({ maxPingsPerSecond: Infinity }));
    const flood = own(await calc.connect());
    const other = own(await calc.connect());
    const bytes = 10 * 1024 * 1024;
    flood.write(new Uint8Array(bytes));
    other.write(ADD_2_3);
    await other.receives(GREETING + SUM_5);
    await flood.receivesBytes(GREETING.length / 2 + bytes);
    expect(flood.received.subarray(8).equals(Buffer.alloc(bytes))).toBe(true);
  });

  it('stops reading pings of a peer that does not read its pongs', async () => {
    const calc = own(await CalcServer.start({ maxPingsPerSecond: Infinity }));
    const flood = own(await calc.connect());
    const other = own(await calc.connect());
    await flood.receives(GREETING);
    flood.socket.pause();
    const before = process.memoryUsage();
    for (let part = 0; part < 64; part++) flood.write(new Uint8Array(1024 * 1024));
    for (let round = 1; round <= 50; round++) {
      other.write(addFrame(round, round, 0));
      await other.receivesBytes(8 + round * 4);
    }
    // What the peer itself has not got rid of is counted here, too: 64 MiB.
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(80 * 1024 * 1024);
    expect(flood.socket.writableLength).toBeGreaterThan(32 * 1024 * 1024);
  });
});

describe('client', () => {
  it('resolves a ping when its pong arrives', async () => {
    const { client, peer } = await openPair(own);
    const pings = [client.ping(), client.ping()];
    await peer.receives('0000');
    peer.write('00');
    expect(await pings[0]).toBeGreaterThan(0);
    peer.write('00');
    expect(await pings[1]).toBeGreaterThan(0);
  });

  it('opens the connection for a ping, and gets its pong from our server', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port));
    expect(await client.ping()).toBeGreaterThan(0);
  });

  it('fails a ping when the connection is lost', async () => {
    const { client, peer } = await openPair(own);
    const ping = client.ping();
    await peer.receives('00');
    peer.reset();
    await expect(ping).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  it('gives a ping up after timeoutMs although no connection can be opened, and says why none can', async () => {
    const raw = await RawServer.listen();
    const { port } = raw;
    await raw.destroy();
    const client = own(calcClient(port, { reconnect: { delayMs: 1 }, queue: { timeoutMs: 0 } }));
    client.ping({ timeoutMs: 1 }).catch(() => {});
    await until('an attempt has failed', () => client.servers[0]!.lastError !== undefined);
    const pings = Array.from({ length: 1_000 }, () => client.ping({ timeoutMs: 20 }));
    const codes = await Promise.all(pings.map((ping) => ping.catch((error: CmdStreamError) => error.code)));
    expect(new Set(codes)).toEqual(new Set(['CONNECT_FAILED']));
    expect(client.pending).toBe(0);
  });

  it('sends no further ping while one that was given up is not answered', async () => {
    const { client, peer } = await openPair(own);
    for (let round = 0; round < 100; round++)
      await expect(client.ping({ timeoutMs: 1 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    const late = client.ping();
    peer.write('00');
    expect(await late).toBeGreaterThan(0);
    const next = client.ping();
    await peer.receives('0000');
    peer.write('00');
    expect(await next).toBeGreaterThan(0);
  });

  it('tells of each connection what came of its ping: of one that answers, one that does not, and one that ends', async () => {
    const raws = [own(await RawServer.listen()), own(await RawServer.listen()), own(await RawServer.listen())];
    const servers = raws.map(({ port }) => ({ host: '127.0.0.1', port }));
    const client = own(new CommandClient({ contract: vectorContract, servers, extension: false }));
    const connected = client.connect();
    const peers = await Promise.all(raws.map((raw) => raw.peer()));
    for (const peer of peers) peer.write(GREETING);
    await connected;
    await until('all are open', () => client.status === 'connected');
    const pings = client.pingEach({ timeoutMs: 1_000 });
    await Promise.all(peers.map((peer) => peer.receives('00')));
    peers[0]!.write('00');
    peers[2]!.reset();
    const error = (code: string): unknown => expect.objectContaining({ code });
    expect(await pings).toEqual(
      [
        { roundTripMs: expect.any(Number) as unknown, error: undefined },
        { roundTripMs: undefined, error: error('TIMEOUT') },
        { roundTripMs: undefined, error: error('CONNECTION_LOST') },
      ].map((ping, index) => ({ index, server: `127.0.0.1:${servers[index]!.port}`, ...ping })),
    );
    expect(client.servers.map(({ lastError }) => lastError?.code)).toEqual([undefined, undefined, 'PEER_RESET']);
  });

  it.each([-1, 0.5, Number.NaN, '5'])('refuses a timeoutMs of %p', async (timeoutMs) => {
    const client = own(calcClient(1));
    await expect(client.ping({ timeoutMs: timeoutMs as number })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('lets a pong it did not ask for pass', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const sum = client.execute(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(ADD_2_3);
    peer.write(`00${sumFrame(1, 5)}00`);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(client.status).toBe('connected');
    expect(client.unexpectedResults).toBe(0);
  });
});
