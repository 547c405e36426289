// The end of a client: close() waits for what is pending, destroy() does not; what can be called when.
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { CmdStreamError, type CommandClient, type CommandClientOptions } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, countFrame, countResultFrame, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { openPair } from '../../support/client-pair.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult, CountCmd, EchoCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

describe('close()', () => {
  it('ends the connection when nothing is pending', async () => {
    const { client, peer } = await openPair(own);
    await inTime('the client is closed', client.close());
    await peer.ends();
    expect(client.status).toBe('closed');
  });

  it('does not resolve before the socket is closed', async () => {
    const { client, peer } = await openPair(own);
    let isClosed = false;
    const closed = client.close().then(() => (isClosed = true));
    await peer.ends();
    await turns(3);
    expect(isClosed).toBe(false);
    peer.finish();
    await inTime('the client is closed', closed);
  });

  it('does not wait for those who only wait for a connection', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const connected = client.connect();
    const ping = client.ping();
    await raw.peer();
    expect(client.pending).toBe(0);
    const refused = [connected, ping].map((waits) => expect(waits).rejects.toMatchObject({ code: 'CLOSED' }));
    await inTime('the client is closed', client.close());
    await Promise.all(refused);
  });

  it('waits for the Commands that are pending, and takes no more', async () => {
    const { client, peer } = await openPair(own);
    const sum = client.execute(new AddCmd(2, 3));
    const sink = new RecordingSink();
    client.dispatch(new CountCmd(1), sink);
    const closed = client.close();
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'CLOSED', sent: false });
    await expect(client.emit(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'CLOSED', sent: false });
    peer.write(SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    await turns();
    expect(client.status).toBe('draining');
    peer.write(sumFrame(2, 1));
    await inTime('the client is closed', closed);
    expect(sink.ends).toEqual(['complete']);
    expect(client.status).toBe('closed');
    await peer.ends();
  });

  it('waits for Commands that wait for the connection', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const sum = client.execute(new AddCmd(2, 3));
    const closed = client.close();
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(ADD_2_3);
    peer.write(SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    await inTime('the client is closed', closed);
  });

  it.each([
    ['wait for the connection', false, 1],
    ['are being written', true, 300_000],
  ])('waits for emitted Commands that %s', async (_what, open, length) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    if (open) {
      const connected = client.connect();
      (await raw.peer()).write(GREETING);
      await connected;
    }
    const emitted = Promise.all([1, 2, 3].map(() => client.emit(new EchoCmd('x'.repeat(length)))));
    const closed = client.close();
    const peer = await raw.peer();
    if (!open) peer.write(GREETING);
    await inTime('the Commands are written', emitted);
    await inTime('the client is closed', closed);
    await peer.receivesBytes(3 * length);
  });

  it('ends when the last pending Command is cancelled', async () => {
    const { client } = await openPair(own);
    const call = client.dispatch(new AddCmd(2, 3), new RecordingSink());
    const closed = client.close();
    call.cancel();
    await inTime('the client is closed', closed);
    expect(client.status).toBe('closed');
  });

  it('ends when the connection is lost meanwhile', async () => {
    const { client, peer } = await openPair(own, { gracePeriodMs: 60_000 });
    const sum = client.execute(new AddCmd(2, 3));
    const closed = client.close();
    peer.reset();
    await expect(sum).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await inTime('the client is closed', closed);
    expect(client.status).toBe('closed');
  });

  it('ends within gracePeriodMs although the peer does not read what was written', async () => {
    const { client, peer } = await openPair(own, { gracePeriodMs: 50, writeStallTimeoutMs: 0 });
    peer.socket.pause();
    const text = 'x'.repeat(1_000_000);
    const calls = Array.from({ length: 12 }, () => client.dispatch(new EchoCmd(text), new RecordingSink()));
    for (const call of calls) call.cancel();
    expect(client.pending).toBe(0);
    await inTime('the client is closed', client.close(), 5_000);
    expect(client.status).toBe('closed');
  });

  it('fails what is left with CLOSED when gracePeriodMs is over', async () => {
    const { client, peer } = await openPair(own, { gracePeriodMs: 20 });
    const sum = client.execute(new AddCmd(2, 3));
    const closed = client.close();
    await expect(sum).rejects.toMatchObject({ code: 'CLOSED', sent: true });
    await inTime('the client is closed', closed);
    await peer.ends();
  });

  it('drops the Results that wait in an iterate() when gracePeriodMs is over', async () => {
    const { client, peer } = await openPair(own, { gracePeriodMs: 50 });
    const results = client.iterate(new CountCmd(3));
    const first = results.next();
    await peer.receives(countFrame(1, 3));
    peer.write(countResultFrame(1, 1, false) + countResultFrame(1, 2, false));
    expect(await first).toMatchObject({ value: { I: 1 } });
    await client.close();
    await expect(results.next()).rejects.toMatchObject({ code: 'CLOSED', sent: true });
    expect(await results.next()).toEqual({ value: undefined, done: true });
  });

  it('is one close however often it is called', async () => {
    const client = own(calcClient(1));
    expect(client.close()).toBe(client.close());
    await client.close();
  });
});

/** A server in this process that greets, or not; its destruction takes until the test says so. */
class SlowToClose extends Duplex {
  isClosed = false;
  release = (): void => {};

  constructor(greeting = Buffer.from(GREETING, 'hex')) {
    super({ read() {}, write: (_bytes, _encoding, done) => done(), final() {} });
    this.on('close', () => (this.isClosed = true));
    if (greeting.length > 0) this.push(greeting);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.release = () => done(error);
  }
}

describe('close() does not resolve before the socket is closed', () => {
  /** What is closed, the client and its socket, while the socket is being destroyed and after that. */
  async function closing(client: CommandClient, socket: SlowToClose): Promise<readonly boolean[]> {
    let isClosed = false;
    const closed = client.close().then(() => (isClosed = true));
    await until('the socket is destroyed', () => socket.destroyed);
    await turns();
    const before = [isClosed, socket.isClosed];
    socket.release();
    await inTime('the client is closed', closed);
    return [...before, isClosed, socket.isClosed];
  }
  const inOrder = [false, false, true, true];

  function clientOf(socket: SlowToClose, options: Partial<CommandClientOptions> = {}): CommandClient {
    return own(calcClient(1, { connect: () => socket, gracePeriodMs: 20, ...options }));
  }

  it('when a call was not answered in time', async () => {
    const socket = new SlowToClose();
    const client = clientOf(socket);
    await client.connect();
    client.execute(new AddCmd(2, 3)).catch(() => {});
    expect(await closing(client, socket)).toEqual(inOrder);
  });

  it('when it was destroyed before', async () => {
    const socket = new SlowToClose();
    const client = clientOf(socket);
    await client.connect();
    client.destroy();
    expect(await closing(client, socket)).toEqual(inOrder);
  });

  it('when its connection was lost before', async () => {
    const socket = new SlowToClose();
    const client = clientOf(socket);
    await client.connect();
    socket.push(null);
    await until('it is lost', () => client.status === 'disconnected');
    expect(await closing(client, socket)).toEqual(inOrder);
  });

  it('when the server has not greeted', async () => {
    const socket = new SlowToClose(Buffer.alloc(0));
    const client = clientOf(socket);
    client.connect().catch(() => {});
    await turns();
    expect(await closing(client, socket)).toEqual(inOrder);
  });

  it('when the factory gives it after that', async () => {
    const socket = new SlowToClose();
    let give = (_socket: Duplex): void => {};
    const client = own(calcClient(1, { connect: () => new Promise<Duplex>((resolve) => (give = resolve)) }));
    client.connect().catch(() => {});
    await turns();
    const closed = closing(client, socket);
    give(socket);
    expect(await closed).toEqual(inOrder);
  });
});

it('close() destroys a socket before gracePeriodMs is over, so that it has time to close', async () => {
  const socket = new SlowToClose();
  const client = own(calcClient(1, { connect: () => socket, gracePeriodMs: 1200 }));
  await client.connect();
  const news: string[] = [];
  const over = new Promise<void>((resolve) => {
    setTimeout(() => {
      news.push(`over, destroyed: ${socket.destroyed}`);
      resolve();
    }, 1200);
  });
  const closed = client.close();
  await over;
  expect(news).toEqual(['over, destroyed: true']);
  socket.release();
  await closed;
});

it('destroy() ends at once what was ended in order', async () => {
  const raw = own(await RawServer.listen());
  const sockets: Socket[] = [];
  const connect = async (): Promise<Duplex> => {
    const socket = connectTcp(raw.port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  const client = own(calcClient(1, { connect, maxConnectionAgeMs: 100 }));
  const connected = client.connect();
  (await raw.peer()).write(GREETING);
  await connected;
  (await raw.peer(1)).write(GREETING);
  await until('the first one is ended', () => sockets[0]!.writableEnded);
  expect(sockets[0]!.destroyed).toBe(false);
  client.destroy();
  expect(sockets.map(({ destroyed }) => destroyed)).not.toContain(false);
});

describe('destroy()', () => {
  it('fails what was sent with sent: true, and ends the connection at once', async () => {
    const { client, peer } = await openPair(own);
    const sum = client.execute(new AddCmd(2, 3));
    await peer.receives(ADD_2_3);
    client.destroy();
    await expect(sum).rejects.toMatchObject({ code: 'CLOSED', sent: true });
    await peer.ends();
    expect(client.pending).toBe(0);
  });

  it('fails what waits for the connection with sent: false', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const calls = [client.connect(), client.execute(new AddCmd(2, 3)), client.emit(new AddCmd(2, 3))];
    client.destroy();
    for (const settled of await inTime('the calls end', Promise.allSettled(calls))) {
      expect(settled).toMatchObject({ reason: { code: 'CLOSED', sent: false } });
    }
  });

  it('ends a connection whose ServerInfo has not come', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const connected = client.connect();
    const peer = await raw.peer();
    client.destroy();
    await expect(connected).rejects.toMatchObject({ code: 'CLOSED' });
    await peer.ends();
  });

  it('gives calls the cause it is given', async () => {
    const { client } = await openPair(own);
    const sum = client.execute(new AddCmd(2, 3));
    client.destroy(new CmdStreamError('SHUTDOWN', 'the application stops'));
    await expect(sum).rejects.toMatchObject({ code: 'SHUTDOWN', message: 'the application stops', sent: true });
  });

  it('ends a close() that waits', async () => {
    const { client } = await openPair(own);
    const sum = client.execute(new AddCmd(2, 3));
    const closed = client.close();
    client.destroy();
    await expect(sum).rejects.toMatchObject({ code: 'CLOSED' });
    await inTime('the client is closed', closed);
  });

  it('tells once that a client that drains is closed', async () => {
    const { client } = await openPair(own);
    client.execute(new AddCmd(2, 3)).catch(() => {});
    const news: string[] = [];
    client.onStatus(({ status }) => news.push(status));
    const closed = client.close();
    await turns();
    client.destroy();
    await inTime('the client is closed', closed);
    await turns();
    expect(news).toEqual(['draining', 'closed']);
  });

  it.each(['connect', 'ping'] as const)(
    'close() does not wait for a %s() that waits for a connection',
    async (what) => {
      const raw = own(await RawServer.listen());
      const client = own(calcClient(raw.port, { gracePeriodMs: 1_000_000 }));
      const waiting = client[what]();
      await raw.peer();
      const closed = client.close();
      await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' });
      await inTime('the client is closed', closed);
    },
  );

  it('may be called from a status listener at any change', async () => {
    for (const at of ['connecting', 'connected', 'disconnected'] as const) {
      const raw = own(await RawServer.listen());
      const client = own(calcClient(raw.port));
      client.onStatus(({ status }) => {
        if (status === at) client.destroy();
      });
      const sum = client.execute(new AddCmd(2, 3));
      if (at !== 'connecting') {
        const peer = await raw.peer();
        peer.write(GREETING);
        peer.finish();
      }
      await expect(sum).rejects.toBeInstanceOf(CmdStreamError);
      expect(client.status).toBe('closed');
    }
  });
});

describe('a client that was', () => {
  const ends: [string, (client: CommandClient) => unknown][] = [
    ['closed', (client) => client.close()],
    ['destroyed', (client) => client.destroy()],
  ];
  const uses: [string, (client: CommandClient) => Promise<unknown>][] = [
    ['connect()', (client) => client.connect()],
    ['execute()', (client) => client.execute(new AddCmd(2, 3))],
    ['emit()', (client) => client.emit(new AddCmd(2, 3))],
    ['ping()', (client) => client.ping()],
    [
      'dispatch()',
      async (client) => {
        const sink = new RecordingSink();
        const call = client.dispatch(new AddCmd(2, 3), sink);
        expect(call.isPending).toBe(false);
        throw await sink.ended();
      },
    ],
  ];
  const matrix = ends.flatMap(([how, end]) =>
    [true, false].flatMap((opened) => uses.map(([what, use]) => ({ how, end, what, use, opened }))),
  );

  it.each(matrix)('$how (opened before: $opened) refuses $what with CLOSED', async ({ end, use, opened }) => {
    const client = opened ? (await openPair(own)).client : own(calcClient(1));
    await end(client);
    await expect(use(client)).rejects.toMatchObject({ code: 'CLOSED', sent: false });
    expect(client.status).toBe('closed');
    expect(client.pending).toBe(0);
  });

  it.each(ends)('%s answers everything else', async (_how, end) => {
    const { client } = await openPair(own);
    await end(client);
    client.forget(1);
    expect(client.has(1)).toBe(false);
    expect(client.unexpectedResults).toBe(0);
    await inTime('close() again', client.close());
    client.destroy();
    await until('it is closed', () => client.status === 'closed');
  });
});
