// Plain peers and how much may be on its way to them: who reads keeps the connection, who goes on without end does not.
import { describe, expect, it } from '@jest/globals';
import type { CommandClient, CommandServerOptions, CommandInvoker } from '../../../lib/core.js';
import type { CalcServer } from '../../support/calc-server.js';
import { turns } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { Item, openStage, PlayCmd } from '../../support/stage.js';

const own = guardLeaks();
/** The smallest there are: 66,560 bytes may wait. */
const narrow = { maxSendBufferBytes: 65_536, maxStreamBufferBytes: 1_024 };
const item = (n: number, bytes: number, last = false): Item => new Item(n, last, 'x'.repeat(bytes));

async function openPlain(
  invoke: CommandInvoker['invoke'],
  options: Partial<CommandServerOptions> = {},
): Promise<{ calc: CalcServer; client: CommandClient }> {
  const stage = await openStage(own, () => undefined, { ...options, invoker: { invoke } }, { extension: false });
  await stage.client.connect();
  return stage;
}

describe('a plain peer that reads', () => {
  it.each([2, 6, 10])('gets %d Results of 3 MB that are made at once', async (count) => {
    const { calc, client } = await openPlain(async (_command, _context, sink) => {
      await turns(2);
      sink.complete(item(1, 3_000_000, true));
    });
    const items = await Promise.all(Array.from({ length: count }, () => client.execute(new PlayCmd())));
    expect(items.map(({ text }) => text.length)).toEqual(items.map(() => 3_000_000));
    expect(calc.lost).toEqual([]);
  });

  it('keeps its connection beside producers that wait each time there is no room, in hand what they had', async () => {
    const rounds = 30;
    const { calc, client } = await openPlain(async (_command, _context, sink) => {
      for (let round = 1; round <= rounds; round++) {
        for (let burst = 0; burst < 3; burst++) sink.next(item(round, 60_000));
        await sink.drained;
      }
      sink.complete(item(0, 0, true));
    }, narrow);
    const sink = new RecordingSink<Item>();
    client.dispatch(new PlayCmd(), sink);
    expect(await sink.ended()).toBeUndefined();
    expect(sink.results).toHaveLength(3 * rounds + 1);
    expect(calc.lost).toEqual([]);
  });

  it('gets the last Result, however many of its producer wait', async () => {
    const { calc, client } = await openPlain((_command, _context, sink) => {
      // Two that may wait, and two that were made before their producer could know.
      for (let n = 1; n <= 4; n++) sink.next(item(n, 60_000));
      sink.complete(item(5, 60_000, true));
    }, narrow);
    const sink = new RecordingSink<Item>();
    client.dispatch(new PlayCmd(), sink);
    expect(await sink.ended()).toBeUndefined();
    expect(sink.results.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
    expect(calc.lost).toEqual([]);
  });

  it('loses it to a producer that goes on although more waits than may', async () => {
    let made = 0;
    const { calc, client } = await openPlain((_command, { signal }, sink) => {
      while (!signal.aborted && made < 1000) sink.next(item(++made, 30_000));
      sink.complete();
    }, narrow);
    const sink = new RecordingSink();
    client.dispatch(new PlayCmd(), sink);
    expect(await sink.ended()).toMatchObject({ code: 'CONNECTION_LOST' });
    expect(await calc.lostCause()).toMatchObject({
      code: 'SEND_BUFFER_FULL',
      message: expect.stringContaining('maxStreamBufferBytes and maxSendBufferBytes together (66560)'),
    });
    expect(made).toBeLessThanOrEqual(6);
  });
});
