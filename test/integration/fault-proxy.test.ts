// The proxy that other tests put between two peers does to a connection what it says, and nothing else.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { inTime, turns, until } from '../support/deadline.js';
import { FaultProxy, type Cut, type Direction } from '../support/fault-proxy.js';
import { guardLeaks } from '../support/leak-guard.js';

/** One end of a connection and what it has seen. */
class End {
  readonly chunks: Buffer[] = [];
  fate: 'open' | 'fin' | 'rst' = 'open';

  constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    socket.on('end', () => (this.fate = 'fin'));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNRESET' || code === 'EPIPE') this.fate = 'rst';
    });
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  receives(text: string): Promise<void> {
    return until(`${JSON.stringify(text)} arrives, not ${JSON.stringify(this.text)}`, () => this.text === text);
  }

  meets(fate: 'fin' | 'rst'): Promise<void> {
    return until(`a connection meets its ${fate}`, () => this.fate === fate);
  }
}

describe('FaultProxy', () => {
  const own = guardLeaks();
  let proxy: FaultProxy;
  let servers: End[];

  beforeEach(async () => {
    servers = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => servers.push(new End(socket)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    proxy = await FaultProxy.listen((server.address() as AddressInfo).port);
    own({
      destroy: () => {
        for (const { socket } of servers) socket.destroy();
        server.close();
      },
    });
    own({ destroy: () => proxy.close() });
  });

  const dial = async (): Promise<End> => {
    const socket = connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true });
    own({ destroy: () => socket.destroy() });
    const client = new End(socket);
    await once(socket, 'connect');
    return client;
  };
  const open = async (): Promise<{ client: End; server: End }> => {
    const before = servers.length;
    const client = await dial();
    await until('the server has the connection', () => servers.length > before);
    return { client, server: servers.at(-1)! };
  };
  const exchange = async ({ client, server }: { client: End; server: End }): Promise<void> => {
    client.socket.write('to server');
    server.socket.write('to client');
    await server.receives('to server');
    await client.receives('to client');
  };

  it('passes bytes and ends both ways when nothing is wrong', async () => {
    const { client, server } = await open();
    await exchange({ client, server });
    client.socket.end();
    await server.meets('fin');
    server.socket.end(' and the rest');
    await client.receives('to client and the rest');
    await client.meets('fin');
    await until('the connection is gone', () => proxy.connections === 0);
    expect(proxy.accepted).toBe(1);
  });

  it('passes a megabyte unchanged in pieces of one byte to some thousand bytes', async () => {
    const { client, server } = await open();
    const bytes = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => (at * 7919) % 251));
    proxy.slice(4093);
    client.socket.write(bytes);
    await until('all of it arrives', () => server.chunks.reduce((sum, { length }) => sum + length, 0) === bytes.length);
    expect(Buffer.concat(server.chunks).equals(bytes)).toBe(true);
    proxy.slice(1);
    server.socket.write('byte by byte');
    await client.receives('byte by byte');
    expect(client.chunks.length).toBeGreaterThan(1);
  });

  it('keeps both sockets and passes nothing in a black hole, for ever', async () => {
    const { client, server } = await open();
    proxy.blackhole();
    const stranger = await dial();
    client.socket.write('lost');
    server.socket.write('lost');
    stranger.socket.write('lost');
    server.socket.end();
    await until('the new connection reaches the server', () => servers.length === 2);
    await proxy.heal();
    const healthy = await open();
    await exchange(healthy);
    expect([client.text, client.fate, server.text, server.fate]).toEqual(['', 'open', '', 'open']);
    expect([stranger.text, stranger.fate]).toEqual(['', 'open']);
    expect(proxy.connections).toBe(3);
  });

  it.each<[Direction]>([['toServer'], ['toClient']])('stalls %s only, and loses nothing', async (direction) => {
    const pair = await open();
    const [sender, receiver] = direction === 'toServer' ? [pair.client, pair.server] : [pair.server, pair.client];
    proxy.stall(direction);
    sender.socket.write('held');
    sender.socket.end(' back');
    receiver.socket.write('passes');
    await sender.receives('passes');
    await turns();
    expect([receiver.text, receiver.fate]).toEqual(['', 'open']);
    await proxy.heal();
    await receiver.receives('held back');
    await receiver.meets('fin');
  });

  it('lets the buffers of the sender fill when it stalls', async () => {
    const { client, server } = await open();
    proxy.stall('toServer');
    const chunk = Buffer.alloc(1 << 20);
    for (let sent = 0; sent < 64; sent++) client.socket.write(chunk);
    await turns(50);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    expect(server.text).toBe('');
  });

  it.each<[Cut]>([['fin'], ['rst']])('cuts both sides with %s', async (how) => {
    const pair = await open();
    await exchange(pair);
    proxy.cut(how);
    await pair.client.meets(how);
    await pair.server.meets(how);
    await exchange(await open());
    expect(proxy.accepted).toBe(2);
  });

  it('closes what it resets while its end is on the way', async () => {
    await exchange(await open());
    proxy.cut('fin');
    // The ticks until the streams hand their ends to the system; then it is a matter of the event loop.
    for (let tick = 0; tick < 3; tick++) await new Promise<void>((resolve) => process.nextTick(resolve));
    proxy.resetSilent();
    await until('the connection is gone', () => proxy.connections === 0);
    expect(proxy.accepted).toBe(1);
  });

  it.each<[Cut, Direction, number]>([
    ['fin', 'toServer', 4],
    ['rst', 'toServer', 4],
    ['fin', 'toClient', 4],
    ['rst', 'toClient', 1],
    ['fin', 'toClient', 0],
  ])('cuts with %s after %s had %i bytes, each new connection too', async (how, direction, bytes) => {
    const standing = await open();
    await exchange(standing);
    proxy.cutAfter(bytes, how, direction);
    const fresh = await open();
    for (const pair of [standing, fresh]) {
      const [sender, receiver] = direction === 'toServer' ? [pair.client, pair.server] : [pair.server, pair.client];
      const known = receiver.text;
      sender.socket.write('0123456789');
      await sender.meets(how);
      await until('the receiver meets an end', () => receiver.fate !== 'open');
      expect(receiver.text).toBe(known + '0123456789'.slice(0, bytes));
    }
    await proxy.heal();
    await exchange(await open());
  });

  it('refuses new connections, and accepts again on the same port', async () => {
    const pair = await open();
    const { port } = proxy;
    proxy.refuse();
    await expect(dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await exchange(pair);
    await proxy.heal();
    expect(proxy.port).toBe(port);
    await exchange(await open());
  });

  it('accepts only to close, without a word to the server', async () => {
    proxy.acceptThenClose();
    const client = await dial();
    await client.meets('fin');
    expect(servers).toEqual([]);
    expect([proxy.accepted, proxy.connections]).toEqual([1, 0]);
    await proxy.heal();
    await exchange(await open());
  });

  it('passes bytes later, in their order', async () => {
    const { client, server } = await open();
    const [delayMs, clockErrorMs] = [20, 2];
    proxy.latency(delayMs);
    const started = performance.now();
    client.socket.write('one ');
    await turns();
    client.socket.write('two');
    await server.receives('one two');
    expect(performance.now() - started).toBeGreaterThan(delayMs - clockErrorMs);
  });

  it('passes bytes in their order when each chunk takes another time', async () => {
    const { client, server } = await open();
    proxy.latency(1, 5);
    const texts = Array.from({ length: 20 }, (_, at) => `${at},`);
    for (const text of texts) {
      client.socket.write(text);
      await turns(2);
    }
    await server.receives(texts.join(''));
  });

  it('passes what a slow link can carry as a trickle, and loses nothing', async () => {
    const { client, server } = await open();
    const pieces: number[] = [];
    proxy.onPass = (_direction, { length }) => pieces.push(length);
    proxy.bandwidth(10_000);
    const text = 'slowly, '.repeat(100);
    client.socket.write(text);
    await server.receives(text);
    expect(Math.max(...pieces)).toBeLessThanOrEqual(200);
    await proxy.heal();
    pieces.length = 0;
    client.socket.write(text);
    await server.receives(text + text);
    expect(Math.max(...pieces)).toBeGreaterThan(200);
  });

  it('resets the connections that have fallen silent, and no others', async () => {
    const silent = await open();
    proxy.blackhole();
    await proxy.heal();
    const healthy = await open();
    proxy.resetSilent();
    await silent.client.meets('rst');
    await silent.server.meets('rst');
    await exchange(healthy);
    await until('the silent one is gone', () => proxy.connections === 1);
    expect(healthy.client.fate).toBe('open');
  });

  it('listens on the port that it is given', async () => {
    const { port } = proxy;
    await proxy.close();
    const other = await FaultProxy.listen(1, port);
    own({ destroy: () => other.close() });
    expect(other.port).toBe(port);
  });

  it('ends the connection of a client when the server is not there', async () => {
    const { port } = await unusedAddress();
    const lonely = await FaultProxy.listen(port);
    own({ destroy: () => lonely.close() });
    const socket = connect(lonely.port, '127.0.0.1');
    own({ destroy: () => socket.destroy() });
    socket.on('error', () => {});
    await inTime('the connection ends', new Promise((resolve) => socket.on('close', resolve)));
    await until('the proxy knows', () => lonely.connections === 0);
    expect(lonely.accepted).toBe(1);
  });
});

async function unusedAddress(): Promise<AddressInfo> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return address;
}
