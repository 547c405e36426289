// Where the connections of a client go: names with several addresses, resolvers and dialling of the user's own, sockets
// of the file system.
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { CommandClient, type CommandClientOptions, type ConnectionFactory } from '../../../lib/core.js';
import { CalcServer } from '../../support/calc-server.js';
import { until } from '../../support/deadline.js';
import { Folder } from '../../support/folder.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { askedName, groupClient, NamedServer, soon } from '../../support/named-server.js';
import { AddCmd, CalcResult, vectorContract } from '../../support/vector-contract.js';

const own = guardLeaks();
const [first, second, dead] = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];

const refuse = (): never => {
  throw new Error('do not look');
};
const traps = { get: refuse, getPrototypeOf: refuse, has: refuse, ownKeys: refuse };
/** Entries of a resolver that throw when they are looked at. */
const oddEntries: readonly LookupAddress[] = [
  { address: Object.create(null) as string, family: 4 },
  Object.defineProperty({ address: '', family: 4 }, 'address', { get: refuse }),
  new Proxy({ address: '', family: 4 }, traps),
];
const withBadStack = (): Error => Object.defineProperty(new Error('no'), 'stack', { get: refuse });

/** Servers at one port of two addresses, and a client that knows them by a name. */
async function openTwo(addresses: readonly string[], options: Partial<CommandClientOptions> = {}) {
  const a = own(await NamedServer.start('a', { host: first }));
  const b = own(await NamedServer.start('b', { host: second, port: a.port }));
  const asked: string[] = [];
  const lookup: LookupFunction = (host, _options, callback) => {
    asked.push(host);
    setImmediate(() =>
      callback(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      ),
    );
  };
  const servers = [{ host: 'calc.internal', port: a.port }];
  return { a, b, asked, client: own(groupClient([], { servers, lookup, ...options })) };
}

describe('a name with several addresses that is looked up for each connection only', () => {
  const resolveIntervalMs = 0;

  it('has its connections spread over all of them', async () => {
    const { a, b, client } = await openTwo([first, second], { connectionsPerServer: 4, resolveIntervalMs });
    await client.connect();
    await until('all are open', () => client.status === 'connected');
    expect([a.calc.server.connections, b.calc.server.connections]).toEqual([2, 2]);
  });

  it('has them spread when there are several such names, too', async () => {
    const { a, b, client } = await openTwo([first, second]);
    client.destroy();
    const name = (host: string) => ({ host, port: a.port });
    const lookup: LookupFunction = (_host, _options, callback) =>
      callback(
        null,
        [first, second].map((address) => ({ address: address!, family: 4 })),
      );
    const servers = [name('one.internal'), name('two.internal')];
    const both = own(groupClient([], { servers, connectionsPerServer: 2, lookup, resolveIntervalMs }));
    await both.connect();
    await until('all are open', () => both.status === 'connected');
    expect([a.calc.server.connections, b.calc.server.connections]).toEqual([2, 2]);
  });

  it('has its other addresses tried when one is dead', async () => {
    const { a, b, client } = await openTwo([dead!, second, first], { connectionsPerServer: 3, resolveIntervalMs });
    await client.connect();
    await until('all are open', () => client.status === 'connected');
    expect(a.calc.server.connections + b.calc.server.connections).toBe(3);
    expect(a.calc.server.connections).toBeGreaterThan(0);
  });

  it('is resolved anew for each connection, so that a server that moved is found', async () => {
    const addresses = [first!];
    const { a, asked, client } = await openTwo(addresses);
    expect(await askedName(client)).toBe('a');
    addresses[0] = second!;
    a.destroy();
    await until('it is lost', () => client.status !== 'connected');
    expect(await askedName(client)).toBe('b');
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect(new Set(asked)).toEqual(new Set(['calc.internal']));
  });
});

describe('a resolver', () => {
  it.each<[string, LookupFunction]>([
    ['gives one address as a text', (_host, _options, callback) => callback(null, first!, 4)],
    ['gives one address and no family', (_host, _options, callback) => callback(null, first!)],
    ['answers at once', (_host, _options, callback) => callback(null, [{ address: first!, family: 4 }])],
    [
      'has entries that throw when they are looked at',
      (_host, _options, callback) =>
        setImmediate(() => callback(null, [...oddEntries, { address: first!, family: 4 }])),
    ],
    [
      'answers twice',
      (_host, _options, callback) => {
        callback(null, [{ address: first!, family: 4 }]);
        setImmediate(() => callback(null, [{ address: first!, family: 4 }]));
      },
    ],
    [
      'answers, and fails after that',
      async (_host, _options, callback) => {
        callback(null, [{ address: first!, family: 4 }]);
        callback(new Error('no such name'), []);
        throw new Error('no such name');
      },
    ],
  ])('may do as it likes: it %s', async (_what, lookup) => {
    const { client } = await openTwo([], { lookup });
    expect(await askedName(client)).toBe('a');
  });

  it.each<[string, LookupFunction]>([
    ['gives an error', (_host, _options, callback) => callback(new Error('no such name'), [])],
    [
      'throws',
      () => {
        throw new Error('no such name');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no such name'))],
    ['gives what is no error', (_host, _options, callback) => callback('no such name' as unknown as Error, [])],
    ['gives no address', (_host, _options, callback) => setImmediate(() => callback(null, []))],
    ['gives nothing', (_host, _options, callback) => setImmediate(() => (callback as (error: null) => void)(null))],
    ['gives what is no address', (_host, _options, callback) => callback(null, [{ address: 'nowhere', family: 7 }])],
    [
      'gives entries later that throw when they are looked at',
      (_host, _options, callback) => setImmediate(() => callback(null, [...oddEntries])),
    ],
    [
      'gives a list later that throws when it is looked at',
      (_host, _options, callback) => setImmediate(() => callback(null, new Proxy<never[]>([], traps))),
    ],
    [
      'gives an error later that throws when it is looked at',
      (_host, _options, callback) => setImmediate(() => callback(new Proxy(new Error('no'), traps), [])),
    ],
    [
      'gives an error later whose stack throws',
      (_host, _options, callback) => setImmediate(() => callback(withBadStack(), [])),
    ],
    ['rejects with what throws when it is looked at', () => Promise.reject(new Proxy(new Error('no'), traps))],
    [
      'gives what is no address later',
      (_host, _options, callback) => setImmediate(() => callback(null, 5 as unknown as string)),
    ],
  ])('fails the call with CONNECT_FAILED when it %s', async (_what, lookup) => {
    const { client } = await openTwo([], { lookup, reconnect: false });
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'CONNECT_FAILED', sent: false });
  });
});

describe('a connection factory', () => {
  async function clientOf(connect: ConnectionFactory, options: Partial<CommandClientOptions> = {}) {
    const calc = own(await CalcServer.start());
    return { calc, client: own(groupClient([calc], { connect, reconnect: false, ...options })) };
  }

  async function dialled(port: number): Promise<Socket> {
    const socket = connectTcp(port, first);
    await once(socket, 'connect');
    return socket;
  }

  it('that fails is quoted in one line of 1 KiB at most', async () => {
    const { client } = await clientOf(async () => {
      throw new Error(`\u001b[31mno\n${'x'.repeat(5000)}`);
    });
    const error: Error = await client.execute(new AddCmd(2, 3)).then(
      () => new Error('none'),
      (failure: Error) => failure,
    );
    expect(error.message).toContain(String.raw`option "connect" failed: \u{1b}[31mno\u{a}xx`);
    expect(error.message.length).toBeLessThan(1200);
  });

  it('opens the sockets, with the address and a signal', async () => {
    const asked: unknown[] = [];
    const { calc, client } = await clientOf(async (server, signal) => {
      asked.push(server, signal.aborted);
      return dialled((server as { port: number }).port);
    });
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(asked).toEqual([{ host: first, port: calc.port }, false]);
  });

  it('may give a socket that is not connected yet', async () => {
    const { client } = await clientOf((server) => connectTcp((server as { port: number }).port, first));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });

  it('may give any other stream', async () => {
    const { client } = await clientOf(async (server) => {
      const socket = await dialled((server as { port: number }).port);
      const [readable, writable] = [new PassThrough(), new PassThrough()];
      socket.pipe(readable);
      writable.pipe(socket);
      return Duplex.from({ readable, writable });
    });
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    await client.close();
  });

  it.each<[string, ConnectionFactory]>([
    [
      'throws',
      () => {
        throw new Error('no way');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no way'))],
    ['rejects with nothing', () => Promise.reject()],
    ['gives nothing', () => undefined as never],
    ['gives a text', () => 'a socket' as never],
    ['gives an object', () => ({ on() {} }) as never],
    ['gives a stream that is destroyed', () => new PassThrough().destroy()],
    [
      'gives a stream that was closed before',
      async () => {
        const stream = new PassThrough().destroy();
        await once(stream, 'close');
        return stream;
      },
    ],
  ])('that %s fails the call with CONNECT_FAILED', async (_what, connect) => {
    const { client } = await clientOf(connect, { connectTimeoutMs: 5000 });
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'CONNECT_FAILED', sent: false });
  });

  it.each<[string, () => unknown]>([
    ['a socket', () => new PassThrough()],
    ['nothing', () => undefined],
    ['a failure', () => Promise.reject(new Error('late'))],
  ])('that comes with %s when its time is over does no harm', async (_what, make) => {
    let given: unknown;
    let settled = false;
    const { client } = await clientOf(
      async (_server, signal) => {
        await once(signal, 'abort');
        given = make();
        settled = true;
        return given as Duplex;
      },
      { connectTimeoutMs: 20 },
    );
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' });
    await until('it has come', () => settled);
    await until('it is destroyed', () => !(given instanceof PassThrough) || given.destroyed);
  });

  it('is asked again after it has failed', async () => {
    let attempts = 0;
    const { client } = await clientOf(
      (server) => {
        if (++attempts < 3) throw new Error('not yet');
        return connectTcp((server as { port: number }).port, first);
      },
      { reconnect: soon },
    );
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(attempts).toBe(3);
  });
});

describe('a Unix domain socket', () => {
  it('carries Commands and Results, also after its server was started again', async () => {
    const folder = own(new Folder());
    const path = join(folder.path, 'calc.sock');
    const start = async () => {
      const calc = own(new CalcServer({ host: undefined, port: undefined, listenOn: { path } }));
      await calc.server.listen();
      return calc;
    };
    const calc = await start();
    const client = own(new CommandClient({ contract: vectorContract, path, reconnect: soon }));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(client.servers).toEqual([expect.objectContaining({ server: path, status: 'connected', open: 1 })]);
    calc.destroy();
    await until('it is lost', () => client.status !== 'connected');
    await start();
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });
});
