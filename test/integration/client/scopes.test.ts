// What AsyncLocalStorage shows around the calls of a client: callbacks of a call see their caller's store, what serves
// all callers sees none, and keeps none.
import { AsyncLocalStorage } from 'node:async_hooks';
import { lookup } from 'node:dns';
import { connect, Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import {
  Command,
  defineContract,
  Result,
  roundRobin,
  type CircuitBreaker,
  type CommandClient,
  type CommandSink,
  type CommandInvoker,
} from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { CalcServer } from '../../support/calc-server.js';
import { GREETING } from '../../support/calc-frames.js';
import { openPair } from '../../support/client-pair.js';
import { turns, until } from '../../support/deadline.js';
import { freePort } from '../../support/free-port.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { enter, seen, user } from '../../support/scope-probe.js';
import { Item, openStage, PlayCmd } from '../../support/stage.js';
import { AddCmd, CountCmd, EchoCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

/** Notes in whose scope it is notified what, and enters something each time, which no other sink may see. */
class ScopeSink implements CommandSink {
  readonly news: string[] = [];

  next(): void {
    this.#note('next');
  }

  complete(): void {
    this.#note('complete');
  }

  error(): void {
    this.#note('error');
  }

  #note(what: string): void {
    const [name] = seen().split(', later');
    this.news.push(`${what}: ${name}`);
    user.enterWith(`${name}, later`);
  }
}

/** Dispatches as this user; resolves when that call is over. */
async function dispatchAs(name: string, client: CommandClient, command: object): Promise<readonly string[]> {
  const sink = new ScopeSink();
  const call = user.run(name, () => client.dispatch(command as AddCmd, sink));
  await until('the call is over', () => !call.isPending);
  await turns(2);
  return sink.news;
}

describe('the sink of a call', () => {
  it.each([true, false])('is called in the scope of its caller (extension: %s)', async (extension) => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port, { extension }));
    const news = await Promise.all(['alice', 'bob', 'carol'].map((name) => dispatchAs(name, client, new AddCmd(1, 2))));
    expect(news).toEqual(['alice', 'bob', 'carol'].map((name) => [`next: ${name}`, `complete: ${name}`]));
    const many = await dispatchAs('dave', client, new CountCmd(2));
    expect(many).toEqual(['next: dave', 'next: dave', 'complete: dave']);
  });

  it('is called in the scope of its caller when the connection is lost', async () => {
    const { client, peer } = await openPair(own);
    const all = Promise.all(['alice', 'bob'].map((name) => dispatchAs(name, client, new AddCmd(1, 2))));
    await peer.receivesBytes(10);
    peer.reset();
    expect(await all).toEqual([['error: alice'], ['error: bob']]);
  });

  it('is called in the scope of its caller when no connection can be had', async () => {
    const client = own(calcClient(await freePort(), { queue: false }));
    const all = await Promise.all(['alice', 'bob'].map((name) => dispatchAs(name, client, new AddCmd(1, 2))));
    expect(all).toEqual([['error: alice'], ['error: bob']]);
  });

  it('is called in the scope of its caller when another one aborts its signal', async () => {
    const { client } = await openPair(own);
    const controller = new AbortController();
    const sink = new ScopeSink();
    user.run('alice', () => client.dispatch(new AddCmd(1, 2), sink, { signal: controller.signal }));
    user.run('bob', () => controller.abort());
    expect(sink.news).toEqual(['error: alice']);
  });

  it('is called in the scope of its caller when the call of another one has made room', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const play = async ({ name }: PlayCmd): Promise<Item> => {
      if (name === 'held') await held;
      return new Item();
    };
    const { client } = await openStage(own, play, { maxInFlightPerConnection: 1 });
    await client.connect();
    const all = [
      dispatchAs('alice', client, new PlayCmd('held')),
      dispatchAs('bob', client, new PlayCmd()),
      dispatchAs('carol', client, new PlayCmd()),
    ];
    release();
    expect(await Promise.all(all)).toEqual(['alice', 'bob', 'carol'].map((n) => [`next: ${n}`, `complete: ${n}`]));
  });

  it('is called in the scope of its caller when the Command was sent again', async () => {
    const { client } = await openStage(own, async () => new Item(), { maxInFlight: 1 });
    const names = ['alice', 'bob', 'carol'];
    const all = await Promise.all(names.map((name) => dispatchAs(name, client, new PlayCmd())));
    expect(all).toEqual(names.map((name) => [`next: ${name}`, `complete: ${name}`]));
  });
});

describe('the hooks of a call', () => {
  it('run in the scope of its caller', async () => {
    const news: string[] = [];
    const note = (what: string) => (): void => void news.push(`${what}: ${seen()}`);
    const hooks = () => ({
      beforeSend: note('before'),
      onResult: note('result'),
      onError: note('error'),
      onEnd: note('end'),
    });
    const { client, peer } = await openPair(own, { hooks });
    const calls = ['alice', 'bob'].map((name) =>
      user.run(name, () => client.execute(new AddCmd(2, 3)).catch(() => {})),
    );
    await peer.receivesBytes(10);
    peer.write('01000135');
    await calls[0];
    peer.reset();
    await calls[1];
    expect(news).toEqual(['before: alice', 'before: bob', 'result: alice', 'end: alice', 'error: bob', 'end: bob']);
  });
});

describe('what serves all callers', () => {
  it('sees nothing of the one whose call opens the connection', async () => {
    const news = new Set<string>();
    const note = (what: string): void => {
      news.add(`${what}: ${seen()}`);
      user.enterWith('another');
    };
    const calc = own(await CalcServer.start());
    const client = own(
      calcClient(calc.port, {
        host: 'localhost',
        lookup: (hostname, options, callback) => {
          note('lookup');
          lookup(hostname, { ...options, family: 4 } as object, callback as never);
        },
        dispatchStrategy: {
          pick: (choices, command) => {
            note('strategy');
            return robin.pick(choices, command);
          },
        },
      }),
    );
    const robin = roundRobin();
    client.onStatus(() => note('status'));
    for (const name of ['alice', 'bob']) await user.run(name, () => client.execute(new AddCmd(1, 2)));
    user.run('closer', () => client.destroy());
    await turns();
    expect([...news].toSorted()).toEqual(['lookup: none', 'status: none', 'strategy: none']);
  });

  it('sees nothing of the one whose call comes first, when connections are opened anew', async () => {
    const news: string[] = [];
    const raw = own(await RawServer.listen());
    const client = own(
      calcClient(raw.port, {
        reconnect: true,
        connect: ({ port }: { readonly port?: number }) => {
          news.push(seen());
          user.enterWith('another');
          return connect({ port: port!, host: '127.0.0.1' });
        },
      } as object),
    );
    const first = user.run('alice', () => client.execute(new AddCmd(1, 2)).catch(() => {}));
    for (let round = 0; round < 2; round++) {
      const peer = await raw.peer(round);
      peer.write(GREETING);
      await until('it is open', () => client.status === 'connected');
      peer.reset();
      await until('it is lost', () => client.status !== 'connected');
    }
    await first;
    await until('it is opened anew', () => news.length > 2);
    expect(new Set(news)).toEqual(new Set(['none']));
  });

  it('sees nothing of a caller when it is a circuit breaker or says what is a failure', async () => {
    const news = new Set<string>();
    const note = (what: string): void => {
      news.add(`${what}: ${seen()}`);
      user.enterWith('another');
    };
    const permit = { succeed: () => note('succeed'), fail: () => note('fail'), release: () => note('release') };
    const breaker: CircuitBreaker = {
      state: 'closed',
      acquire() {
        note('acquire');
        return permit;
      },
      isFailure() {
        note('isFailure');
        return true;
      },
    };
    const { client, peer } = await openPair(own, { circuitBreaker: () => breaker });
    const calls = ['alice', 'bob'].map((name) =>
      user.run(name, () => client.execute(new AddCmd(2, 3)).catch(() => {})),
    );
    user.run('carol', () => client.dispatch(new AddCmd(1, 2), new ScopeSink()).cancel());
    await peer.receivesBytes(10);
    peer.write('01000135');
    await calls[0];
    peer.reset();
    await calls[1];
    const parts = ['acquire', 'fail', 'isFailure', 'release', 'succeed'];
    expect([...news].toSorted()).toEqual(parts.map((part) => `${part}: none`));
  });

  it('sees nothing of a caller when a Result comes that no call waits for', async () => {
    const news: string[] = [];
    const { client, peer } = await openPair(own, { onUnexpectedResult: () => news.push(seen()) });
    const call = user.run('alice', () => client.dispatch(new AddCmd(2, 3), new ScopeSink()));
    await peer.receivesBytes(10);
    user.run('bob', () => call.cancel());
    peer.write('01000135');
    await until('it is notified', () => news.length > 0);
    expect(news).toEqual(['none']);
  });
});

/** A socket that notes in whose scope it is written to and destroyed. */
class Noting extends Socket {
  readonly news: string[] = [];

  override _write(...args: Parameters<Socket['_write']>): void {
    this.news.push(`write: ${seen()}`);
    super._write(...args);
  }

  override destroy(error?: Error): this {
    this.news.push(`destroy: ${seen()}`);
    return super.destroy(error);
  }
}

describe('a socket', () => {
  it('is written to and ended in the scope of none that sends, cancels or closes', async () => {
    const calc = own(await CalcServer.start());
    const socket = new Noting();
    const client = own(calcClient(calc.port, { connect: () => socket.connect(calc.port, '127.0.0.1') }));
    await client.connect();
    for (const name of ['alice', 'bob']) await user.run(name, () => client.execute(new AddCmd(1, 2)));
    // So much leaves at once.
    await user.run('carol', () => client.execute(new EchoCmd('x'.repeat(20_000))));
    user.run('closer', () => client.destroy());
    expect(new Set(socket.news)).toEqual(new Set(['write: none', 'destroy: none']));
  });
});

describe('the store of a caller', () => {
  const stores = new AsyncLocalStorage<object>();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;

  async function use(client: CommandClient): Promise<WeakRef<object>[]> {
    const refs: WeakRef<object>[] = [];
    for (let at = 0; at < 5; at++) {
      await (async () => {
        const store = { at };
        refs.push(new WeakRef(store));
        await stores.run(store, () => client.execute(new AddCmd(at, 1)));
      })();
    }
    return refs;
  }

  it('is not kept by an attempt to connect that goes on when the call is over', async () => {
    const attempts: unknown[] = [];
    const connectForEver = (): Promise<never> => new Promise((...settle) => attempts.push(settle));
    const options = { connect: connectForEver, connectTimeoutMs: 0 };
    const client = own(calcClient(1, options));
    const refs = [1, 2].map((at) => {
      const store = { at };
      stores.run(store, () => client.dispatch(new AddCmd(at, 1), new ScopeSink()).cancel());
      return new WeakRef(store);
    });
    await until('all stores are let go', () => {
      collect();
      return refs.every((ref) => ref.deref() === undefined);
    });
    expect(client.status).toBe('connecting');
    expect(attempts).toHaveLength(1);
  });

  it.each([true, false])('is not kept by the connection when the call is over (extension: %s)', async (extension) => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port, { extension }));
    const refs = await use(client);
    await until('all stores are let go', () => {
      collect();
      return refs.every((ref) => ref.deref() === undefined);
    });
    expect(client.status).toBe('connected');
  });
});

describe('what the code of a class enters while it is decoded', () => {
  const found: string[] = [];
  let isOpen = false;
  const note = (): void => {
    if (!isOpen) return; // It is looked at by the contract.
    found.push(seen());
    enter('the code of a class');
  };

  class EnteringResult extends Result {
    constructor(isDecoded = true) {
      super();
      if (isDecoded) note();
    }
  }

  class EnteringCmd extends Command<EnteringResult> {
    constructor(isDecoded = true) {
      super();
      if (isDecoded) note();
    }
  }

  it('is gone with the read, at the client and at the server', async () => {
    const contract = defineContract({ commands: [EnteringCmd], results: [EnteringResult] });
    const invoker: CommandInvoker = { invoke: (_command, _context, sink) => sink.complete(new EnteringResult(false)) };
    const calc = own(await CalcServer.start({ contract, invoker }));
    const client = own(calcClient(calc.port, { contract }));
    await client.connect();
    isOpen = true;
    for (const name of ['alice', 'bob', 'carol']) await user.run(name, () => client.execute(new EnteringCmd(false)));
    expect(found).toEqual(Array.from({ length: 6 }, () => 'none'));
  });
});
