// What AsyncLocalStorage shows to the code that a server runs: each Command and each event its own, and no other's.
import { describe, expect, it } from '@jest/globals';
import { CommandServer, ExecInvoker, type HandlerResult } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { enter, seen, user, witness } from '../../support/scope-probe.js';
import { Item, openStage, PlayCmd, stageContract } from '../../support/stage.js';

const own = guardLeaks();

/** Says who was there before it entered a name, and who is there in the end. */
const outcomes: Record<string, (command: PlayCmd) => HandlerResult<Item>> = {
  'a value': ({ name }) => {
    const before = seen();
    enter(name);
    return new Item(0, true, `${before} ${seen()}`);
  },
  'a promise': async ({ name }) => {
    const before = seen();
    enter(name);
    await turns(2);
    return new Item(0, true, `${before} ${seen()}`);
  },
  'an async generator': async function* ({ name }) {
    const before = seen();
    enter(name);
    yield new Item(0, false, `${before} ${seen()}`);
    await turns(2);
    yield new Item(1, true, `${before} ${seen()}`);
  },
  'an Observable': ({ name }) => {
    const before = seen();
    enter(name);
    return {
      subscribe(observer) {
        observer.next(new Item(0, false, `${before} ${seen()}`));
        setImmediate(() => {
          observer.next(new Item(1, true, `${before} ${seen()}`));
          observer.complete();
        });
        return { unsubscribe() {} };
      },
    };
  },
};

const kinds = Object.keys(outcomes);
const cases = [true, false].flatMap((extension) => kinds.map((kind) => ({ extension, kind })));

/** Enters who its name says, takes a moment, and writes down in whose scope it began. */
function actor(began: string[]) {
  return async ({ name }: PlayCmd): Promise<Item> => {
    began.push(seen());
    enter(name);
    await turns(2);
    return new Item(0, true, seen());
  };
}

describe('a Command', () => {
  it.each(cases)('sees its own store only when it gives $kind (extension: $extension)', async ({ extension, kind }) => {
    const { client } = await openStage(own, outcomes[kind]!, {}, { extension });
    const ask = async (name: string): Promise<string[]> => {
      const sink = new RecordingSink<Item>();
      client.dispatch(new PlayCmd(name), sink);
      expect(await sink.ended()).toBeUndefined();
      return [...new Set(sink.results.map(({ text }) => text))];
    };
    expect(await ask('alice')).toEqual(['none alice']);
    expect(await ask('none')).toEqual(['none none']);
    const names = ['bob', 'none', 'carol', 'none'];
    expect(await Promise.all(names.map(ask))).toEqual(names.map((name) => [`none ${name}`]));
  });

  it('begins, and is read, in the scope of the server when another one had to end before it', async () => {
    const began: string[] = [];
    const { decoded, codec } = witness();
    const server = { maxInFlightPerConnection: 1, codec };
    const { client } = await openStage(own, actor(began), server, { extension: false });
    await Promise.all(['alice', 'bob', 'carol'].map((name) => client.execute(new PlayCmd(name))));
    expect(began).toEqual(['none', 'none', 'none']);
    expect(decoded).toEqual(['none', 'none', 'none']);
  });

  it('begins, and is read, in the scope of the server when others had to be sent before it', async () => {
    const began: string[] = [];
    const { decoded, codec } = witness();
    const play = ({ name }: PlayCmd): Item => {
      began.push(seen());
      enter(name);
      return new Item(0, true, 'x'.repeat(10_000));
    };
    const { client } = await openStage(own, play, { codec }, { extension: false });
    const names = ['alice', 'bob', 'carol', 'dave'];
    await Promise.all(names.map((name) => client.execute(new PlayCmd(name))));
    expect(new Set(began)).toEqual(new Set(['none']));
    expect(new Set(decoded)).toEqual(new Set(['none']));
  });

  it('is at home where its server was made, not where that was asked to listen', async () => {
    const began: string[] = [];
    const options = { contract: stageContract, invoker: new ExecInvoker(actor(began)), host: '127.0.0.1', port: 0 };
    const server = own(user.run('maker', () => new CommandServer(options)));
    const { port } = await user.run('listener', () => server.listen());
    const client = own(calcClient(port, { contract: stageContract, extension: true }));
    await user.run('caller', () => client.execute(new PlayCmd('alice')));
    await client.execute(new PlayCmd('none'));
    expect(began).toEqual(['maker', 'maker']);
  });

  it('is aborted in its own scope', async () => {
    const names: string[] = [];
    let running = 0;
    const play = async ({ name }: PlayCmd, { signal }: { readonly signal: AbortSignal }): Promise<Item> => {
      enter(name);
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
      signal.addEventListener('abort', () => names.push(`${name}: ${seen()}`));
      running++;
      await aborted;
      return new Item(0, true);
    };
    const { client } = await openStage(own, play);
    const calls = ['alice', 'bob', 'carol'].map((name) => client.dispatch(new PlayCmd(name), new RecordingSink()));
    await until('all run', () => running === 3);
    calls[1]!.cancel();
    await until('one is notified', () => names.length === 1);
    client.destroy();
    await until('all are notified', () => names.length === 3);
    expect(names.toSorted()).toEqual(['alice: alice', 'bob: bob', 'carol: carol']);
  });

  it('is stopped in its own scope when it is an async generator', async () => {
    const stopped: string[] = [];
    let running = 0;
    const play = async function* ({ name }: PlayCmd): AsyncGenerator<Item> {
      enter(name);
      try {
        for (;;) {
          running++;
          yield new Item(0, false);
        }
      } finally {
        stopped.push(`${name}: ${seen()}`);
      }
    };
    const { client } = await openStage(own, play);
    const iterators = ['alice', 'bob'].map((name) => client.iterate(new PlayCmd(name)));
    for (const iterator of iterators) await iterator.next();
    await until('both run', () => running > 2);
    client.destroy();
    await until('both are stopped', () => stopped.length === 2);
    expect(stopped.toSorted()).toEqual(['alice: alice', 'bob: bob']);
  });

  it('has its Results written in its own scope, also those that were held back', async () => {
    const { encoded, codec } = witness();
    const play = async function* ({ name }: PlayCmd): AsyncGenerator<Item> {
      enter(name);
      yield new Item(0, true, name);
      await turns(3);
      yield new Item(1, true, name);
    };
    const { client } = await openStage(own, play, { codec });
    const sinks = ['alice', 'bob'].map((name) => {
      const sink = new RecordingSink();
      client.dispatch(new PlayCmd(name), sink);
      return sink;
    });
    for (const sink of sinks) expect(await sink.ended()).toBeUndefined();
    expect(encoded.toSorted()).toEqual(['alice', 'alice', 'bob', 'bob']);
  });

  it('has its Results written in its own scope when they had to wait for a plain peer to read', async () => {
    const { encoded, codec } = witness();
    const play = ({ name }: PlayCmd): Item => {
      enter(name);
      return new Item(0, true, 'x'.repeat(150_000));
    };
    const limits = { maxSendBufferBytes: 65_536, maxStreamBufferBytes: 65_536 };
    const { client } = await openStage(own, play, { ...limits, codec }, { extension: false });
    const names = ['alice', 'bob', 'carol'];
    await Promise.all(names.map((name) => client.execute(new PlayCmd(name))));
    expect(encoded).toEqual(names);
  });

  it('that fails is translated for a plain peer in its own scope', async () => {
    const play = async ({ name }: PlayCmd): Promise<Item> => {
      enter(name);
      await turns(1);
      throw new Error('intended');
    };
    const onPlainError = (): Item => new Item(0, true, seen());
    const { client } = await openStage(own, play, { onPlainError }, { extension: false });
    const results = ['alice', 'none', 'bob'].map((name) => client.execute(new PlayCmd(name)));
    expect((await Promise.all(results)).map(({ text }) => text)).toEqual(['alice', 'none', 'bob']);
  });
});

describe('an event', () => {
  it('begins in the scope of the server when others had to end before it', async () => {
    const began: string[] = [];
    const { client } = await openStage(own, actor(began), { maxInFlightPerConnection: 1 });
    for (const name of ['alice', 'none', 'bob', 'none']) await client.emit(new PlayCmd(name));
    await until('all have run', () => began.length === 4);
    expect(began).toEqual(['none', 'none', 'none', 'none']);
  });
});

describe('a callback of a server', () => {
  it('sees nothing of the Command that it is notified about', async () => {
    const notified: string[] = [];
    const tell = (what: string) => (): void => {
      notified.push(`${what}: ${seen()}`);
      user.enterWith('callback');
    };
    const play = ({ name }: PlayCmd): Item => {
      enter(name);
      // More than the peer takes: it loses its connection within this Command.
      if (name === 'alice') throw new Error('intended');
      return new Item(0, true, seen());
    };
    const callbacks = { onError: tell('error'), onConnection: tell('begin'), onDisconnect: tell('end') };
    const { calc, client } = await openStage(own, play, callbacks);
    calc.server.onStatus(tell('status'));
    await client.emit(new PlayCmd('alice'));
    await client.emit(new PlayCmd('alice'));
    await until('errors are notified', () => notified.length === 3);
    expect((await client.execute(new PlayCmd('none'))).text).toBe('none');
    client.destroy();
    await until('the end is notified', () => notified.length === 4);
    user.run('closer', () => calc.server.destroy());
    expect(notified).toEqual(['begin: none', 'error: none', 'error: none', 'end: none', 'status: none']);
  });

  it('sees nothing of the Command whose Results end the connection', async () => {
    const notified: string[] = [];
    const play = ({ name }: PlayCmd): HandlerResult<Item> => {
      enter(name);
      return {
        subscribe(observer) {
          // More than may wait for a plain peer, at once.
          for (let n = 0; n < 10; n++) observer.next(new Item(n, false, 'x'.repeat(100_000)));
          return { unsubscribe() {} };
        },
      };
    };
    const limits = { maxSendBufferBytes: 65_536, maxStreamBufferBytes: 65_536 };
    const onDisconnect = (): void => void notified.push(seen());
    const { client } = await openStage(own, play, { ...limits, onDisconnect }, { extension: false });
    await expect(client.execute(new PlayCmd('alice'))).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await until('the loss is notified', () => notified.length === 1);
    expect(notified).toEqual(['none']);
  });
});
