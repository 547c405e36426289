// The MUS codec over real sockets: the recorded sessions, streams, values that cannot be written, and bytes that cannot
// be read, which end their connection because nothing says where their frame ends.
import { describe, expect, it } from '@jest/globals';
import {
  type Codec,
  CommandClient,
  type CommandClientOptions,
  type CommandServerOptions,
  defineContract,
  type ResultSink,
} from '../../../lib/core.js';
import { mus as schema, musCodec } from '../../../lib/mus.js';
import { GREETING } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import {
  greeterCodec,
  greeterContract,
  Greeting,
  GreetingPart,
  SayFancyHelloCmd,
  SayFancyHelloMultiCmd,
  SayHelloCmd,
  streamingCodec,
  streamingContract,
  TraceCmd,
  UnregisteredCmd,
} from '../../support/greeter-contract.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { SocketSpy } from '../../support/socket-spy.js';
import { wireVectors } from '../../unit/wire/wire-vectors.js';

const own = guardLeaks();
const host = '127.0.0.1';

function greet(command: unknown, sink: ResultSink): void {
  if (command instanceof SayHelloCmd) sink.next(new Greeting(`Hello ${command.Str}`));
  if (command instanceof SayFancyHelloCmd) sink.next(new Greeting(`Hello incredible ${command.Str}`));
  if (command instanceof TraceCmd) sink.next(new Greeting(`${command.carrier?.size} ${command.cmd.Str}`));
  if (command instanceof SayFancyHelloMultiCmd) {
    const words = ['Hello', 'incredible', command.str];
    words.forEach((word, at) => sink.next(new GreetingPart(word, at === words.length - 1)));
  }
  sink.complete();
}

const invoker = { invoke: (command: unknown, _context: unknown, sink: ResultSink) => greet(command, sink) };
const greeterPeers = { contract: greeterContract, codec: greeterCodec };
const streamingPeers = { contract: streamingContract, codec: streamingCodec };

const sessions = wireVectors
  .filter(({ name }) => name.startsWith('session/mus-'))
  .map(({ name, hex, extra, value }) => ({
    name,
    toServer: hex,
    toClient: extra?.serverToClient ?? '',
    results: (value as { results: string[] }[]).map(({ results }) => results),
    ...(name.includes('streaming')
      ? { peers: streamingPeers, commands: [new SayFancyHelloMultiCmd('world')] }
      : { peers: greeterPeers, commands: [new SayHelloCmd('world'), new SayFancyHelloCmd('world')] }),
  }));

const serve = async (options: Partial<CommandServerOptions> = greeterPeers) =>
  own(await CalcServer.start({ invoker, ...options }));
const clientOf = (port: number, options: Partial<CommandClientOptions> = {}) =>
  own(new CommandClient({ host, port, ...greeterPeers, ...options }));

/** As one part, byte by byte, and in two parts at every byte. */
function cuttings(hex: string): string[][] {
  const cuts = Array.from({ length: hex.length / 2 - 1 }, (_, at) => 2 * (at + 1));
  return [[hex], hex.match(/../g) ?? [], ...cuts.map((at) => [hex.slice(0, at), hex.slice(at)])];
}

describe('a recorded session', () => {
  it.each(sessions)('$name is played by the server, however it is cut', async ({ toServer, toClient, peers }) => {
    const spy = own(new SocketSpy('server'));
    const server = await serve(peers);
    for (const parts of cuttings(toServer)) {
      const peer = own(await server.connect());
      await peer.receives(GREETING);
      await peer.writeParts(parts, () => spy.bytesRead);
      await peer.receives(toClient);
      await peer.destroy();
    }
  });

  it.each(sessions)('$name is played by the client, however it is cut', async (session) => {
    const { toServer, toClient, results, peers, commands } = session;
    const spy = own(new SocketSpy('client'));
    const raw = own(await RawServer.listen());
    for (const [round, parts] of cuttings(toClient.slice(GREETING.length)).entries()) {
      const client = clientOf(raw.port, { ...peers, extension: false });
      const sinks = commands.map((command) => {
        const sink = new RecordingSink<Greeting | GreetingPart>();
        client.dispatch(command, sink);
        return sink;
      });
      const peer = await raw.peer(round);
      await peer.dribble(GREETING, () => spy.bytesRead);
      await peer.receives(toServer);
      await peer.writeParts(parts, () => spy.bytesRead);
      for (const sink of sinks) expect(await sink.ended()).toBeUndefined();
      const texts = sinks.map((sink) => sink.results.map((each) => ('Str' in each ? each.Str : each.str)));
      expect(texts).toEqual(results);
      client.destroy();
    }
  });
});

describe('two peers', () => {
  it.each([true, false])('speak MUS, with the extension: %p', async (extension) => {
    const client = clientOf((await serve()).port, { extension });
    const traced = new TraceCmd(
      new Map([
        ['traceparent', '00-1-2-01'],
        ['tracestate', 'ü'],
      ]),
      new SayHelloCmd('x'),
    );
    await expect(client.execute(new SayHelloCmd('world'))).resolves.toEqual(new Greeting('Hello world'));
    await expect(client.execute(traced)).resolves.toEqual(new Greeting('2 x'));
    await expect(client.execute(new TraceCmd())).resolves.toEqual(new Greeting('undefined '));
  });

  it.each([true, false])('stream, with the extension: %p', async (extension) => {
    const client = clientOf((await serve(streamingPeers)).port, { ...streamingPeers, extension });
    const words: string[] = [];
    for await (const { str } of client.iterate(new SayFancyHelloMultiCmd('Wörld'))) words.push(str);
    expect(words).toEqual(['Hello', 'incredible', 'Wörld']);
  });
});

describe('a value that cannot be written', () => {
  it.each([
    ['COMMAND_NOT_IN_CONTRACT', 'UnregisteredCmd', new UnregisteredCmd()],
    ['ENCODE_FAILED', 'SayHelloCmd.Str: expected a string, got 5', new SayHelloCmd(5 as never)],
    ['ENCODE_FAILED', 'TraceCmd.cmd.Str: ', new TraceCmd(new Map([['k', 'v']]), { Str: null } as never)],
    [
      'ENCODE_FAILED',
      'SayHelloCmd.Str: expected text of whole characters',
      new SayHelloCmd(`${'x'.repeat(900)}\ud800`),
    ],
    ['FRAME_TOO_LARGE', 'maxCommandBytes', new SayHelloCmd('x'.repeat(2_000))],
  ])('costs its own Command only and leaves no byte: %s %s', async (code, text, command) => {
    const raw = own(await RawServer.listen());
    const client = clientOf(raw.port, { extension: false, maxCommandBytes: 1_000 });
    const [before, failed, after] = [new SayHelloCmd('a'), command, new SayFancyHelloCmd('b')].map((each) => {
      const sink = new RecordingSink();
      client.dispatch(each, sink);
      return sink;
    });
    const peer = await raw.peer();
    peer.write(GREETING);
    expect(await failed!.ended()).toMatchObject({
      code,
      message: expect.stringContaining(text) as unknown,
      sent: false,
    });
    await peer.receivesBytes(8);
    expect(peer.hex).toMatch(/^01010161(02|03)020162$/);
    peer.write(`01010141${peer.hex.slice(8, 10)}010142`);
    expect([await before!.ended(), await after!.ended()]).toEqual([undefined, undefined]);
    expect([before!.results, after!.results]).toEqual([[new Greeting('A')], [new Greeting('B')]]);
  });
});

describe('bytes that cannot be read', () => {
  const refusals: [string, string, string][] = [
    ['an unknown type number', '0103', 'UNKNOWN_TYPE'],
    ['a negative type number', '01ffffffffffffffffff01', 'UNKNOWN_TYPE'],
    ['a type number of more than 64 bits', '018080808080808080808000', 'VARINT_OVERFLOW'],
    ['a length of 2^63-1', '0101ffffffffffffffff7f', 'BAD_PAYLOAD'],
    ['a negative length', '0101ffffffffffffffffff01', 'NEGATIVE_LENGTH'],
    ['a length its check refuses', '0101e907', 'BAD_PAYLOAD'],
    ['text that is no UTF-8', '010102c328', 'BAD_PAYLOAD'],
    ['a pointer of an unknown kind', '010a02', 'BAD_PAYLOAD'],
    ['a map of 2^62 entries', '010a00808080808080808040', 'FRAME_TOO_LARGE'],
    ['a map of more entries than its frame can have', '010a00ffff3f', 'FRAME_TOO_LARGE'],
    ['a key longer than its frame', '010a0001ffffff7f', 'FRAME_TOO_LARGE'],
  ];

  it.each(refusals)('end their connection only: %s', async (_, bytes, code) => {
    const server = await serve();
    const [bad, good] = [own(await server.connect()), own(await server.connect())];
    bad.write(bytes);
    await bad.ends();
    expect(bad.hex).toBe(GREETING);
    expect(await server.lostCause()).toMatchObject({ code });
    good.write('010105776f726c64');
    await good.receives(`${GREETING}01010b48656c6c6f20776f726c64`);
    expect(server.lost).toHaveLength(1);
  });

  it('end an extended connection too, and the next call has a new one', async () => {
    const server = await serve();
    const client = clientOf(server.port, { extension: 'require' });
    await expect(client.execute(new SayHelloCmd('x'.repeat(1_001)))).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(await server.lostCause()).toMatchObject({ code: 'BAD_PAYLOAD', message: 'SayHelloCmd.Str: too large' });
    await expect(client.execute(new SayHelloCmd('x'))).resolves.toEqual(new Greeting('Hello x'));
  });

  it('end the connection of a client', async () => {
    const raw = own(await RawServer.listen());
    const client = clientOf(raw.port, { extension: false });
    const sink = new RecordingSink();
    client.dispatch(new SayHelloCmd('a'), sink);
    const peer = await raw.peer();
    peer.write(`${GREETING}0102`);
    expect(await sink.ended()).toMatchObject({ code: 'UNKNOWN_TYPE', sent: true });
    await peer.ends();
  });
});

describe('a connection that lives long', () => {
  it.each([false, true] as const)(
    'counts the values of each Command and Result anew, extended: %p',
    async (extension) => {
      const codec = musCodec({
        commands: [schema.struct(SayHelloCmd, { Str: schema.string })],
        results: [schema.struct(Greeting, { Str: schema.string })],
        maxValues: 2,
      });
      const peers = { contract: defineContract({ commands: [SayHelloCmd], results: [Greeting] }), codec };
      const server = await serve(peers);
      const client = clientOf(server.port, { ...peers, extension });
      const names = Array.from({ length: 20 }, (_, at) => `${at}`);
      for (const name of names)
        expect(await client.execute(new SayHelloCmd(name))).toEqual(new Greeting(`Hello ${name}`));
      // In one write, so that frames follow one another in a chunk.
      const together = await Promise.all(names.map((name) => client.execute(new SayHelloCmd(name))));
      expect(together).toEqual(names.map((name) => new Greeting(`Hello ${name}`)));
      expect(server.lost).toEqual([]);
    },
  );
});

describe('a Command that arrives byte by byte', () => {
  it('is tried only when it may be complete', async () => {
    let attempts = 0;
    const mus = greeterCodec(greeterContract);
    const codec: Codec = {
      name: mus.name,
      encodeCommand: (command, writer) => mus.encodeCommand(command, writer),
      decodeCommand(reader) {
        attempts++;
        return mus.decodeCommand(reader);
      },
      encodeResult: (result, writer) => mus.encodeResult(result, writer),
      decodeResult: (reader) => mus.decodeResult(reader),
    };
    const spy = own(new SocketSpy('server'));
    const server = await serve({ ...greeterPeers, codec });
    const peer = own(await server.connect());
    await peer.receives(GREETING);
    await peer.dribble(`0101e803${'78'.repeat(488)}`, () => spy.bytesRead);
    await peer.receives(`${GREETING}0101ee03${Buffer.from('Hello ').toString('hex')}${'78'.repeat(488)}`);
    // At the seq, at the type number, at each byte of the length, and when all of the text is there.
    expect(attempts).toBe(5);
  });
});
