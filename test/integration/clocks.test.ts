// Time limits are measured with a clock that only goes forward, and what had arrived when one is over is read first.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CommandContext } from '../../lib/core.js';
import { ADD_2_3, SUM_5 } from '../support/calc-frames.js';
import { CalcServer } from '../support/calc-server.js';
import { openPair } from '../support/client-pair.js';
import { inTime, until } from '../support/deadline.js';
import { hello, PROBE, meta } from '../support/extension-frames.js';
import { guardLeaks } from '../support/leak-guard.js';
import { Item, openStage, PlayCmd } from '../support/stage.js';
import { AddCmd, CalcResult } from '../support/vector-contract.js';

const own = guardLeaks();

afterEach(() => {
  jest.restoreAllMocks();
});

const realNow = Date.now;
const HOUR_MS = 3_600_000;
/** Of a Command: enough to begin with it on a busy machine. */
const LIMIT_MS = 500;

function setClock(now: () => number): void {
  jest.spyOn(Date, 'now').mockImplementation(now);
}

function aborted({ signal }: CommandContext): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

describe('the clock on the wall', () => {
  /** The context of a Command that has so much time, whose client says nothing more, after the clock was set. */
  async function contextOf(remainingMs: number, now: () => number): Promise<CommandContext> {
    let context: CommandContext | undefined;
    const invoker = {
      invoke: (_: unknown, given: CommandContext) => {
        setClock(now);
        void given.signal;
        context = given;
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + meta(1, { remainingMs }) + ADD_2_3);
    await until('it runs', () => context !== undefined);
    return context!;
  }

  it.each([
    ['jump back by an hour', () => realNow() - HOUR_MS],
    ['jump by an hour', () => realNow() + HOUR_MS],
    ['stand still', () => 1_700_000_000_000],
  ])('may %s while a Command runs: its signal aborts in its time', async (_, now) => {
    const context = await contextOf(LIMIT_MS, now);
    await inTime('the signal aborts', aborted(context));
    expect(context.signal.reason).toMatchObject({ code: 'TIMEOUT' });
    expect(context.deadline).toBe(context.receivedAt + LIMIT_MS);
  });

  it.each([-HOUR_MS, HOUR_MS])('may jump by %i ms: a Command that has time is not ended', async (jump) => {
    const { signal } = await contextOf(600_000, () => realNow() + jump);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(signal.aborted).toBe(false);
  });

  it('may jump between the arrival of a Command and its start', async () => {
    let jumps = 0;
    setClock(() => realNow() + HOUR_MS * jumps++);
    const { client } = await openStage(own, () => new Item(1));
    expect(await client.execute(new PlayCmd(), { timeoutMs: 10_000 })).toMatchObject({ n: 1 });
  });
});

describe('a time limit that ends while this process stands still', () => {
  function block(ms: number): void {
    const end = performance.now() + ms;
    while (performance.now() < end);
  }

  it('is none for the answer that has arrived meanwhile', async () => {
    const { client, peer } = await openPair(own);
    const sum = client.execute(new AddCmd(2, 3), { timeoutMs: 50 });
    await peer.receives(ADD_2_3);
    peer.write(SUM_5);
    block(100);
    expect(await sum).toEqual(new CalcResult(5));
  });

  it('ends a call without an answer all the same, once', async () => {
    const { client, peer } = await openPair(own);
    const sum = client.execute(new AddCmd(2, 3), { timeoutMs: 50 });
    await peer.receives(ADD_2_3);
    block(100);
    await expect(sum).rejects.toMatchObject({ code: 'TIMEOUT', sent: true });
    await until('nothing is pending', () => client.pending === 0);
  });
});
