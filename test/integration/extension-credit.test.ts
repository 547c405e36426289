// Who reads slowly slows its own producer down, within a small bound, and nobody else.
import { describe, expect, it } from '@jest/globals';
import type { Invoker } from '../../lib/core.js';
import { ADD_2_3, frame } from '../support/calc-frames.js';
import { CalcServer } from '../support/calc-server.js';
import { turns, until } from '../support/deadline.js';
import { cancel, credit, end, EXTENDED_GREETING, hello, KNOCK, meta, stream } from '../support/extension-frames.js';
import { guardLeaks } from '../support/leak-guard.js';
import { Item, openStage, PlayCmd } from '../support/stage.js';
import { CalcResult, EchoResult } from '../support/vector-contract.js';

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
    expect(slow.produced).toBeLessThanOrEqual(100 + 32 + 1);
    await results.return?.();
    await until('the generator has stopped', () => slow.stopped && calc.server.inFlight === 0);
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
    peer.write(KNOCK + hello() + meta(1, { credit: 2 }) + ADD_2_3);
    let expected = EXTENDED_GREETING + stream(1) + sum + sum;
    await peer.receives(expected);
    expect(calc.server.inFlight).toBe(1);
    peer.write(credit(1, 1));
    await peer.receives((expected += sum));
    peer.write(credit(1, 1));
    await peer.receives((expected += sum + end(1)));
    await until('it is over', () => calc.server.inFlight === 0);
  });

  it('behind the end, or a CANCEL in front of it, harms nobody', async () => {
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(KNOCK + hello() + meta(1, { credit: 2 }) + ADD_2_3);
    await peer.receives(EXTENDED_GREETING + stream(1) + sum + sum);
    peer.write(`${cancel(1)}${credit(1, 100)}00`);
    await peer.receives(`${EXTENDED_GREETING}${stream(1)}${sum}${sum}00`);
    expect(calc.server.inFlight).toBe(0);
    expect(calc.lost).toEqual([]);
  });
});

describe('a Command whose first Result overflows its buffer', () => {
  it('is told of the error although the socket was full', async () => {
    const invoker: Invoker = {
      invoke: (_command, { seq }, sink) => {
        if (seq === 1) sink.next(new EchoResult('x'.repeat(30_000_000)));
        else sink.next(new EchoResult('x'.repeat(2_000)));
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
    peer.write(KNOCK + hello({ maxFrameBytes: 2 ** 26 }));
    await peer.receives(EXTENDED_GREETING);
    peer.socket.pause();
    peer.write(ADD_2_3);
    await until('the first runs', () => calc.server.inFlight === 1);
    await turns();
    peer.write(`02${ADD_2_3.slice(2)}`);
    await until('the second is over or waits', () => calc.server.inFlight === 2);
    await turns();
    peer.socket.resume();
    await until('it is told', () => peer.chunks.at(-1)?.includes('\u0002\u000dSLOW_CONSUMER') === true);
    expect(calc.lost).toEqual([]);
  });
});
