// Streams between two peers of this package: their marks, their ends, and what stops them.
import { describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import {
  CmdStreamError,
  Command,
  defineContract,
  StreamCommand,
  VoidCommand,
  type ResultSink,
} from '../../../lib/core.js';
import { ADD_2_3, countFrame, frame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, until } from '../../support/deadline.js';
import { cancel, end, EXTENDED_GREETING, hello, PROBE, stream } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { Item, openStage, PlayCmd } from '../../support/stage.js';
import { CalcResult, CountResult } from '../../support/vector-contract.js';

const own = guardLeaks();

async function* items(count: number, last = true): AsyncGenerator<Item> {
  for (let n = 1; n <= count; n++) yield new Item(n, last);
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of source) taken.push(item);
  return taken;
}

describe('the bytes of a stream', () => {
  const invoker = (results: readonly unknown[]) => ({
    invoke: (_command: unknown, _context: unknown, sink: { next(r: unknown): number; complete(): void }) => {
      for (const result of results) sink.next(result);
      sink.complete();
    },
  });
  const sum = frame(1, 0, '5');
  const count = (n: number, last: boolean): string => frame(1, 1, JSON.stringify({ I: n, Last: last }));
  it.each<[string, readonly unknown[], string]>([
    ['one last Result', [new CalcResult(5)], sum],
    [
      'several, the last one last',
      [new CountResult(0, false), new CountResult(1, true)],
      count(0, false) + count(1, true),
    ],
    ['nothing', [], end(1)],
    ['several that might each be the last', [new CalcResult(5), new CalcResult(5)], stream(1) + sum + sum + end(1)],
    ['none that is the last', [new CountResult(0, false)], count(0, false) + end(1)],
  ])('are plain where plain can say it: %s', async (_what, results, bytes) => {
    const calc = own(await CalcServer.start({ invoker: invoker(results) }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + countFrame(1, 1));
    await peer.receives(EXTENDED_GREETING + bytes);
  });

  it('are those of each Result as it was given, although one object is used for all', async () => {
    const one = new CalcResult(0);
    const changing = {
      invoke: (_command: unknown, _context: unknown, sink: { next(r: unknown): number; complete(): void }) => {
        for (const value of [1, 2, 3]) {
          Object.assign(one, { value });
          sink.next(one);
        }
        Object.assign(one, { value: 99 });
        sink.complete();
      },
    };
    const calc = own(await CalcServer.start({ invoker: changing }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + ADD_2_3);
    const results = [1, 2, 3].map((value) => frame(1, 0, String(value))).join('');
    await peer.receives(EXTENDED_GREETING + stream(1) + results + end(1));
  });

  it('mark a Result whose handler has not completed at the end of the turn', async () => {
    const sinks: { complete(): void }[] = [];
    const held = {
      invoke: (_: unknown, _context: unknown, sink: { next(r: unknown): number; complete(): void }) => {
        sink.next(new CalcResult(5));
        sinks.push(sink);
      },
    };
    const calc = own(await CalcServer.start({ invoker: held }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + ADD_2_3);
    await peer.receives(EXTENDED_GREETING + stream(1) + sum);
    sinks[0]!.complete();
    await peer.receives(EXTENDED_GREETING + stream(1) + sum + end(1));
  });
});

describe('a stream', () => {
  it('gives all its Results, whatever each says of being the last', async () => {
    const { client } = await openStage(own, () => items(100));
    const taken = await all(client.iterate(new PlayCmd()));
    expect(taken.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
  });

  it('completes when it is empty', async () => {
    const { client } = await openStage(own, () => items(0));
    expect(await all(client.iterate(new PlayCmd()))).toEqual([]);
  });

  it('delivers an error behind the Results before it', async () => {
    const { client } = await openStage(own, async function* () {
      yield* items(3);
      throw new CmdStreamError('REMOTE', 'x', { payload: { at: 3 } });
    });
    const taken: number[] = [];
    const read = async (): Promise<void> => {
      for await (const { n } of client.iterate(new PlayCmd())) taken.push(n);
    };
    await expect(read()).rejects.toMatchObject({ code: 'REMOTE', payload: { at: 3 } });
    expect(taken).toEqual([1, 2, 3]);
  });
});

describe('execute()', () => {
  it('resolves with undefined when the handler of what says nothing of its Results gives nothing', async () => {
    const { client } = await openStage(own, () => undefined);
    await expect(client.execute(new PlayCmd())).resolves.toBeUndefined();
  });

  class OneCmd extends Command<Item> {
    override exec(play: unknown) {
      return (play as () => Item)();
    }
  }
  const one = defineContract({ commands: [OneCmd], results: [Item] });

  it.each([
    ['nothing', () => undefined],
    ['nothing later', async () => undefined],
    ['an empty stream', () => items(0)],
  ])('rejects NO_RESULT when the handler of a Command gives %s, and the server reports it', async (_, play) => {
    const { calc, client } = await openStage(own, play as never, { contract: one }, { contract: one });
    const text = 'the handler of OneCmd gave no Result';
    const failure = { code: 'NO_RESULT', sent: true, message: expect.stringContaining(text) };
    await expect(client.execute(new OneCmd())).rejects.toMatchObject(failure);
    await expect(client.iterate(new OneCmd()).next()).rejects.toMatchObject(failure);
    expect(calc.errors).toEqual([1, 2].map(() => expect.objectContaining({ code: 'NO_RESULT' }) as unknown));
    await client.emit(new OneCmd());
    await until('it is over', () => calc.server.inFlight === 0);
    expect(calc.errors).toHaveLength(2);
  });

  it('rejects NO_RESULT when a stream of the server ends without one', async () => {
    class NoneCmd extends StreamCommand<Item> {
      static readonly wireName = 'OneCmd';

      override exec() {
        return items(0);
      }
    }
    const contract = defineContract({ commands: [NoneCmd], results: [Item] });
    const { calc, client } = await openStage(own, () => undefined, { contract }, { contract: one });
    await expect(client.execute(new OneCmd())).rejects.toMatchObject({ code: 'NO_RESULT', sent: true });
    expect(calc.errors).toEqual([]);
  });

  it('rejects NO_RESULT when an answer without a value is followed by the end of the stream', async () => {
    const contract = defineContract({ commands: [OneCmd] });
    const nothing = async function* () {
      yield undefined;
      await setImmediate();
    };
    const { client } = await openStage(own, nothing as never, { contract }, { contract });
    await expect(client.execute(new OneCmd())).rejects.toMatchObject({ code: 'NO_RESULT', sent: true });
  });

  class NoneCmd extends VoidCommand {
    override exec() {}
  }
  const contract = defineContract({ commands: [NoneCmd], results: [Item] });

  it('resolves with undefined for a VoidCommand', async () => {
    const { calc, client } = await openStage(own, () => undefined, { contract }, { contract });
    await expect(client.execute(new NoneCmd())).resolves.toBeUndefined();
    expect(await all(client.iterate(new NoneCmd()))).toEqual([]);
    expect(calc.errors).toEqual([]);
  });

  it('of a VoidCommand is EXTENSION_UNAVAILABLE towards a plain server, and costs no other call', async () => {
    const received: unknown[] = [];
    const invoker = { invoke: (command: unknown) => void received.push(command) };
    const { calc, client } = await openStage(
      own,
      () => undefined,
      { contract, invoker },
      { contract, extension: false },
    );
    const refused = {
      code: 'EXTENSION_UNAVAILABLE',
      sent: false,
      message: expect.stringContaining('NoneCmd, which has no Result; emit() sends it'),
    };
    await expect(client.execute(new NoneCmd())).rejects.toMatchObject(refused);
    await expect(all(client.iterate(new NoneCmd()))).rejects.toMatchObject(refused);
    await client.emit(new NoneCmd());
    await until('it has come', () => received.length > 0);
    expect([received, calc.lost]).toEqual([[new NoneCmd()], []]);
  });

  it('resolves with undefined for a VoidCommand whose handler gives a Result', async () => {
    const invoker = { invoke: (_command: unknown, _context: unknown, sink: ResultSink) => sink.complete(new Item(1)) };
    const { client } = await openStage(own, () => undefined, { contract, invoker }, { contract });
    await expect(client.execute(new NoneCmd())).resolves.toBeUndefined();
  });

  it('resolves with the one Result of a generator', async () => {
    const { client } = await openStage(own, () => items(1));
    await expect(client.execute(new PlayCmd())).resolves.toEqual(new Item(1));
  });

  it.each([true, false])('rejects MULTIPLE_RESULTS and cancels a stream whose Results say last: %s', async (last) => {
    let stopped = false;
    const { calc, client } = await openStage(own, async function* () {
      try {
        for (;;) yield* items(1, last);
      } finally {
        stopped = true;
      }
    });
    await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ code: 'MULTIPLE_RESULTS' });
    await until('the generator stops', () => stopped && calc.server.inFlight === 0);
    expect(client.status).toBe('connected');
  });
});

describe('a Command whose caller has gone', () => {
  it('is aborted by an AbortSignal, whose reason the caller gets', async () => {
    let reason: unknown;
    const { calc, client } = await openStage(own, (_, { signal }) => {
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          resolve(undefined);
        }),
      );
    });
    const stop = new AbortController();
    const call = client.execute(new PlayCmd(), { signal: stop.signal });
    call.catch(() => {});
    await until('it runs', () => calc.server.inFlight === 1);
    stop.abort(new Error('enough'));
    await expect(call).rejects.toMatchObject({ message: 'enough' });
    await until('it has ended', () => calc.server.inFlight === 0);
    expect(reason).toMatchObject({ code: 'CANCELLED' });
  });

  const parked = async (options = {}) => {
    const seen: { aborted?: unknown; cleaned: boolean } = { cleaned: false };
    const stage = await openStage(
      own,
      async function* (_, { signal }) {
        try {
          yield new Item(1, false);
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          seen.aborted = signal.reason;
        } finally {
          seen.cleaned = true;
        }
      },
      {},
      options,
    );
    return { ...stage, seen };
  };
  const sink = { next: () => {}, complete: () => {}, error: () => {} };

  it('runs the finally of its generator after cancel()', async () => {
    const { calc, client, seen } = await parked();
    const call = client.dispatch(new PlayCmd(), sink);
    await until('it runs', () => calc.server.inFlight === 1);
    call.cancel();
    await until('it has ended', () => seen.cleaned && calc.server.inFlight === 0);
    expect(seen.aborted).toMatchObject({ code: 'CANCELLED' });
  });

  it('runs the finally of its generator after break', async () => {
    const { calc, client, seen } = await parked();
    for await (const item of client.iterate(new PlayCmd())) {
      expect(item.n).toBe(1);
      break;
    }
    await until('it has ended', () => seen.cleaned && calc.server.inFlight === 0);
  });

  it('runs the finally of its generator after a timeout', async () => {
    const { calc, client, seen } = await parked({ timeoutMs: 30 });
    await client.connect();
    const read = async (): Promise<void> => {
      for await (const item of client.iterate(new PlayCmd(), { timeoutMs: 30 })) expect(item.n).toBe(1);
    };
    await expect(read()).rejects.toMatchObject({ code: 'TIMEOUT', sent: true });
    await until('it has ended', () => seen.cleaned && calc.server.inFlight === 0);
  });

  it('runs the finally of its generator after the connection is lost', async () => {
    const { calc, client, seen } = await parked();
    client.dispatch(new PlayCmd(), sink);
    await until('it runs', () => calc.server.inFlight === 1);
    client.destroy();
    // A Result that has come before it, and was not read, has its socket reset instead of closed.
    const cause = await calc.lostCause();
    await until('it has ended', () => seen.cleaned);
    expect(['PEER_CLOSED', 'PEER_RESET']).toContain(cause.code);
    expect(seen.aborted).toBe(cause);
  });

  it('unsubscribes from what pushes its Results', async () => {
    let unsubscribed = false;
    const { calc, client } = await openStage(own, () => ({
      subscribe: () => ({ unsubscribe: () => (unsubscribed = true) }),
    }));
    const call = client.dispatch(new PlayCmd(), sink);
    await until('it runs', () => calc.server.inFlight === 1);
    call.cancel();
    await until('it is over', () => calc.server.inFlight === 0);
    expect(unsubscribed).toBe(true);
  });

  it('may be over already: a late CANCEL does not break the protocol', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + ADD_2_3 + cancel(1) + countFrame(2, 1));
    await inTime('both answers', peer.receivesBytes(EXTENDED_GREETING.length / 2 + 8));
    await until('both have ended', () => calc.server.inFlight === 0);
    expect(calc.lost).toEqual([]);
  });
});
