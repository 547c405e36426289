// Protobuf bodies, both ways, between this package and cmd-stream-go.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CmdStreamClient, type CommandServer } from 'nestjs-cmd-stream';
import { keepLost, type LostConnection } from '../support/lost-connection.js';
import { describeUnless } from '../support/unless.js';
import { protobufCodec } from 'nestjs-cmd-stream/protobuf';
import { lastValueFrom, toArray } from 'rxjs';
import * as sample from '../../sample/02-protobuf/calc.contract.js';
import { startServer as startProtobufSample } from '../../sample/02-protobuf/server.js';
import { GoPeers, reasonToSkipGo, type GoServer } from './go-peer.js';
import {
  AddCmd,
  calcContract,
  CountCmd,
  EchoCmd,
  FailCmd,
  SlowCmd,
  startProtobufServer,
  SubCmd,
} from './protobuf-calc.js';

const BUILD_TIMEOUT_MS = 300_000;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

describeUnless(reasonToSkipGo(), 'Protobuf with cmd-stream-go', () => {
  const go = new GoPeers();
  beforeAll(() => go.build(), BUILD_TIMEOUT_MS);
  afterAll(() => go.dispose());

  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

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
      const { app, port } = await startProtobufServer();
      closers.push(() => app.close());
      const outcomes = await go.drive(port, [name], '-codec', 'protobuf');
      expect(outcomes).toEqual([expect.objectContaining({ case: name, ok: true })]);
    });

    it('knows why the connections of bad Commands ended', async () => {
      const lost: LostConnection[] = [];
      const { app, port } = await startProtobufServer(keepLost(lost));
      await go.drive(port, ['fail', 'unknown-dtm', 'bad-body'], '-codec', 'protobuf');
      await app.close();
      const codes = lost.map(({ cause }) => cause.code);
      expect(codes).toEqual(expect.arrayContaining(['HANDLER_ERROR', 'UNKNOWN_TYPE', 'BAD_PAYLOAD']));
    });

    it('serves the calc_protobuf example of the reference with the sample unchanged', async () => {
      const app = await startProtobufSample(0);
      closers.push(() => app.close());
      const { port } = app.unwrap<CommandServer>().address!;
      expect(await go.example('calc_protobuf', port)).toBe('2 + 3 = 5\n8 - 4 = 4\n');
    });
  });

  describe('Go server <- Nest client', () => {
    const calcClient = async (): Promise<{ client: CmdStreamClient; server: GoServer }> => {
      const server = await go.serve('-codec', 'protobuf');
      const [host, codec] = ['127.0.0.1', protobufCodec()];
      const client = new CmdStreamClient({ host, port: server.port, contract: calcContract, codec });
      closers.push(
        () => server.stop(),
        () => client.close(),
      );
      return { client, server };
    };

    it('gets the Results of every Command', async () => {
      const { client } = await calcClient();
      expect((await client.execute(AddCmd.create({ A: 2n, B: 3n }))).R).toBe(5n);
      expect((await client.execute(SubCmd.create({ A: 8n, B: 4n }))).R).toBe(4n);
      expect((await client.execute(AddCmd.create())).R).toBe(0n);
      expect((await client.execute(SlowCmd.create({ Ms: 1n }))).R).toBe(1n);
      expect((await client.execute(EchoCmd.create())).protoData).toBeUndefined();
      const counted = await lastValueFrom(client.send(CountCmd.create({ N: 3n })).pipe(toArray()));
      expect(counted.map(({ I, Last }) => [I, Last])).toEqual([
        [0n, false],
        [1n, false],
        [2n, true],
      ]);
    });

    it.each([MAX_INT64, MIN_INT64, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, -1n])(
      'gets exact sums of %s',
      async (number) => {
        const { client } = await calcClient();
        expect((await client.execute(AddCmd.create({ A: number }))).R).toBe(number);
        expect((await client.execute(SubCmd.create({ A: number, B: number }))).R).toBe(0n);
      },
    );

    it.each([
      { Bool: true, Int64: MIN_INT64, Float64: -0, String: '' },
      { Bool: false, Int64: MAX_INT64, Float64: Infinity, String: 'ÿ😀\u2028\u0000' },
      { Bool: true, Int64: -1n, Float64: NaN, String: 'x'.repeat(70 * 1024) },
      { Bool: true, Int64: 1n, Float64: 5e-324, String: 'ü'.repeat(400 * 1024) },
    ])('gets the same data back (case %#)', async (data) => {
      const { client } = await calcClient();
      const { protoData } = await client.execute(EchoCmd.create({ protoData: data }));
      expect(protoData).toEqual(expect.objectContaining(data));
    });

    it('gets the Results of 1000 concurrent Commands on one connection', async () => {
      const { client } = await calcClient();
      const numbers = Array.from({ length: 1000 }, (_, i) => BigInt(i));
      const sums = await Promise.all(numbers.map((A) => client.execute(AddCmd.create({ A, B: A }))));
      expect(sums.map(({ R }) => R)).toEqual(numbers.map((number) => 2n * number));
    });

    it('sends nothing of a Command that does not fit, and goes on', async () => {
      const { client, server } = await calcClient();
      const misfit = client.execute(AddCmd.create({ A: 1n, B: 2n ** 63n }));
      await expect(misfit).rejects.toMatchObject({ code: 'ENCODE_FAILED', sent: false });
      expect((await client.execute(AddCmd.create({ A: 2n, B: 3n }))).R).toBe(5n);
      expect(server.lost).toEqual([]);
    });

    it('fails with CONNECTION_LOST when the server drops it, and connects anew', async () => {
      const { client, server } = await calcClient();
      const failing = client.execute(FailCmd.create());
      await expect(failing).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
      expect((await client.execute(AddCmd.create({ A: 2n, B: 3n }))).R).toBe(5n);
      expect(server.lost).toEqual(['intentional failure']);
    });

    it('is answered by the calc_protobuf example of the reference with the contract of the sample', async () => {
      const server = await go.serveExample('calc_protobuf');
      const [host, codec] = ['127.0.0.1', protobufCodec()];
      const client = new CmdStreamClient({ host, port: server.port, contract: sample.calcContract, codec });
      closers.push(
        () => server.stop(),
        () => client.close(),
      );
      expect((await client.execute(sample.AddCmd.create({ A: 2n, B: 3n }))).R).toBe(5n);
      expect((await client.execute(sample.SubCmd.create({ A: 8n, B: 4n }))).R).toBe(4n);
    });
  });
});
