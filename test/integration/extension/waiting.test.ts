// What waits for a peer is packed, bounded for the connection, and goes on when there is room.
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { defineContract, type CommandInvoker } from '../../../lib/core.js';
import { ADD_2_3, frame, uvarint } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { credit, end, EXTENDED_GREETING, hello, PROBE, meta, stream } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { Item, openStage, PlayCmd, stageContract } from '../../support/stage.js';
import { CalcResult, EchoResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const MIB = 1024 * 1024;

/** What pushes all it has at once, as `from(rows)` does. */
const pushing = (items: Iterable<Item>) => ({
  subscribe: (observer: { next(item: Item): void; complete(): void }) => {
    for (const item of items) observer.next(item);
    observer.complete();
    return { unsubscribe: () => {} };
  },
});

function* rows(count: number, text: string): Iterable<Item> {
  for (let n = 1; n <= count; n++) yield new Item(n, false, text);
}

describe('iterate()', () => {
  it.each([
    [1_024, 100],
    [65_536, 20_000],
    [524_288, 100_000],
  ])('goes on when maxStreamBufferBytes is %i and Results have %i bytes', async (maxStreamBufferBytes, bytes) => {
    async function* play(): AsyncGenerator<Item> {
      for (let n = 0; n < 40; n++) yield new Item(n, n === 39, 'x'.repeat(bytes));
    }
    const { client } = await openStage(own, play, { maxStreamBufferBytes });
    const taken: number[] = [];
    const read = async (): Promise<void> => {
      for await (const { n } of client.iterate(new PlayCmd())) taken.push(n);
    };
    await inTime('all are taken', read());
    expect(taken).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });
});

describe('what an Observable pushes at once', () => {
  it('arrives up to 16 MiB, and more where the option says so', async () => {
    const text = 'x'.repeat(50_000);
    for (const [count, options] of [
      [300, {}],
      [700, { maxStreamBufferBytes: 64 * MIB }],
    ] as const) {
      const { client } = await openStage(own, () => pushing(rows(count, text)), options);
      let taken = 0;
      for await (const { n } of client.iterate(new PlayCmd())) expect(n).toBe(++taken);
      expect(taken).toBe(count);
    }
  });

  it('fails beyond with an error that names the option, both numbers and the remedy', async () => {
    const { client } = await openStage(own, () => pushing(rows(100, 'x'.repeat(1_000))), {
      maxStreamBufferBytes: 4_096,
    });
    const read = async (): Promise<void> => {
      for await (const { n } of client.iterate(new PlayCmd())) expect(n).toBeGreaterThan(0);
    };
    const message = /^\d+ bytes .* maxStreamBufferBytes \(4096\) of the server; an async generator/;
    await expect(read()).rejects.toMatchObject({ code: 'SLOW_CONSUMER', message: expect.stringMatching(message) });
  });

  it('of many Commands is bounded for the connection, and each is notified on its own', async () => {
    const limits = { maxStreamBufferBytes: MIB, maxSendBufferBytes: MIB };
    const { calc, client } = await openStage(own, () => pushing(rows(30, 'x'.repeat(30_000))), limits);
    const iterators = Array.from({ length: 8 }, () => client.iterate(new PlayCmd('')));
    const ends = await Promise.allSettled(
      iterators.map(async (results) => {
        await results.next();
        for (let round = 0; round < 20; round++) await client.ping();
        for await (const { n } of results) expect(n).toBeGreaterThan(1);
      }),
    );
    const failed = ends.filter((each) => each.status === 'rejected');
    expect(failed.length).toBeLessThan(8);
    for (const { reason } of failed) expect(reason).toMatchObject({ code: 'SLOW_CONSUMER' });
    expect(calc.lost).toEqual([]);
  });
});

describe('last Results for a peer that does not read', () => {
  const text = 'x'.repeat(500_000);
  const stores = new AsyncLocalStorage<string>();

  it.each([true, false])(
    'say what they said when they were given, written in the scope of their Commands (extended: %s)',
    async (extension) => {
      const given: { text: string }[] = [];
      const seen = new Set<unknown>();
      let started = 0;
      const limits = { maxStreamBufferBytes: 1_024, maxSendBufferBytes: 65_536 };
      const play = async (): Promise<Item> => {
        const store = `Command ${started++}`;
        stores.enterWith(store);
        const item = new Item(1, true, text) as Item & { text: string };
        Object.assign(item, { toJSON: () => (seen.add(store === stores.getStore()), { ...item, text: item.text }) });
        await turns(1);
        given.push(item);
        // Once all were given none of them is as it was.
        if (given.length === 20) setImmediate(() => given.forEach((each) => (each.text = 'changed')));
        return item;
      };
      const { calc, client } = await openStage(own, play, limits, { extension });
      await client.connect();
      const items = await Promise.all(Array.from({ length: 20 }, () => client.execute(new PlayCmd())));
      expect(items.map((item) => item.text.length)).toEqual(items.map(() => text.length));
      expect([...seen]).toEqual([true]);
      expect(calc.lost).toEqual([]);
    },
  );

  it('that cannot be encoded are errors of their Commands alone', async () => {
    const invoker: CommandInvoker = {
      invoke: async (_command, { seq }, sink) => {
        if (seq === 1) {
          for (let count = 0; count < 2; count++) sink.next(new EchoResult(text));
          sink.complete();
        } else sink.complete(seq === 3 ? new CalcResult(Number.NaN) : new CalcResult(5));
      },
    };
    const limits = { maxStreamBufferBytes: 1_024, maxSendBufferBytes: 65_536, writeStallTimeoutMs: 0 };
    const calc = own(await CalcServer.start({ invoker, ...limits }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello({ maxFrameBytes: 2 * MIB }));
    await peer.receives(EXTENDED_GREETING);
    for (let seq = 1; seq <= 4; seq++) peer.write(uvarint(seq) + ADD_2_3.slice(2));
    const received = (): string => Buffer.concat(peer.chunks).toString('latin1');
    const five = (seq: number): string => Buffer.from(frame(seq, 0, '5'), 'hex').toString('latin1');
    await until('all are answered', () => calc.server.inFlight === 0 && received().includes(five(4)));
    expect(received()).toContain(five(2));
    expect(received()).toContain('\u0003\u000dENCODE_FAILED');
    expect(calc.lost).toEqual([]);
  });
});

describe('a Result that cannot be encoded while others wait for credit', () => {
  it('leaves nothing behind', async () => {
    const refused: unknown[] = [];
    const invoker: CommandInvoker = {
      invoke: (_command, _context, sink) => {
        for (const value of [1, 2, Number.NaN, 3, Number.NaN, 4]) {
          try {
            sink.next(new CalcResult(value));
          } catch (error) {
            refused.push(error);
          }
        }
        sink.complete();
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + meta(1, { credit: 1 }) + ADD_2_3);
    const sum = (value: number): string => frame(1, 0, String(value));
    await peer.receives(EXTENDED_GREETING + stream(1) + sum(1));
    peer.write(credit(1, 9));
    await peer.receives(EXTENDED_GREETING + stream(1) + sum(1) + sum(2) + sum(3) + sum(4) + end(1));
    expect(refused).toHaveLength(2);
  });
});

describe('what is sent of an object that changes', () => {
  it.each(['a Result that may be the last', 'a value'])('is what it was when it was given: %s', async (what) => {
    const isValue = what === 'a value';
    const play = (): unknown =>
      pushing(
        (function* changing(): Iterable<Item> {
          const item = new Item(0, true) as { n: number } & Item;
          for (let n = 0; n < 4; n++) {
            item.n = n;
            yield item;
          }
          item.n = 99;
        })(),
      );
    const contract = isValue ? defineContract({ commands: [PlayCmd] }) : stageContract;
    const { client } = await openStage(own, play as () => Item, { contract }, { contract });
    const taken: number[] = [];
    for await (const { n } of client.iterate(new PlayCmd())) taken.push(n);
    expect(taken).toEqual([0, 1, 2, 3]);
  });
});
