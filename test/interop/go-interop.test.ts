// The classic protocol with JSON bodies, both ways, between this package and cmd-stream-go.
import { connect, createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CmdStreamClient, type CommandClient, type CommandServer } from 'nestjs-cmd-stream';
import { keepLost, type LostConnection } from '../support/lost-connection.js';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { interopContract, SlowCmd } from '../support/interop-contract.js';
import { AddCmd, CountCmd, EchoCmd, FailCmd, FloatCmd, SubCmd, TraceCmd } from '../support/vector-contract.js';
import { describeUnless } from '../support/unless.js';
import { GoPeers, reasonToSkipGo, type GoServer } from './go-peer.js';
import { startNestServer } from './interop-server.js';
import { startServer as startCalcSample } from '../../sample/01-calc/server.js';

const BUILD_TIMEOUT_MS = 300_000;
const GREETING_BYTES = 8;

describeUnless(reasonToSkipGo(), 'interop with cmd-stream-go', () => {
  const go = new GoPeers();
  beforeAll(() => go.build(), BUILD_TIMEOUT_MS);
  afterAll(() => go.dispose());

  let closers: (() => Promise<unknown>)[] = [];
  const closeAfterTest = (...inOrder: (() => Promise<unknown>)[]): unknown => (closers = inOrder);
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  describe('Nest server <- Go client', () => {
    const cases = [
      'unary',
      'multi',
      'interleaved',
      'large',
      'non-ascii',
      'concurrent',
      'fail',
      'ping',
      'info-mismatch',
      'reconnect',
      'unknown-dtm',
    ];
    it.each(cases)('serves the case %s', async (name) => {
      const { app, port } = await startNestServer({ quietPeriodMs: 10 });
      try {
        expect(await go.drive(port, [name])).toEqual([expect.objectContaining({ case: name, ok: true })]);
      } finally {
        await app.close();
      }
    });

    it('logs why the connections of failing Commands ended', async () => {
      const lost: LostConnection[] = [];
      const { app, port } = await startNestServer({
        quietPeriodMs: 10,
        ...keepLost(lost),
      });
      await go.drive(port, ['fail', 'unknown-dtm']);
      await app.close();
      const codes = lost.map(({ cause }) => cause.code);
      expect(codes).toContain('HANDLER_ERROR');
      expect(codes).toContain('UNKNOWN_TYPE');
    });

    it('serves the calc example of the reference with the sample unchanged', async () => {
      const app = await startCalcSample(0);
      try {
        expect(await go.calc(app.unwrap<CommandServer>().address!.port)).toBe('2 + 3 = 5\n8 - 4 = 4\n');
      } finally {
        await app.close();
      }
    });
  });

  describe('Go server <- Nest client', () => {
    let server: GoServer;
    let client: CmdStreamClient;
    beforeAll(async () => {
      server = await go.serve();
      client = new CmdStreamClient({ host: '127.0.0.1', port: server.port, contract: interopContract });
    });
    afterAll(async () => {
      await client.close();
      await server.stop();
    });

    it('gets the Results of unary Commands', async () => {
      expect((await client.execute(new AddCmd(2, 3))).value).toBe(5);
      expect((await client.execute(new SubCmd(8, 4))).value).toBe(4);
      expect((await client.execute(new FloatCmd(2.75))).value).toBe(2);
      expect((await client.execute(new TraceCmd({ traceparent: '00-ab-cd-01' }, { A: 1, B: 2 }))).value).toBe(3);
    });

    it('gets several Results in order', async () => {
      const results = await lastValueFrom(client.send(new CountCmd(100)).pipe(toArray()));
      expect(results.map(({ I }) => I)).toEqual(Array.from({ length: 100 }, (_, i) => i));
      expect(results.map(({ Last }) => Last).lastIndexOf(false)).toBe(98);
    });

    it.each([
      '',
      'héllo ÿ',
      '😀 👨‍👩‍👧',
      '\u2028\u2029\u0000',
      '<&>',
      '\ufeffx',
      'x'.repeat(900 * 1024),
      'ü'.repeat(400 * 1024),
    ])('gets the same text back (case %#)', async (text) => {
      expect((await client.execute(new EchoCmd(text))).text).toBe(text);
    });

    it('gets the Results of 1000 concurrent Commands on one connection', async () => {
      const sums = await Promise.all(Array.from({ length: 1000 }, (_, i) => client.execute(new AddCmd(i, i))));
      expect(sums.map(({ value }) => value)).toEqual(Array.from({ length: 1000 }, (_, i) => 2 * i));
    });

    it('gets quick Results before slow ones', async () => {
      const order: number[] = [];
      const slow = client.execute(new SlowCmd(200)).then(() => order.push(2));
      const quick = client.execute(new AddCmd(1, 1)).then(() => order.push(1));
      await Promise.all([slow, quick]);
      expect(order).toEqual([1, 2]);
    });

    it('gets a pong for its ping', async () => {
      await expect(client.unwrap<CommandClient>().ping()).resolves.toBeGreaterThanOrEqual(0);
      expect((await client.execute(new AddCmd(2, 2))).value).toBe(4);
    });

    it('fails with CONNECTION_LOST when the server drops it, and connects anew', async () => {
      await expect(client.execute(new FailCmd())).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
      expect((await client.execute(new AddCmd(2, 3))).value).toBe(5);
      expect(server.lost).toContain('intentional failure');
    });
  });

  it('refuses a Go server with another ServerInfo', async () => {
    const server = await go.serve('-info', 'calc/1');
    const stranger = new CmdStreamClient({ host: '127.0.0.1', port: server.port, contract: interopContract });
    await expect(stranger.connect()).rejects.toMatchObject({ code: 'SERVER_INFO_MISMATCH' });
    await stranger.close();
    const friend = new CmdStreamClient({
      host: '127.0.0.1',
      port: server.port,
      contract: interopContract,
      serverInfo: 'calc/1',
    });
    expect((await friend.execute(new AddCmd(2, 3))).value).toBe(5);
    await friend.close();
    await server.stop();
  });

  it('gets a plain pong from the Go server for a padded ping, which goes on', async () => {
    const server = await go.serve();
    const socket = createConnection({ host: '127.0.0.1', port: server.port });
    let received = '';
    const receivedAll = new Promise<void>((resolve) => {
      const whole = '0764656661756c74' + '00' + '01000135';
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('hex');
        if (received.length >= whole.length) resolve();
      });
    });
    await once(socket, 'connect');
    socket.write(Buffer.from('8000' + '01000d7b2241223a322c2242223a337d', 'hex'));
    await receivedAll;
    expect(['0764656661756c74' + '00' + '01000135', '0764656661756c74' + '01000135' + '00']).toContain(received);
    socket.destroy();
    await server.stop();
  });

  it('is sent plain bytes only by a Nest server that serves Nest clients beside it', async () => {
    const { app, port } = await startNestServer({ quietPeriodMs: 10 });
    const proxy = await RecordingProxy.listen(port);
    const nest = new CmdStreamClient({ host: '127.0.0.1', port, contract: interopContract, extension: 'require' });
    const cases = ['unary', 'multi', 'interleaved', 'large', 'concurrent', 'fail', 'ping', 'reconnect'];
    closeAfterTest(
      () => nest.close(),
      () => app.close(),
      () => proxy.close(),
    );
    const drive = { isOver: false };
    const driven = go.drive(proxy.port, cases).finally(() => (drive.isOver = true));
    let crowd = 0;
    do {
      await expect(nest.execute(new FailCmd())).rejects.toMatchObject({ code: 'REMOTE' });
      for await (const { I } of nest.iterate(new CountCmd(100))) if (I === 40) break;
      expect((await nest.execute(new AddCmd(crowd, 1), { metadata: { from: 'nest' } })).value).toBe(++crowd);
    } while (!drive.isOver);
    expect(await driven).toEqual(cases.map((name) => expect.objectContaining({ case: name, ok: true })));
    const toGo = proxy.connections.flatMap(({ toClient }) =>
      framesOf(Buffer.concat(toClient).subarray(GREETING_BYTES)),
    );
    expect(toGo.length).toBeGreaterThan(1000);
    expect(toGo.filter(isControl)).toEqual([]);
  });

  it('is sent one padded ping and then plain bytes only by a Nest client, on every connection', async () => {
    const server = await go.serve();
    const proxy = await RecordingProxy.listen(server.port);
    const { app, port } = await startNestServer({ quietPeriodMs: 10 });
    const towardsGo = new CmdStreamClient({ host: '127.0.0.1', port: proxy.port, contract: interopContract });
    const towardsNest = new CmdStreamClient({ host: '127.0.0.1', port, contract: interopContract });
    const closeClients = (): Promise<unknown> => Promise.all([towardsGo.close(), towardsNest.close()]);
    closeAfterTest(
      closeClients,
      () => app.close(),
      () => server.stop(),
      () => proxy.close(),
    );
    for (const client of [towardsGo, towardsNest]) {
      expect((await client.execute(new AddCmd(2, 3), { timeoutMs: 5000 })).value).toBe(5);
      for await (const { I } of client.iterate(new CountCmd(1000))) if (I === 10) break;
      expect(await firstValueFrom(client.send(new CountCmd(2)))).toMatchObject({ Last: false });
      await expect(client.execute(new SlowCmd(20), { timeoutMs: 1 })).rejects.toMatchObject({ code: 'TIMEOUT' });
      await client.unwrap<CommandClient>().ping();
      await expect(client.execute(new FailCmd())).rejects.toMatchObject({ sent: true });
      expect((await client.execute(new SubCmd(8, 4))).value).toBe(4);
    }
    const needsExtension = towardsGo.execute(new AddCmd(1, 1), { metadata: { to: 'go' } });
    await expect(needsExtension).rejects.toMatchObject({ code: 'EXTENSION_UNAVAILABLE', sent: false });
    await closeClients();
    const connections = proxy.connections.map(({ toServer }) => framesOf(Buffer.concat(toServer)));
    expect(connections.map((frames) => frames.length)).toEqual([1 + 6, 1 + 1]);
    for (const [probe, ...plain] of connections) {
      expect(probe).toBe('8000');
      expect(plain.filter(isControl)).toEqual([]);
    }
  });
});

/** Stands between a client and a server and keeps what each of them is sent. */
class RecordingProxy {
  readonly connections: { readonly toServer: Buffer[]; readonly toClient: Buffer[] }[] = [];
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  readonly #serverPort: number;

  constructor(serverPort: number) {
    this.#serverPort = serverPort;
  }

  static async listen(serverPort: number): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(serverPort);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #join(client: Socket): void {
    const server = connect(this.#serverPort, '127.0.0.1');
    const recorded = { toServer: [] as Buffer[], toClient: [] as Buffer[] };
    this.connections.push(recorded);
    this.#pass(client, server, recorded.toServer);
    this.#pass(server, client, recorded.toClient);
  }

  #pass(from: Socket, to: Socket, recorded: Buffer[]): void {
    this.#sockets.add(from.setNoDelay(true));
    from.on('data', (chunk: Buffer) => recorded.push(chunk));
    from.on('error', () => to.destroy());
    from.pipe(to);
  }

  close(): Promise<unknown> {
    for (const socket of this.#sockets) socket.destroy();
    return once(this.#server.close(), 'close');
  }
}

/** What one side has sent as frames, in hex; a padded ping, which begins every control frame, is one of its own. */
function framesOf(bytes: Buffer): string[] {
  const frames: string[] = [];
  let at = 0;
  const uvarint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const start = at;
    if (uvarint() !== 0) {
      uvarint();
      const length = uvarint();
      at += length;
    }
    frames.push(bytes.subarray(start, at).toString('hex'));
  }
  return frames;
}

function isControl(frame: string): boolean {
  return frame.startsWith('8000');
}
