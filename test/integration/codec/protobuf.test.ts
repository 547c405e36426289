// Protobuf over sockets, without Nest: byte for byte towards plain peers, and everything that two peers of this package
// have.
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import {
  Command,
  CommandClient,
  type CommandClientOptions,
  type CommandServerOptions,
  type CommandInvoker,
} from 'nestjs-cmd-stream/core';
import { protobufCodec, protobufMessage, protobufType, type ProtobufCodecOptions } from 'nestjs-cmd-stream/protobuf';
import { defineContract } from '../../../lib/core.js';
import { PartSchema } from '../../fixtures/protobuf/gen/every_pb.js';
import * as pb from '../../fixtures/protobuf/gen/vectors_pb.js';
import { GREETING } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { AddCmd, CalcResult, EchoCmd, EchoResult, protobufContract, SubCmd } from '../../support/protobuf-contract.js';
import { RawServer } from '../../support/raw-server.js';
import { tsProtoContract, AddCmd as OtherAddCmd } from '../../support/ts-proto-contract.js';

const own = guardLeaks();
const host = '127.0.0.1';

/** Adds; echoes three times. */
const invoker: CommandInvoker = {
  invoke(command, _context, sink) {
    if (AddCmd.is(command)) return sink.complete(CalcResult.create({ R: command.A + command.B }));
    const { protoData } = command as pb.EchoCmd;
    for (const Bool of [false, false, true]) sink.next(EchoResult.create({ protoData: { ...protoData!, Bool } }));
    return sink.complete();
  },
};

const serve = async (options: Partial<CommandServerOptions> = {}, codec?: ProtobufCodecOptions) =>
  own(await CalcServer.start({ contract: protobufContract, codec: protobufCodec(codec), invoker, ...options }));
const clientOf = (port: number, options: Partial<CommandClientOptions> = {}) =>
  own(new CommandClient({ host, port, contract: protobufContract, codec: protobufCodec(), ...options }));

describe('a server of Protobuf', () => {
  it('speaks the bytes of the reference with a plain client', async () => {
    const peer = own(await (await serve()).connect());
    peer.write('01000408021003');
    await peer.receives(GREETING + '0100020805');
    peer.write('02' + '01' + '06' + '0a041a026869');
    const echo = (end: string) => `02${end}`;
    const part = echo('0106' + '0a041a026869');
    await peer.receives(GREETING + '0100020805' + part + part + echo('0108' + '0a0608011a026869'));
  });

  it('ends the connection of a plain client that sends no message', async () => {
    const server = await serve();
    const peer = own(await server.connect());
    peer.write('0100020880');
    expect(await server.lostCause()).toMatchObject({ code: 'BAD_PAYLOAD' });
  });

  it('ends the connection as soon as it announces more than maxBytes', async () => {
    const server = await serve({}, { maxBytes: 3 });
    const peer = own(await server.connect());
    peer.write('010004');
    expect(await server.lostCause()).toMatchObject({ code: 'FRAME_TOO_LARGE' });
  });

  it('ends the connection when it announces more than the frame may have', async () => {
    const server = await serve();
    const peer = own(await server.connect());
    peer.write('0100ffffffffffffffff7f');
    expect(await server.lostCause()).toMatchObject({ code: 'FRAME_TOO_LARGE' });
  });
});

describe.each([true, false])('a client of Protobuf (extension: %p)', (extension) => {
  it('gets its Results', async () => {
    const client = clientOf((await serve()).port, { extension });
    expect(await client.execute(AddCmd.create({ A: 2n, B: 3n }))).toEqual(create(pb.CalcResultSchema, { R: 5n }));
    expect(await client.execute(create(pb.AddCmdSchema, { A: -(2n ** 63n) }))).toMatchObject({ R: -(2n ** 63n) });
  });

  it('gets a stream up to the Result that says it is the last', async () => {
    const client = clientOf((await serve()).port, { extension });
    const taken: (boolean | undefined)[] = [];
    for await (const { protoData } of client.iterate(EchoCmd.create({ protoData: { String: 'hi' } }))) {
      expect(protoData?.String).toBe('hi');
      taken.push(protoData?.Bool);
    }
    expect(taken).toEqual([false, false, true]);
  });

  it('gets a stream up to the Result whose field lastOne is true', async () => {
    const Part = protobufType(PartSchema);
    const contract = defineContract({ commands: [protobufType(pb.AddCmdSchema)], results: [Part] });
    const parts: CommandInvoker = {
      invoke: (_command, _context, sink) => {
        for (const lastOne of [false, false, true]) sink.next(Part.create({ lastOne }));
        return sink.complete();
      },
    };
    const client = clientOf((await serve({ contract, invoker: parts })).port, { contract, extension });
    const taken: unknown[] = [];
    for await (const part of client.iterate(create(pb.AddCmdSchema)))
      taken.push((part as { lastOne: boolean }).lastOne);
    expect(taken).toEqual([false, false, true]);
  });

  it('fails alone when its message does not fit, and the connection goes on', async () => {
    const client = clientOf((await serve()).port, { extension });
    const wrong = Object.assign(AddCmd.create(), { A: 'two' });
    const [refused, added] = await Promise.allSettled([
      client.execute(wrong),
      client.execute(AddCmd.create({ A: 1n })),
    ]);
    expect(refused).toMatchObject({
      reason: { code: 'ENCODE_FAILED', sent: false, message: expect.stringMatching(/^vectors.AddCmd: A must/) },
    });
    expect(added).toMatchObject({ value: { R: 1n } });
  });

  it('fails when its message is not in the contract', async () => {
    const client = clientOf((await serve()).port, { extension });
    await expect(client.execute(create(pb.CalcResultSchema))).rejects.toMatchObject({
      code: 'COMMAND_NOT_IN_CONTRACT',
      message: expect.stringContaining('vectors.CalcResult'),
    });
  });

  it('is answered by a peer whose messages another generator has made', async () => {
    const server = own(
      await CalcServer.start({
        contract: tsProtoContract,
        codec: protobufCodec(),
        invoker: {
          invoke: (command, _context, sink) => {
            const { A, B } = command as { A: bigint; B: bigint };
            sink.complete({ $type: 'vectors.CalcResult', R: A + B });
          },
        },
      }),
    );
    expect(await clientOf(server.port, { extension }).execute(AddCmd.create({ A: 2n, B: 3n }))).toMatchObject({
      R: 5n,
    });
    const other = clientOf(server.port, { extension, contract: tsProtoContract });
    const command = OtherAddCmd.create({ $type: 'vectors.AddCmd', A: 2n, B: 4n });
    expect(await other.execute(command)).toEqual({ $type: 'vectors.CalcResult', R: 6n });
  });
});

describe('two peers of this package', () => {
  it('tell a bad body apart from a bad connection', async () => {
    // Fields may nest here, and not there.
    const server = await serve({}, { maxDepth: 1 });
    const client = clientOf(server.port);
    await expect(client.execute(EchoCmd.create({ protoData: {} }))).rejects.toMatchObject({ code: 'BAD_PAYLOAD' });
    expect(await client.execute(AddCmd.create({ A: 1n }))).toMatchObject({ R: 1n });
    expect(server.lost).toEqual([]);
  });

  it('compare the full names of their messages', async () => {
    const swapped = defineContract({ commands: [SubCmd, AddCmd], results: [CalcResult] });
    const client = clientOf((await serve()).port, { contract: swapped });
    await expect(client.execute(AddCmd.create())).rejects.toMatchObject({
      code: 'CONTRACT_MISMATCH',
      message: expect.stringContaining('vectors.SubCmd'),
    });
  });

  it('find out that one of them speaks JSON', async () => {
    class Add extends Command {}
    const client = own(
      new CommandClient({ host, port: (await serve()).port, contract: defineContract({ commands: [Add] }) }),
    );
    await expect(client.execute(Object.assign(new Add(), { $typeName: 'Add' }))).rejects.toMatchObject({
      code: 'CONTRACT_MISMATCH',
    });
  });

  it('are notified of a Result that does not fit', async () => {
    const misfit: CommandInvoker = {
      invoke: (_command, _context, sink) => sink.complete(Object.assign(CalcResult.create(), { R: 0.5 })),
    };
    const client = clientOf((await serve({ invoker: misfit })).port);
    await expect(client.execute(AddCmd.create())).rejects.toMatchObject({
      code: 'ENCODE_FAILED',
    });
  });
});

describe('a client towards a plain server', () => {
  it('keeps no memory of what it received in its Results', async () => {
    const raw = own(await RawServer.listen());
    const unknown = protobufType(pb.CalcResultSchema);
    const contract = defineContract({ commands: [AddCmd], results: [unknown] });
    const client = clientOf(raw.port, { contract, extension: false });
    const results = [client.execute(AddCmd.create()), client.execute(AddCmd.create())];
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives('010000' + '020000');
    const answer = (seq: string, text: string) => `${seq}0006${'0805'}1202${text}`;
    peer.write(answer('01', '6869').slice(0, 12));
    peer.write(answer('01', '6869').slice(12) + answer('02', '7071'));
    const [first, second] = await Promise.all(results);
    const texts = [first, second].map((result) => Buffer.from(result!.$unknown![0]!.data).toString('hex'));
    expect(texts).toEqual(['026869', '027071']);
  });
});

describe('a Command that is idempotent', () => {
  class Touch {}
  const Add = protobufType(pb.AddCmdSchema, { idempotent: true });
  const Plain = protobufType(pb.SubCmdSchema, { idempotent: false });
  const Other = protobufMessage({
    typeName: 'touch.Touch',
    encode: () => Uint8Array.of(),
    decode: () => new Touch(),
    is: (value) => value instanceof Touch,
    idempotent: true,
  });
  const contract = defineContract({ commands: [Add, Plain, Other], results: [CalcResult] });

  it.each([
    ['protobuf-es', Add.create({ A: 2n }), '00020802'],
    ['another generator', Other.create(new Touch()), '0200'],
  ])('is sent again when its connection is lost, and others are not: %s', async (_, command, frame) => {
    const server = own(await RawServer.listen());
    const client = clientOf(server.port, { contract, extension: false, retry: { delayMs: 0 } });
    const answered = client.execute(command);
    const lost = client.execute(Plain.create()).catch((error: unknown) => error);
    const peer = await server.peer();
    peer.write(GREETING);
    await peer.receives(`01${frame}020100`);
    peer.reset();
    expect(await lost).toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    const again = await server.peer(1);
    again.write(GREETING);
    await again.receives(`03${frame}`);
    again.write('0300020805');
    expect(await answered).toMatchObject({ R: 5n });
  });
});
