// Every part that can be replaced, replaced: alone, all together, and by ones that break their rules.
import { connect as connectTcp, type LookupFunction } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import {
  CommandClient,
  type CircuitBreaker,
  type Codec,
  type CommandClientOptions,
  type DispatchStrategy,
  type CommandInvoker,
} from '../../lib/core.js';
import { until } from '../support/deadline.js';
import type { Given } from '../support/given.js';
import { guardLeaks } from '../support/leak-guard.js';
import { groupClient, NamedServer } from '../support/named-server.js';
import { AddCmd, EchoCmd, EchoResult, vectorContract } from '../support/vector-contract.js';

const own = guardLeaks();

/** Knows echoes only, which need no type. */
const echoCodec: Codec = {
  name: 'echo',
  encodeCommand(command, writer) {
    writer.writeUtf8((command as EchoCmd).text);
  },
  decodeCommand: (reader) => new EchoCmd(reader.readUtf8(reader.readLength())),
  encodeResult(result, writer) {
    writer.writeUtf8((result as EchoResult).text);
  },
  decodeResult: (reader) => new EchoResult(reader.readUtf8(reader.readLength())),
};

const shouting: CommandInvoker = {
  invoke(command, _context, sink) {
    sink.complete(new EchoResult((command as EchoCmd).text.toUpperCase()));
  },
};

const elsewhere = 'calc.internal';

/** Each part of a client, and how many times it was used. */
class Parts {
  readonly used: Record<string, number> = {};

  codec(): Codec {
    return {
      ...echoCodec,
      encodeCommand: (command, writer) => {
        this.#count('codec');
        echoCodec.encodeCommand(command, writer);
      },
    };
  }

  lookup: LookupFunction = (_host, _options, callback) => {
    this.#count('lookup');
    callback(null, [{ address: '127.0.0.1', family: 4 }]);
  };

  connect = (server: { readonly port?: number }) => {
    this.#count('connect');
    return connectTcp(server.port!, '127.0.0.1');
  };

  dispatchStrategy: DispatchStrategy = {
    pick: (connections) => {
      this.#count('dispatchStrategy');
      return connections.at(-1)!;
    },
  };

  hooks = () => ({ onEnd: () => this.#count('hooks') });

  circuitBreaker = (): CircuitBreaker => ({
    state: 'closed',
    acquire: () => ({ succeed: () => this.#count('circuitBreaker'), fail: () => {}, release: () => {} }),
  });

  #count(part: string): void {
    this.used[part] = (this.used[part] ?? 0) + 1;
  }
}

/** An echo server with a codec and an Invoker of its own, and a client of it with these parts. */
async function open(options: (parts: Parts) => Given<CommandClientOptions>) {
  const parts = new Parts();
  const server = own(await NamedServer.start('a', { codec: parts.codec(), invoker: shouting }));
  const { port } = server;
  const standard = { servers: [{ host: elsewhere, port }], codec: parts.codec() };
  const client = own(groupClient([], { ...standard, lookup: parts.lookup, ...options(parts) }));
  return { parts, client, port };
}

describe('a part of a client that was replaced', () => {
  it.each<[string, (parts: Parts) => Given<CommandClientOptions>]>([
    ['codec', () => ({})],
    ['lookup', () => ({})],
    ['connect', ({ connect }) => ({ connect: connect as never, lookup: undefined })],
    ['dispatchStrategy', ({ dispatchStrategy }) => ({ dispatchStrategy })],
    ['hooks', ({ hooks }) => ({ hooks })],
    ['circuitBreaker', ({ circuitBreaker }) => ({ circuitBreaker })],
  ])('does its work: %s', async (part, options) => {
    const { parts, client } = await open(options);
    await expect(client.execute(new EchoCmd('hello'))).resolves.toEqual(new EchoResult('HELLO'));
    expect(parts.used[part]).toBeGreaterThan(0);
  });

  it('does its work beside all others', async () => {
    const { parts, client } = await open(({ connect, dispatchStrategy, hooks, circuitBreaker }) => ({
      connect: connect as never,
      lookup: undefined,
      dispatchStrategy,
      hooks,
      circuitBreaker,
    }));
    for (let call = 0; call < 10; call++)
      await expect(client.execute(new EchoCmd('ü✓'))).resolves.toEqual(new EchoResult('Ü✓'));
    expect(parts.used).toMatchObject({ connect: 1, dispatchStrategy: 10, hooks: 10, circuitBreaker: 10 });
  });
});

describe('a strategy', () => {
  async function openThree(strategy: DispatchStrategy) {
    const servers = await Promise.all(['a', 'b', 'c'].map(async (name) => own(await NamedServer.start(name))));
    const client = own(groupClient(servers, { dispatchStrategy: strategy }));
    await client.connect();
    await until('all are open', () => client.status === 'connected');
    return { servers, client };
  }

  it('sees the open connections in order, the server of each, what is pending, and the Command', async () => {
    const seen: unknown[] = [];
    const { servers, client } = await openThree({
      pick: (connections, command) => {
        seen.push(
          connections.map(({ index, server, pending }) => [index, server, pending]),
          command,
        );
        return connections[2]!;
      },
    });
    const command = new EchoCmd('who?');
    await expect(client.execute(command)).resolves.toEqual(new EchoResult('c'));
    expect(seen).toEqual([servers.map(({ port }, index) => [index, `127.0.0.1:${port}`, 0]), command]);
  });

  it('may send each Command where it belongs', async () => {
    const { client } = await openThree({
      pick: (connections, command) => connections[(command as EchoCmd).text.length % connections.length]!,
    });
    for (const [text, name] of Object.entries({ xxx: 'a', x: 'b', xx: 'c' }))
      await expect(client.execute(new EchoCmd(text))).resolves.toEqual(new EchoResult(name));
  });

  it.each<[string, DispatchStrategy['pick'], unknown]>([
    [
      'throws',
      () => {
        throw new Error('which one?');
      },
      { message: 'which one?' },
    ],
    ['picks none', () => undefined as never, { code: 'INVALID_OPTION', sent: false }],
    ['picks one of its own', (connections) => ({ ...connections[0]! }), { code: 'INVALID_OPTION', sent: false }],
  ])('that %s fails the call, not the client', async (_what, pick, error) => {
    let isBroken = true;
    const { client } = await openThree({
      pick: (connections, command) => (isBroken ? pick(connections, command) : connections[0]!),
    });
    await expect(client.execute(new EchoCmd('who?'))).rejects.toMatchObject(error as object);
    isBroken = false;
    await expect(client.execute(new EchoCmd('who?'))).resolves.toEqual(new EchoResult('a'));
    expect(client.pending).toBe(0);
  });

  it('of another client gives no connection that is taken', async () => {
    const foreign = await openThree({ pick: (connections) => (stolen = connections[0]!) });
    let stolen: Parameters<DispatchStrategy['pick']>[0][number] | undefined;
    await foreign.client.execute(new EchoCmd('who?'));
    const { client } = await openThree({ pick: () => stolen! });
    await expect(client.execute(new EchoCmd('who?'))).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('a codec', () => {
  it('may be made for the contract by a function, on both sides', async () => {
    const made: unknown[] = [];
    const codec = (contract: unknown): Codec => {
      made.push(contract);
      return echoCodec;
    };
    const server = own(await NamedServer.start('a', { codec, invoker: shouting }));
    const client = own(
      new CommandClient({
        contract: vectorContract,
        host: '127.0.0.1',
        port: server.port,
        codec,
        extension: 'require',
      }),
    );
    await expect(client.execute(new EchoCmd('x'))).resolves.toEqual(new EchoResult('X'));
    expect(made).toEqual([vectorContract, vectorContract]);
  });

  it('that throws fails its Command alone', async () => {
    const codec: Codec = {
      ...echoCodec,
      encodeCommand(command, writer) {
        if (command instanceof EchoCmd) return echoCodec.encodeCommand(command, writer);
        echoCodec.encodeCommand(new EchoCmd('half of it'), writer);
        throw new TypeError('only echoes');
      },
    };
    const { client } = await open(() => ({ codec }));
    const failed = client.execute(new AddCmd(1, 2));
    const echo = client.execute(new EchoCmd('x'));
    await expect(failed).rejects.toMatchObject({ code: 'ENCODE_FAILED', sent: false, cause: expect.any(TypeError) });
    await expect(echo).resolves.toEqual(new EchoResult('X'));
  });
});
