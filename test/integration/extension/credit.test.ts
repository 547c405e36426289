// A slow reader slows its own producer down, within a small bound, and no other.
import { describe, expect, it } from '@jest/globals';
import { CmdStreamError, type CommandInvoker, type ResultSink } from '../../../lib/core.js';
import { ADD_2_3, frame, uvarint } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { cancel, credit, end, EXTENDED_GREETING, hello, PROBE, meta, stream } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { Item, openStage, PlayCmd } from '../../support/stage.js';
import { CalcResult, EchoResult } from '../../support/vector-contract.js';

const own = guardLeaks();

interface Producer {
  produced: number;
  stopped: boolean;
}

/** Items without an end that count themselves. */
async function* endless(producer: Producer): AsyncGenerator<Item> {
  try {
    for (;;) yield new Item(++producer.produced, false);
  } finally {
    producer.stopped = true;
  }
}

describe('iterate()', () => {
  it('pauses a generator that is ahead of its taker, and no other Command', async () => {
    const slow: Producer = { produced: 0, stopped: false };
    const { calc, client } = await openStage(own, ({ name }) => (name === 'slow' ? endless(slow) : new Item(7)));
    const results = client.iterate(new PlayCmd('slow'));
    await results.next();
    for (let round = 0; round < 200; round++) await expect(client.execute(new PlayCmd())).resolves.toEqual(new Item(7));
    expect(slow.produced).toBeLessThanOrEqual(1 + 32 + 1);
    for (let taken = 1; taken < 100; taken++) await results.next();
    await client.ping();
    await turns();
    expect(slow.produced).toBeGreaterThanOrEqual(100);
    // Who has taken all that there was may be given more.
    expect(slow.produced).toBeLessThanOrEqual(100 + 256 + 1);
    await results.return?.();
    await until('the generator has stopped', () => slow.stopped && calc.server.inFlight === 0);
  });

  it('lets a generator be no further ahead of a taker who always leaves some', async () => {
    const slow: Producer = { produced: 0, stopped: false };
    const { client } = await openStage(own, () => endless(slow));
    const results = client.iterate(new PlayCmd('slow'));
    for (let taken = 1; taken <= 100; taken++) {
      await results.next();
      await until('more of them wait', () => slow.produced >= taken + 16);
      await client.ping();
      await turns();
      expect(slow.produced).toBeLessThanOrEqual(taken + 32 + 1);
    }
    await results.return?.();
  });

  it('holds few Results when they are large, and goes on with each that is taken', async () => {
    const producer: Producer = { produced: 0, stopped: false };
    async function* large(): AsyncGenerator<Item> {
      for (;;) yield new Item(++producer.produced, false, 'x'.repeat(300_000));
    }
    const { client } = await openStage(own, ({ name }) => (name === 'slow' ? large() : new Item(7)));
    const results = client.iterate(new PlayCmd('slow'));
    for (let taken = 1; taken <= 40; taken++) {
      const { value } = await results.next();
      expect(value!.n).toBe(taken);
      await client.ping();
      await turns();
      // 1 MiB that is not taken, one Result above it, those made ahead, and what is said of those taken every 512 KiB.
      expect(producer.produced - taken).toBeLessThanOrEqual(9);
    }
    await results.return?.();
  });

  it('stops the generator when the loop is left', async () => {
    const producer: Producer = { produced: 0, stopped: false };
    const { calc, client } = await openStage(own, () => endless(producer));
    for await (const { n } of client.iterate(new PlayCmd())) if (n === 50) break;
    await until('the generator has stopped', () => producer.stopped && calc.server.inFlight === 0);
    expect(client.pending).toBe(0);
  });

  it('fails with SLOW_CONSUMER alone when its source cannot wait', async () => {
    const text = 'x'.repeat(1_000);
    const { calc, client } = await openStage(
      own,
      ({ name }) =>
        name === ''
          ? new Item(7)
          : {
              subscribe: (observer) => {
                for (let n = 1; n <= 200; n++) observer.next(new Item(n, false, text));
                observer.complete();
                return { unsubscribe: () => {} };
              },
            },
      { maxStreamBufferBytes: 32 * 1024 },
    );
    const taken: number[] = [];
    const read = async (): Promise<void> => {
      for await (const { n } of client.iterate(new PlayCmd('push'))) taken.push(n);
    };
    await expect(read()).rejects.toMatchObject({ code: 'SLOW_CONSUMER' });
    expect(taken).toEqual(taken.map((_, at) => at + 1));
    expect(taken.length).toBeGreaterThanOrEqual(32);
    await expect(client.execute(new PlayCmd())).resolves.toEqual(new Item(7));
    expect(calc.lost).toEqual([]);
  });

  it('finishes 1,100 streams of one connection while pings are answered', async () => {
    const { client } = await openStage(own, async function* () {
      for (let n = 1; n <= 40; n++) yield new Item(n, n === 40);
    });
    await client.connect();
    const read = async (): Promise<number> => {
      let count = 0;
      for await (const item of client.iterate(new PlayCmd())) count += item.n > 0 ? 1 : 0;
      return count;
    };
    const streams = Promise.all(Array.from({ length: 1_100 }, read));
    for (let round = 0; round < 5; round++) expect(await client.ping()).toBeGreaterThan(0);
    expect(new Set(await streams)).toEqual(new Set([40]));
  });
});

describe('credit', () => {
  const sum = frame(1, 0, '5');
  const invoker = {
    invoke: (_command: unknown, _context: unknown, sink: { next(r: unknown): number; complete(): void }) => {
      for (let count = 0; count < 4; count++) sink.next(new CalcResult(5));
      sink.complete();
    },
  };

  it('lets so many Results pass, then more; the end needs none', async () => {
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + meta(1, { credit: 2 }) + ADD_2_3);
    let expected = EXTENDED_GREETING + stream(1) + sum + sum;
    await peer.receives(expected);
    expect(calc.server.inFlight).toBe(1);
    peer.write(credit(1, 1));
    await peer.receives((expected += sum));
    peer.write(credit(1, 1));
    await peer.receives((expected += sum + end(1)));
    await until('it is over', () => calc.server.inFlight === 0);
  });

  it('behind the end, or a CANCEL in front of it, harms nothing', async () => {
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + meta(1, { credit: 2 }) + ADD_2_3);
    await peer.receives(EXTENDED_GREETING + stream(1) + sum + sum);
    peer.write(`${cancel(1)}${credit(1, 100)}00`);
    await peer.receives(`${EXTENDED_GREETING}${stream(1)}${sum}${sum}00`);
    expect(calc.server.inFlight).toBe(0);
    expect(calc.lost).toEqual([]);
  });
});

describe('a Command whose third Result overflows its buffer', () => {
  it('is notified of the error although the socket was full', async () => {
    const invoker: CommandInvoker = {
      invoke: (_command, { seq }, sink) => {
        if (seq === 1) sink.next(new EchoResult('x'.repeat(30_000_000)));
        else for (let count = 0; count < 3; count++) sink.next(new EchoResult('x'.repeat(2_000)));
      },
    };
    const calc = own(
      await CalcServer.start({
        invoker,
        maxStreamBufferBytes: 1_024,
        maxResultBytes: 2 ** 26,
        maxSendBufferBytes: 2 ** 26,
      }),
    );
    const peer = own(await calc.connect());
    peer.write(PROBE + hello({ maxFrameBytes: 2 ** 26 }));
    await peer.receives(EXTENDED_GREETING);
    peer.socket.pause();
    peer.write(ADD_2_3);
    await until('the first runs', () => calc.server.inFlight === 1);
    await turns();
    peer.write(`02${ADD_2_3.slice(2)}`);
    await until('the second is over or waits', () => calc.server.inFlight === 2);
    await turns();
    peer.socket.resume();
    await until('it is notified', () => peer.chunks.at(-1)?.includes('\u0002\u000dSLOW_CONSUMER') === true);
    expect(calc.lost).toEqual([]);
  });
});

describe('large Results at once', () => {
  const MB = 1_000_000;
  const large = (bytes: number, last = true, n = 0): Item => new Item(n, last, 'x'.repeat(bytes));

  it('all arrive when the client reads, though together they are more than may wait', async () => {
    const { calc, client } = await openStage(own, async () => large(MB), { maxSendBufferBytes: 2 * MB });
    await client.connect();
    const items = await Promise.all(Array.from({ length: 12 }, () => client.execute(new PlayCmd())));
    expect(items.map(({ text }) => text.length)).toEqual(Array.from({ length: 12 }, () => MB));
    expect(calc.lost).toEqual([]);
  });

  it('of generators all arrive, and the generators take turns', async () => {
    const count = 6;
    const play = async function* (): AsyncGenerator<Item> {
      for (let n = 0; n < count; n++) yield large(2 * MB, false, n);
    };
    const { calc, client } = await openStage(own, play, { maxSendBufferBytes: 2 * MB });
    const taken = [0, 0, 0];
    let mostAhead = 0;
    await Promise.all(
      taken.map(async (_, which) => {
        for await (const item of client.iterate(new PlayCmd())) {
          taken[which]! += item.text.length > 0 ? 1 : 0;
          mostAhead = Math.max(mostAhead, Math.max(...taken) - Math.min(...taken));
        }
      }),
    );
    expect(taken).toEqual([count, count, count]);
    expect(mostAhead).toBeLessThan(count);
    expect(calc.lost).toEqual([]);
  });

  it('of generators all arrive although each of them could be the only one', async () => {
    const play = async function* (): AsyncGenerator<Item> {
      for (let n = 0; n < 4; n++) yield large(0.7 * MB, true, n);
    };
    const { client } = await openStage(own, play);
    await client.connect();
    const read = async (): Promise<number[]> => {
      const taken: number[] = [];
      for await (const { n } of client.iterate(new PlayCmd())) taken.push(n);
      return taken;
    };
    const all = await Promise.all(Array.from({ length: 6 }, read));
    expect(all).toEqual(Array.from({ length: 6 }, () => [0, 1, 2, 3]));
  });

  describe.each([
    ['last Results', (sink: ResultSink) => sink.complete(new EchoResult('x'.repeat(MB)))],
    ['errors', (sink: ResultSink) => sink.error(new CmdStreamError('REMOTE', '', { payload: 'x'.repeat(MB) }))],
  ])('for a peer that reads nothing: %s', (_what, answer) => {
    const count = 30;
    const invoker: CommandInvoker = { invoke: (_command, _context, sink) => answer(sink) };

    async function ask(writeStallTimeoutMs: number) {
      const calc = own(await CalcServer.start({ invoker, maxSendBufferBytes: MB, writeStallTimeoutMs }));
      const peer = own(await calc.connect());
      peer.write(PROBE + hello({ maxFrameBytes: 2 * MB }));
      await peer.receives(EXTENDED_GREETING);
      peer.socket.pause();
      for (let seq = 1; seq <= count; seq++) peer.write(uvarint(seq) + ADD_2_3.slice(2));
      return { calc, peer };
    }

    it('cost it its connection after writeStallTimeoutMs', async () => {
      const { calc } = await ask(1_000);
      expect(await calc.lostCause()).toMatchObject({ code: 'WRITE_STALL_TIMEOUT' });
      expect(calc.server.inFlight).toBe(0);
    });

    it('wait until it reads where there is no such limit', async () => {
      const { calc, peer } = await ask(0);
      await until('they wait', () => calc.server.inFlight > count / 2);
      await turns(20);
      peer.socket.resume();
      await until('all are answered', () => calc.server.inFlight === 0);
      await peer.receivesBytes(EXTENDED_GREETING.length / 2 + count * MB);
      expect(calc.lost).toEqual([]);
    });
  });
});

describe('an Invoker that does not look whether there is room', () => {
  it('is stopped by the first Result too many, and can queue no more', async () => {
    const maxStreamBufferBytes = 32 * 1024;
    let queued = 0;
    let reason: unknown;
    const invoker: CommandInvoker = {
      invoke: async (_command, { signal }, sink) => {
        for (let n = 0; n < 32; n++) sink.next(new Item(n, false));
        for (let n = 0; n < 500; n++) queued += sink.next(new Item(n, false, 'x'.repeat(1_000)));
        reason = signal.reason;
      },
    };
    const { calc, client } = await openStage(own, () => new Item(), { invoker, maxStreamBufferBytes });
    const read = async (): Promise<void> => {
      for await (const item of client.iterate(new PlayCmd())) expect(item).toBeInstanceOf(Item);
    };
    await expect(read()).rejects.toMatchObject({ code: 'SLOW_CONSUMER' });
    expect(queued).toBeGreaterThan(maxStreamBufferBytes / 2);
    expect(queued).toBeLessThanOrEqual(maxStreamBufferBytes);
    expect(reason).toMatchObject({ code: 'SLOW_CONSUMER' });
    await until('it is over', () => calc.server.inFlight === 0);
    expect(calc.errors).toEqual([]);
  });

  it('loses no credit by Results that cannot be written', async () => {
    const failures: unknown[] = [];
    const invoker: CommandInvoker = {
      invoke: async (_command, _context, sink) => {
        for (let n = 0; n < 200; n++) {
          await sink.drained;
          try {
            sink.next(new Item(n % 2 ? n : Number.NaN, false));
          } catch (error) {
            failures.push(error);
          }
        }
      },
    };
    const { client } = await openStage(own, () => new Item(), { invoker });
    const taken: number[] = [];
    for await (const { n } of client.iterate(new PlayCmd())) taken.push(n);
    expect(taken).toEqual(Array.from({ length: 100 }, (_, at) => 2 * at + 1));
    expect(failures).toHaveLength(100);
  });
});
