// MUS bodies, both ways, between this package and cmd-stream-go.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CmdStreamClient, type CmdStreamClientOptions } from 'nestjs-cmd-stream';
import { keepLost, type LostConnection } from '../support/lost-connection.js';
import { describeUnless } from '../support/unless.js';
import { lastValueFrom, toArray } from 'rxjs';
import { GoPeers, reasonToSkipGo, type GoServer } from './go-peer.js';
import { startInvokerServer } from './invoker-server.js';
import {
  AddCmd,
  Calc,
  calcCodec,
  calcCommands,
  calcContract,
  CountCmd,
  EchoCmd,
  FailCmd,
  FloatCmd,
  SlowCmd,
  SubCmd,
  TraceCmd,
} from './mus-calc.js';
import {
  EnglishGreeter,
  Greeter,
  helloCodec,
  helloCommands,
  helloContract,
  SayFancyHelloCmd,
  SayFancyHelloMultiCmd,
  SayHelloCmd,
  streamingCodec,
  streamingCommands,
  streamingContract,
  TracedHelloCmd,
} from './mus-greeters.js';

const BUILD_TIMEOUT_MS = 300_000;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

describeUnless(reasonToSkipGo(), 'MUS with cmd-stream-go', () => {
  const go = new GoPeers();
  beforeAll(() => go.build(), BUILD_TIMEOUT_MS);
  afterAll(() => go.dispose());

  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });
  const clientOf = (server: GoServer, options: CmdStreamClientOptions): CmdStreamClient => {
    const client = new CmdStreamClient({ host: '127.0.0.1', port: server.port, ...options });
    closers.push(
      () => server.stop(),
      () => client.close(),
    );
    return client;
  };
  const serve = async <T>(...args: Parameters<typeof startInvokerServer<T>>): Promise<number> => {
    const { app, port } = await startInvokerServer(...args);
    closers.push(() => app.close());
    return port;
  };

  describe('Nest server <- Go client', () => {
    const cases = [
      'unary',
      'multi',
      'interleaved',
      'large',
      'non-ascii',
      'concurrent',
      'extremes',
      'fail',
      'ping',
      'reconnect',
      'unknown-dtm',
      'bad-body',
    ];
    it.each(cases)('serves the case %s', async (name) => {
      const port = await serve({
        receiver: Calc,
        commands: calcCommands,
        options: { contract: calcContract, codec: calcCodec },
      });
      expect(await go.drive(port, [name], '-codec', 'mus')).toEqual([
        expect.objectContaining({ case: name, ok: true }),
      ]);
    });

    it('knows why the connections of bad Commands ended', async () => {
      const lost: LostConnection[] = [];
      const port = await serve({
        receiver: Calc,
        commands: calcCommands,
        options: { contract: calcContract, codec: calcCodec, ...keepLost(lost) },
      });
      await go.drive(port, ['fail', 'unknown-dtm', 'bad-body'], '-codec', 'mus');
      for (const close of closers.splice(0)) await close();
      const codes = lost.map(({ cause }) => cause.code);
      expect(codes).toEqual(expect.arrayContaining(['HANDLER_ERROR', 'UNKNOWN_TYPE', 'VARINT_OVERFLOW']));
    });

    it('serves the hello-world example of the reference', async () => {
      const port = await serve({
        receiver: Greeter,
        receiverClass: EnglishGreeter,
        commands: helloCommands,
        options: { contract: helloContract, codec: helloCodec },
      });
      expect(await go.example('hello-world', port)).toBe('Hello world\nHello incredible world\n');
    });

    it('serves the server-streaming example of the reference', async () => {
      const port = await serve({
        receiver: Greeter,
        receiverClass: EnglishGreeter,
        commands: streamingCommands,
        options: { contract: streamingContract, codec: streamingCodec },
      });
      expect(await go.example('server-streaming', port)).toBe('Hello\nincredible\nworld\n');
    });
  });

  describe('Go server <- Nest client', () => {
    const calcClient = async (): Promise<{ client: CmdStreamClient; server: GoServer }> => {
      const server = await go.serve('-codec', 'mus');
      return { server, client: clientOf(server, { contract: calcContract, codec: calcCodec }) };
    };

    it('gets the Results of every Command', async () => {
      const { client } = await calcClient();
      expect((await client.execute(new AddCmd(2n, 3n))).value).toBe(5n);
      expect((await client.execute(new SubCmd(8n, 4n))).value).toBe(4n);
      expect((await client.execute(new FloatCmd(-2.75))).value).toBe(-2n);
      const carrier = new Map([['traceparent', '00-ab-cd-01']]);
      expect((await client.execute(new TraceCmd(carrier, new AddCmd(1n, 2n)))).value).toBe(3n);
      expect((await client.execute(new TraceCmd(null, new AddCmd(1n, 2n)))).value).toBe(3n);
      expect((await client.execute(new SlowCmd(1))).value).toBe(1n);
      const counted = await lastValueFrom(client.send(new CountCmd(3)).pipe(toArray()));
      expect(counted.map(({ I, Last }) => [I, Last])).toEqual([
        [0, false],
        [1, false],
        [2, true],
      ]);
    });

    it.each([MAX_INT64, MIN_INT64, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, -1n, 0n])(
      'gets exact sums of %s',
      async (number) => {
        const { client } = await calcClient();
        expect((await client.execute(new AddCmd(number, 0n))).value).toBe(number);
        expect((await client.execute(new SubCmd(number, number))).value).toBe(0n);
      },
    );

    it.each(['', 'ÿ😀\u2028\u0000', 'x'.repeat(70 * 1024), 'ü'.repeat(400 * 1024)])(
      'gets the same text back (case %#)',
      async (text) => {
        const { client } = await calcClient();
        expect((await client.execute(new EchoCmd(text))).text).toBe(text);
      },
    );

    it('gets the Results of 1000 concurrent Commands on one connection', async () => {
      const { client } = await calcClient();
      const numbers = Array.from({ length: 1000 }, (_, i) => BigInt(i));
      const sums = await Promise.all(numbers.map((number) => client.execute(new AddCmd(number, number))));
      expect(sums.map(({ value }) => value)).toEqual(numbers.map((number) => 2n * number));
    });

    it('sends nothing of a Command that does not fit, and goes on', async () => {
      const { client, server } = await calcClient();
      const misfit = client.execute(new AddCmd(1n, 2n ** 63n));
      await expect(misfit).rejects.toMatchObject({ code: 'ENCODE_FAILED', sent: false });
      await expect(misfit).rejects.toThrow('AddCmd.B');
      expect((await client.execute(new AddCmd(2n, 3n))).value).toBe(5n);
      expect(server.lost).toEqual([]);
    });

    it('fails with CONNECTION_LOST when the server drops it, and connects anew', async () => {
      const { client, server } = await calcClient();
      await expect(client.execute(new FailCmd())).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
      expect((await client.execute(new AddCmd(2n, 3n))).value).toBe(5n);
      expect(server.lost).toEqual(['intentional failure']);
    });

    it('is greeted by the hello-world example of the reference', async () => {
      const server = await go.serveExample('hello-world');
      const client = clientOf(server, { contract: helloContract, codec: helloCodec });
      expect((await client.execute(new SayHelloCmd('world'))).text).toBe('Hello world');
      expect((await client.execute(new SayFancyHelloCmd('wörld 😀'))).text).toBe('Hello incredible wörld 😀');
      const traced = new TracedHelloCmd(new Map([['tracestate', 'a=b']]), new SayHelloCmd('trace'));
      expect((await client.execute(traced)).text).toBe('Hello trace');
      expect((await client.execute(new SayHelloCmd('z'.repeat(900)))).text).toHaveLength(906);
    });

    it('loses its connection to a length validator of the server', async () => {
      const server = await go.serveExample('hello-world');
      const client = clientOf(server, { contract: helloContract, codec: helloCodec });
      const tooLong = client.execute(new SayHelloCmd('z'.repeat(1001)));
      await expect(tooLong).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
      expect((await client.execute(new SayHelloCmd('world'))).text).toBe('Hello world');
    });

    it('refuses a Result beyond its own length limit', async () => {
      const server = await go.serveExample('hello-world');
      const client = clientOf(server, { contract: helloContract, codec: helloCodec });
      await expect(client.execute(new SayHelloCmd('z'.repeat(1000)))).rejects.toMatchObject({
        code: 'BAD_PAYLOAD',
      });
      expect((await client.execute(new SayHelloCmd('world'))).text).toBe('Hello world');
    });

    it('gets the three Results of the server-streaming example of the reference', async () => {
      const server = await go.serveExample('server-streaming');
      const client = clientOf(server, { contract: streamingContract, codec: streamingCodec });
      const words: string[] = [];
      for await (const { Str } of client.iterate(new SayFancyHelloMultiCmd('world'))) words.push(Str);
      expect(words).toEqual(['Hello', 'incredible', 'world']);
    });
  });
});
