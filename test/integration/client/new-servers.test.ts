// The addresses of a host name while a client is connected: servers that are added are found, those that go are left
// without loss, and a resolver that fails changes nothing. Servers listen at one port of several addresses of this
// machine.
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import {
  leastPending,
  type CommandClient,
  type CommandClientOptions,
  type ConnectionChoice,
  type DispatchStrategy,
  type HostLookedUp,
} from '../../../lib/core.js';
import { GREETING } from '../../support/calc-frames.js';
import { until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { askedName, groupClient, NamedServer } from '../../support/named-server.js';
import { RawServer } from '../../support/raw-server.js';
import { AddCmd, CalcResult, EchoCmd } from '../../support/vector-contract.js';

const own = guardLeaks();
const [a, b, c, d] = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'] as const;
/** Longer than any test. */
const NEVER_MS = 3_600_000;

/** A resolver that finds what the test says. */
class Script {
  asked = 0;
  error: Error | undefined;
  found: readonly LookupAddress[] = [];

  constructor(...addresses: readonly string[]) {
    this.finds(...addresses);
  }

  finds(...addresses: readonly string[]): void {
    this.error = undefined;
    this.found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  }

  readonly lookup: LookupFunction = (_host, _options, callback) => {
    this.asked++;
    const { error, found } = this;
    setImmediate(() => callback(error ?? null, [...found]));
  };

  async askedAgain(times = 2): Promise<void> {
    const before = this.asked;
    await until('it is asked again', () => this.asked >= before + times);
  }
}

/** Servers that are named after their addresses, all at one port. */
class Servers {
  readonly all = new Map<string, NamedServer>();
  port = 0;

  static async start(...addresses: readonly string[]): Promise<Servers> {
    const servers = new Servers();
    for (const address of addresses) await servers.add(address);
    return servers;
  }

  async add(host: string): Promise<void> {
    const server = own(await NamedServer.start(host, { host, port: this.port }));
    this.port = server.port;
    this.all.set(host, server);
  }

  at(address: string): NamedServer {
    return this.all.get(address)!;
  }

  /** How many connections each has, in the order of their addresses. */
  get connections(): readonly number[] {
    return [...this.all.values()].map(({ calc }) => calc.server.connections);
  }

  client(script: Script, options: Partial<CommandClientOptions> = {}): CommandClient {
    const servers = [{ host: 'calc.internal', port: this.port }];
    return own(groupClient([], { servers, lookup: script.lookup, resolveIntervalMs: 100, ...options }));
  }
}

/** Calls without a pause, by several callers; each has to be answered. */
class Load {
  readonly names: string[] = [];
  readonly #callers: readonly Promise<void>[];
  #isOver = false;

  constructor(client: CommandClient) {
    this.#callers = Array.from({ length: 8 }, async () => {
      while (!this.#isOver) this.names.push(await askedName(client));
    });
  }

  /** Waits until the last calls were answered by these, each of them, and by no other. */
  async reaches(...names: readonly string[]): Promise<void> {
    const wanted = names.toSorted().join();
    await until(`${wanted} answer`, () => [...new Set(this.names.slice(-64))].toSorted().join() === wanted);
  }

  /** @throws what any of the calls has failed with */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#callers);
  }
}

describe('a name that gains an address, loses one and then resolves to nothing', () => {
  it('has the traffic follow, and no Command fails', async () => {
    const servers = await Servers.start(a, b, c);
    const script = new Script(a, b);
    const client = servers.client(script);
    const load = new Load(client);
    await load.reaches(a, b);
    expect(client.servers[0]!.addresses.toSorted()).toEqual([a, b]);
    script.finds(a, b, c);
    await load.reaches(a, b, c);
    script.finds(b, c);
    await load.reaches(b, c);
    await until('the first is left', () => servers.connections.join() === '0,1,1');
    script.error = new Error('no such name');
    await script.askedAgain(5);
    await load.reaches(b, c);
    script.finds();
    await script.askedAgain(5);
    await load.reaches(b, c);
    expect(client.servers[0]).toMatchObject({ status: 'connected', connections: 2, open: 2 });
    script.finds(a, c);
    await load.reaches(a, c);
    await load.end();
  });

  it('has the addresses that are known reached again after a loss', async () => {
    const servers = await Servers.start(a, b);
    const script = new Script(a, b);
    const client = servers.client(script);
    await client.connect();
    await until('both are open', () => client.status === 'connected');
    script.error = new Error('no such name');
    for (const lost of [[a], [a, b]]) {
      for (const address of lost) servers.at(address).destroy();
      await until('it is seen', () => client.servers[0]!.open === 2 - lost.length);
      for (const address of lost) await servers.add(address);
      await until('both are open again', () => client.servers[0]!.open === 2);
      const load = new Load(client);
      await load.reaches(a, b);
      await load.end();
      expect(client.status).toBe('connected');
    }
  });

  it('has them reached although the resolver does not answer any more', async () => {
    const servers = await Servers.start(a);
    const script = new Script(a);
    let isMute = false;
    const lookup: LookupFunction = (...asked) => (isMute ? undefined : script.lookup(...asked));
    const client = servers.client(script, { lookup });
    expect(await askedName(client)).toBe(a);
    isMute = true;
    servers.at(a).destroy();
    await until('it is lost', () => client.servers[0]!.open === 0);
    await servers.add(a);
    expect(await askedName(client)).toBe(a);
  });
});

describe('each address of a name', () => {
  it('has as many connections as connectionsPerServer says, also when there are more of them', async () => {
    const servers = await Servers.start(a, b, c);
    const script = new Script(a, b);
    const client = servers.client(script, { connectionsPerServer: 3 });
    await client.connect();
    await until('two have three', () => servers.connections.join() === '3,3,0');
    script.finds(c, b, a);
    await until('all have three', () => servers.connections.join() === '3,3,3');
    await until('all are open', () => client.status === 'connected');
    script.finds(c);
    await until('two have none', () => servers.connections.join() === '0,0,3');
    expect(client.servers[0]).toMatchObject({ connections: 3, open: 3, addresses: [c] });
  });

  it('is counted once, however often it is found', async () => {
    const servers = await Servers.start(a, b);
    const client = servers.client(new Script(a, b, a, b, b));
    await client.connect();
    await until('all are open', () => client.status === 'connected');
    expect(servers.connections).toEqual([1, 1]);
  });

  it('is apart from those of other names', async () => {
    const servers = await Servers.start(a, b, c, d);
    const script = new Script(a, b);
    const lookup: LookupFunction = (host, options, callback) => {
      if (host === 'one.internal') return script.lookup(host, options, callback);
      callback(null, [{ address: d, family: 4 }]);
    };
    const names = ['one.internal', 'two.internal'].map((host) => ({ host, port: servers.port }));
    const client = servers.client(script, { servers: names, lookup });
    await client.connect();
    await until('three are open', () => servers.connections.join() === '1,1,0,1');
    script.finds(b, c);
    await until('another one is in use', () => servers.connections.join() === '0,1,1,1');
    expect(client.servers.map(({ addresses }) => addresses.toSorted())).toEqual([[b, c], [d]]);
    const load = new Load(client);
    await load.reaches(b, c, d);
    await load.end();
  });

  it('that does not answer costs the others nothing, and has its connection as soon as it does', async () => {
    const servers = await Servers.start(b, c);
    const client = servers.client(new Script(a, b, c));
    const load = new Load(client);
    await load.reaches(b, c);
    expect(client.status).toBe('degraded');
    await servers.add(a);
    await load.reaches(a, b, c);
    await load.end();
    expect(client.status).toBe('connected');
  });

  it('is seen by a strategy', async () => {
    const servers = await Servers.start(a, b);
    const seen = new Set<string | undefined>();
    const least = leastPending();
    const onlyB: DispatchStrategy = {
      pick(connections: readonly ConnectionChoice[], command) {
        for (const { address } of connections) seen.add(address);
        return connections.find(({ address }) => address === b) ?? least.pick(connections, command);
      },
    };
    const client = servers.client(new Script(a, b), { dispatchStrategy: onlyB });
    await client.connect();
    await until('both are open', () => client.status === 'connected');
    for (let call = 0; call < 4; call++) expect(await askedName(client)).toBe(b);
    expect([...seen].toSorted()).toEqual([a, b]);
  });
});

describe('an address that is gone', () => {
  it('keeps its connection until its Commands are answered', async () => {
    let answer = (): void => {};
    const servers = await Servers.start(b);
    const slow = new NamedServer(a, {
      host: a,
      port: servers.port,
      invoker: {
        invoke(_command, _context, sink) {
          answer = () => {
            sink.next(new CalcResult(7));
            sink.complete();
          };
        },
      },
    });
    own(slow);
    await slow.calc.server.listen();
    const script = new Script(a);
    const client = servers.client(script);
    const first = client.execute(new AddCmd(3, 4));
    await until('it runs', () => slow.calc.server.inFlight === 1);
    script.finds(b);
    await until('it is left', () => client.servers[0]!.addresses.join() === b);
    const load = new Load(client);
    await load.reaches(b);
    expect(slow.calc.server.connections).toBe(1);
    expect(client.pending).toBeGreaterThan(0);
    answer();
    await expect(first).resolves.toEqual(new CalcResult(7));
    await until('it is closed', () => slow.calc.server.connections === 0);
    await load.end();
  });

  it('keeps its Commands until close() has waited for them', async () => {
    const raw = own(await RawServer.listen());
    const servers = await Servers.start();
    servers.port = raw.port;
    await servers.add(b);
    const script = new Script(a);
    const client = servers.client(script, { extension: false, gracePeriodMs: 50 });
    const first = client.execute(new EchoCmd('x'));
    const peer = await raw.peer();
    peer.write(GREETING);
    await until('it is open', () => client.servers[0]!.open === 1);
    script.finds(b);
    await until('it is left', () => client.servers[0]!.addresses.join() === b);
    const [outcome] = await Promise.all([first.catch((error: unknown) => error), client.close()]);
    expect(outcome).toMatchObject({ code: 'CLOSED' });
    await peer.ends();
  });

  it('is in use as long as none of the new ones is open', async () => {
    const servers = await Servers.start(a);
    const script = new Script(a);
    const client = servers.client(script);
    const load = new Load(client);
    await load.reaches(a);
    script.finds(b);
    await script.askedAgain(3);
    expect(servers.connections).toEqual([1]);
    await load.reaches(a);
    await servers.add(b);
    await load.reaches(b);
    await load.end();
    await until('the old one is left', () => servers.connections.join() === '0,1');
  });
});

describe('a name is looked up', () => {
  it('at once when its server drains, and no Command fails', async () => {
    const servers = await Servers.start(a, b, c);
    const script = new Script(a, b);
    const client = servers.client(script, { resolveIntervalMs: NEVER_MS });
    const load = new Load(client);
    await load.reaches(a, b);
    script.finds(b, c);
    const closed = servers.at(a).calc.server.close();
    await load.reaches(b, c);
    await load.end();
    await closed;
    expect(client.servers[0]!.addresses.toSorted()).toEqual([b, c]);
  });

  it('at once when a connection is lost', async () => {
    const servers = await Servers.start(a, b, c);
    const script = new Script(a, b);
    const client = servers.client(script, { resolveIntervalMs: NEVER_MS });
    await client.connect();
    await until('both are open', () => client.status === 'connected');
    script.finds(b, c);
    servers.at(a).destroy();
    await until('that is seen', () => client.status !== 'connected');
    const load = new Load(client);
    await load.reaches(b, c);
    await load.end();
    expect(client.servers[0]!.addresses.toSorted()).toEqual([b, c]);
  });

  it('once for a crowd of connections that are opened together', async () => {
    const servers = await Servers.start(a);
    const script = new Script(a);
    const client = servers.client(script, { connectionsPerServer: 16, resolveIntervalMs: NEVER_MS });
    await client.connect();
    await until('all are open', () => client.status === 'connected');
    expect(script.asked).toBe(1);
  });

  it('no more when the client is closed, and again when it is opened anew', async () => {
    const servers = await Servers.start(a, b);
    const script = new Script(a);
    const client = servers.client(script);
    expect(await askedName(client)).toBe(a);
    await client.close();
    const { asked } = script;
    await client.reopen();
    script.finds(a, b);
    await until('both are open', () => servers.connections.join() === '1,1');
    expect(script.asked).toBeGreaterThan(asked + 1);
  });

  it('and what that has changed is reported', async () => {
    const servers = await Servers.start(a, b);
    const script = new Script(a);
    const news: HostLookedUp[] = [];
    const instrumentation = { observeClient: () => ({ onLookup: (lookup: HostLookedUp) => news.push(lookup) }) };
    const client = servers.client(script, { instrumentation });
    await client.connect();
    script.finds(b);
    await until('it is left', () => servers.connections.join() === '0,1');
    script.error = new Error('no such name');
    await script.askedAgain();
    const server = `calc.internal:${servers.port}`;
    expect(news[0]).toEqual({ server, added: [a], gone: [], error: undefined });
    expect(news).toContainEqual({ server, added: [b], gone: [a], error: undefined });
    expect(news.at(-1)).toEqual({ server, added: [], gone: [], error: script.error });
  });
});

describe('a name with addresses of both families', () => {
  it('that leads to one server has one connection, by the one that answers', async () => {
    const servers = await Servers.start(a);
    const script = new Script('::1', a);
    const client = servers.client(script);
    expect(await askedName(client)).toBe(a);
    await script.askedAgain();
    expect(client.servers[0]).toMatchObject({ status: 'connected', connections: 1, addresses: [a] });
    expect(servers.connections).toEqual([1]);
  });

  it('is followed into the other family', async () => {
    const servers = await Servers.start(a, '::1');
    const script = new Script('::1');
    const client = servers.client(script);
    const load = new Load(client);
    await load.reaches('::1');
    script.finds(a);
    await load.reaches(a);
    await load.end();
    await until('the other one is left', () => servers.connections.join() === '1,0');
    expect(client.servers[0]!.addresses).toEqual([a]);
  });
});
