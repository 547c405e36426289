import { createConnection } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CmdStreamClient, type CommandClient, type CommandServer, type LostConnection } from 'nestjs-cmd-stream';
import { lastValueFrom, toArray } from 'rxjs';
import { AddCmd, CountCmd, EchoCmd, FailCmd, FloatCmd, SubCmd, TraceCmd } from '../support/vector-contract.js';
import { GoPeers, reasonToSkipGo, type GoServer } from './go-peer.js';
import { interopContract, SlowCmd, startNestServer } from './interop-contract.js';
import { startServer as startCalcSample } from '../../sample/01-calc/server.js';

const skipped = reasonToSkipGo();
if (skipped) console.warn(`Go interop is not tested: ${skipped}`);
const describeWithGo = skipped ? describe.skip : describe;
const BUILD_TIMEOUT_MS = 300_000;

describeWithGo('interop with cmd-stream-go', () => {
  const go = new GoPeers();
  beforeAll(() => go.build(), BUILD_TIMEOUT_MS);
  afterAll(() => go.dispose());

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
        onConnectionLost: (connection) => lost.push(connection),
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
});
