// Connections that are opened anew: what counts as a loss, when it is tried again, and when no more.
import { connect as connectTcp } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CommandClient } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { addFrame, GREETING, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, until } from '../../support/deadline.js';
import { freePort } from '../../support/free-port.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { groupClient, soon } from '../../support/named-server.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { RawServer } from '../../support/raw-server.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();
afterEach(() => {
  jest.restoreAllMocks();
});
const host = '127.0.0.1';

const losses: [string, (peer: RawPeer) => void][] = [
  ['was ended by the server', (peer) => peer.finish()],
  ['was reset', (peer) => peer.reset()],
  [
    'ended inside a Result',
    (peer) => {
      peer.write('01000531');
      peer.finish();
    },
  ],
  [
    'was reset inside a Result',
    (peer) => {
      peer.write('01000531');
      peer.reset();
    },
  ],
  ['brought what cannot be read', (peer) => peer.write('0709027b7d')],
];

describe('a client', () => {
  it.each(losses)('opens a connection anew that %s, and lets go of the old one', async (_what, lose) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { reconnect: soon }));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    const lost = client.execute(new AddCmd(1, 1));
    lost.catch(() => {});
    await peer.receives(addFrame(1, 1, 1));
    lose(peer);
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    expect(client.has(1)).toBe(false);
    const next = await raw.peer(1);
    next.write(GREETING);
    await until('it is open again', () => client.status === 'connected');
    const sum = client.execute(new AddCmd(2, 3));
    await next.receives(addFrame(2, 2, 3));
    next.write(sumFrame(2, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
    await peer.ends();
  });

  it('has no Result of the lost connection taken for one of the next', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { reconnect: soon }));
    const lost = client.execute(new AddCmd(1, 1));
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(addFrame(1, 1, 1));
    peer.reset();
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    const sum = client.execute(new AddCmd(2, 3));
    const next = await raw.peer(1);
    next.write(GREETING);
    await next.receives(addFrame(2, 2, 3));
    next.write(sumFrame(1, 2) + sumFrame(2, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(client.unexpectedResults).toBe(1);
  });

  it('reaches its server once that is back on the same port', async () => {
    let calc = own(await CalcServer.start());
    const { port } = calc;
    const client = own(calcClient(port, { reconnect: soon }));
    await client.execute(new AddCmd(2, 3));
    for (let outage = 0; outage < 3; outage++) {
      calc.destroy();
      await until('it is lost', () => client.status === 'disconnected');
      const sum = client.execute(new AddCmd(outage, 1));
      calc = own(await CalcServer.start({ port }));
      await expect(sum).resolves.toEqual(new CalcResult(outage + 1));
    }
  });

  it('tries again when its first connection cannot be had, and so does connect()', async () => {
    const port = await freePort();
    const client = own(calcClient(port, { reconnect: soon }));
    const connected = client.connect();
    await until('an attempt has failed', () => client.status === 'disconnected');
    own(await CalcServer.start({ port }));
    await inTime('it is connected', connected);
    expect(client.status).toBe('connected');
  });

  it('tells of the loss and of the success, not of the attempts in between', async () => {
    const calc = own(await CalcServer.start());
    const { port } = calc;
    let attempts = 0;
    const connect = () => {
      attempts++;
      return connectTcp(port, host);
    };
    const client = own(calcClient(port, { reconnect: { ...soon, delayMs: 2 }, connect }));
    const news: unknown[] = [];
    client.onStatus(({ status, cause }) => news.push([status, cause?.code]));
    await client.connect();
    calc.destroy();
    await until('it has tried', () => attempts > 10);
    expect(news.slice(0, 2)).toEqual([
      ['connecting', undefined],
      ['connected', undefined],
    ]);
    expect(new Set(news.slice(2).map(String))).toEqual(new Set([news[2], 'disconnected,CONNECT_FAILED'].map(String)));
    own(await CalcServer.start({ port }));
    await until('it is open again', () => client.status === 'connected');
    expect(news.at(-1)).toEqual(['connected', undefined]);
  });
});

/** A client that cannot connect, and how often it has tried. */
function clientWithoutServer(options: Parameters<typeof groupClient>[1] = {}): {
  client: CommandClient;
  tries(): number;
} {
  let attempts = 0;
  const connect = (): never => {
    attempts++;
    throw new Error('not there');
  };
  const client = own(groupClient([{ port: 1 }], { connect, reconnect: { ...soon, delayMs: 1 }, ...options }));
  return { client, tries: () => attempts };
}

describe('an outage', () => {
  it('is given up after maxAttempts, until a call needs the connection again', async () => {
    const { client, tries } = clientWithoutServer({ reconnect: { ...soon, delayMs: 1, maxAttempts: 2 } });
    const failed = { code: 'CONNECT_FAILED', sent: false };
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject(failed);
    expect(tries()).toBe(3);
    expect(client.status).toBe('disconnected');
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject(failed);
    // One more, at the pace of the outage: a call that comes is no reason to begin it anew.
    expect(tries()).toBe(4);
  });

  it('that is given up has its connection opened by the next call', async () => {
    const port = await freePort();
    const client = own(calcClient(port, { reconnect: { ...soon, maxAttempts: 1 } }));
    await expect(client.connect()).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    own(await CalcServer.start({ port }));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });

  it.each<[string, (client: CommandClient) => unknown]>([
    ['close()', (client) => client.close()],
    ['destroy()', (client) => client.destroy()],
  ])('sees no attempt after %s', async (_what, end) => {
    const { client, tries } = clientWithoutServer({ connectionsPerServer: 8 });
    const clock = clientWithoutServer();
    for (const one of [client, clock.client]) one.connect().catch(() => {});
    await until('it tries', () => tries() > 50);
    await end(client);
    const last = tries();
    const now = clock.tries();
    await until('time passes', () => clock.tries() > now + 20);
    expect(tries()).toBe(last);
    expect(client.status).toBe('closed');
  });

  it('sees no attempt after close() when the lost connection cannot even be closed', async () => {
    let attempts = 0;
    const connect = () => {
      attempts++;
      const socket = new Duplex({
        read() {},
        write: (_chunk, _encoding, callback) => callback(),
        destroy: (_error, callback) => callback(new Error('cannot be closed')),
      });
      setImmediate(() => socket.push(null));
      return socket;
    };
    const client = own(groupClient([{ port: 1 }], { connect, reconnect: { ...soon, delayMs: 1 } }));
    const clock = clientWithoutServer();
    for (const one of [client, clock.client]) one.connect().catch(() => {});
    await until('it tries', () => attempts > 10);
    await client.close();
    const last = attempts;
    const now = clock.tries();
    await until('time passes', () => clock.tries() > now + 20);
    expect(attempts).toBe(last);
  });

  it('ends for all connections to a server with the first that succeeds', async () => {
    const calc = own(await CalcServer.start());
    let attempts = 0;
    let succeed = (): void => {};
    const released = new Promise<void>((resolve) => (succeed = resolve));
    const connect = async () => {
      const attempt = ++attempts;
      if (attempt === 1) await released;
      else if (attempt <= 4) throw new Error('not yet');
      return connectTcp(calc.port, host);
    };
    const client = own(
      groupClient([calc], { connectionsPerServer: 4, connect, reconnect: { fastPeriodMs: 0, maxDelayMs: 3_600_000 } }),
    );
    const connected = client.connect();
    await until('the others wait', () => attempts === 4 && client.status === 'connecting');
    succeed();
    await connected;
    await until('all are open', () => client.status === 'connected');
    expect(attempts).toBe(7);
  });

  it('is no storm when the server accepts and hangs up', async () => {
    const DELAY_MS = 50;
    const CONNECTIONS = 4;
    const raw = own(await RawServer.listen());
    const reconnect = { delayMs: DELAY_MS, fastPeriodMs: 60_000 };
    const client = own(groupClient([raw], { connectionsPerServer: CONNECTIONS, reconnect, extension: false }));
    const start = performance.now();
    client.onStatus(({ connection }) => {
      if (connection === 'connected') opened++;
    });
    let opened = 0;
    client.connect().catch(() => {});
    let greeted = 0;
    await until('it has tried often', () => {
      for (; greeted < raw.peers.length; greeted++) {
        raw.peers[greeted]!.write(GREETING);
        raw.peers[greeted]!.finish();
      }
      return greeted >= 40;
    });
    // Each has one attempt at once, may be woken once, and then keeps to two within the longest delay.
    const most = CONNECTIONS * (3 + (2 * (performance.now() - start)) / DELAY_MS);
    expect(raw.peers.length).toBeLessThanOrEqual(most);
    expect(opened).toBeGreaterThan(20);
  });

  it('begins anew, with short delays, after a connection that has served', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const raw = own(await RawServer.listen());
    const client = own(
      calcClient(raw.port, {
        reconnect: { delayMs: 60_000, fastPeriodMs: 60_000, maxDelayMs: 60_000, maxAttempts: 1 },
      }),
    );
    for (let round = 0; round < 4; round++) {
      const sum = client.execute(new AddCmd(2, 3));
      const peer = await raw.peer(round);
      peer.write(GREETING);
      await peer.receives(addFrame(round + 1, 2, 3));
      peer.write(sumFrame(round + 1, 5));
      await expect(sum).resolves.toEqual(new CalcResult(5));
      peer.finish();
      // The next attempt is the first of a new outage; a second one in the same would be one too many.
      await raw.peer(round + 1);
    }
  });
});
