// What travels with a Command besides its own bytes: the time that is left, and metadata.
import { describe, expect, it } from '@jest/globals';
import {
  Command,
  defineContract,
  type CommandContext,
  type DispatchStrategy,
  type ResultSink,
} from '../../../lib/core.js';
import { subscribe } from '../../../lib/server/call/result-source.js';
import { ADD_2_3, echoFrame, sumFrame } from '../../support/calc-frames.js';
import { calcClient } from '../../support/calc-client.js';
import { CalcServer } from '../../support/calc-server.js';
import { until } from '../../support/deadline.js';
import { EXTENDED_GREETING, hello, PROBE, meta } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { Item, openStage, PlayCmd } from '../../support/stage.js';
import { AddCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

/** A server that keeps the contexts of its Commands and runs them without an end. */
async function keeping() {
  const contexts: CommandContext[] = [];
  const invoker = { invoke: (_: unknown, context: CommandContext) => void contexts.push(context) };
  const calc = own(await CalcServer.start({ invoker }));
  return { calc, contexts };
}

describe('a time limit', () => {
  it.each([
    ['of HELLO without a META', hello({ timeoutMs: 5_000 }), '', 5_000],
    ['of META instead', hello({ timeoutMs: 5_000 }), meta(1, { remainingMs: 70_000 }), 70_000],
    ['of HELLO when META says nothing of it', hello({ timeoutMs: 5_000 }), meta(1, { metadata: { a: 'b' } }), 5_000],
  ])('becomes the deadline: that %s', async (_what, greeting, before, limit) => {
    const { calc, contexts } = await keeping();
    const peer = own(await calc.connect());
    peer.write(PROBE + greeting + before + ADD_2_3);
    await until('it runs', () => contexts.length === 1);
    expect(contexts[0]!.deadline).toBe(contexts[0]!.receivedAt + limit);
  });

  it.each([
    ['META lifts it', hello({ timeoutMs: 5_000 }), meta(1, { remainingMs: 0 })],
    ['HELLO has none', hello(), ''],
  ])('is none when %s', async (_what, greeting, before) => {
    const { calc, contexts } = await keeping();
    const peer = own(await calc.connect());
    peer.write(PROBE + greeting + before + ADD_2_3);
    await until('it runs', () => contexts.length === 1);
    expect(contexts[0]!.deadline).toBeUndefined();
  });

  it('aborts the signal when it is over', async () => {
    const { calc, contexts } = await keeping();
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + meta(1, { remainingMs: 200 }) + ADD_2_3);
    await until('it runs', () => contexts.length === 1);
    const { signal } = contexts[0]!;
    await until('it is aborted', () => signal.aborted);
    expect(signal.reason).toMatchObject({ code: 'TIMEOUT' });
  });

  it('stops what pushes its Results when it is over, though its signal was not asked for', async () => {
    const stopped: unknown[] = [];
    const pushing = { subscribe: () => ({ unsubscribe: () => stopped.push('stopped') }) };
    const invoker = {
      invoke: (_: unknown, context: CommandContext, sink: ResultSink) => subscribe(pushing, context, sink),
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + meta(1, { remainingMs: 20 }) + ADD_2_3);
    await until('it is stopped', () => stopped.length > 0 && calc.server.inFlight === 0);
    expect(stopped).toEqual(['stopped']);
  });

  it.each([2 ** 31, 2 ** 40, 2 ** 52])(
    'of %i ms, more than a timer can wait, does not end at once',
    async (remainingMs) => {
      const { calc, contexts } = await keeping();
      const peer = own(await calc.connect());
      peer.write(PROBE + hello() + meta(1, { remainingMs }) + ADD_2_3);
      await until('it runs', () => contexts.length === 1);
      const { signal, deadline, receivedAt } = contexts[0]!;
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(signal.aborted).toBe(false);
      expect(deadline).toBe(receivedAt + remainingMs);
    },
  );

  it('keeps a Command from being executed when it is over before', async () => {
    const ran: unknown[] = [];
    const invoker = {
      invoke: (_: unknown, { seq }: CommandContext) => {
        ran.push(seq);
        const busyUntil = Date.now() + 5;
        while (Date.now() < busyUntil);
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + ADD_2_3 + meta(2, { remainingMs: 1 }) + echoFrame(2, 'late'));
    await until('it is refused', () => peer.received.includes('TIMEOUT'));
    expect(ran).toEqual([1]);
  });

  it('keeps a Command from being written when it is over before', async () => {
    class FirstCmd extends Command<Item> {}
    const contract = defineContract({ commands: [FirstCmd, PlayCmd], results: [Item] });
    const strategy: DispatchStrategy = {
      /** Keeps the process busy while the first one is written. */
      pick: ([connection], command) => {
        const busyUntil = command instanceof FirstCmd ? performance.now() + 60 : 0;
        while (performance.now() < busyUntil);
        return connection!;
      },
    };
    const ran: unknown[] = [];
    const invoker = {
      invoke: (command: unknown, _: CommandContext, sink: ResultSink) => {
        ran.push(command);
        sink.complete(new Item(1));
      },
    };
    const calc = own(await CalcServer.start({ contract, invoker }));
    const client = own(calcClient(calc.port, { contract, extension: true, dispatchStrategy: strategy }));
    const first = client.execute(new FirstCmd());
    const late = client.execute(new PlayCmd(), { timeoutMs: 50 });
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT', sent: false });
    await first;
    await client.execute(new PlayCmd());
    expect(ran).toHaveLength(2);
  });

  it.each([
    ['TIMEOUT', () => ({ timeoutMs: 100 })],
    ['CANCELLED', () => ({ signal: AbortSignal.timeout(100) })],
  ])('reaches the handler by its name when a call is given up: %s', async (code, optionsNow) => {
    let reason: unknown;
    const { client } = await openStage(
      own,
      (_, { signal }) =>
        new Promise<Item>((resolve) => {
          signal.addEventListener('abort', () => {
            reason = signal.reason;
            resolve(new Item(1));
          });
        }),
      {},
      { timeoutMs: 0 },
    );
    await expect(client.execute(new PlayCmd(), optionsNow())).rejects.toBeDefined();
    await until('the signal aborts', () => reason !== undefined);
    expect(reason).toMatchObject({ code });
  });

  it('of a call travels as what is left, and not at all when it is the default', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true, timeoutMs: 20_000 }));
    const plain = client.execute(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await until('the Command arrives', () => peer.hex.endsWith(ADD_2_3));
    const before = peer.hex.length;
    const limited = client.execute(new AddCmd(2, 3), { timeoutMs: 1_000_000 });
    await until('the Command arrives', () => peer.hex.length > before && peer.hex.endsWith(ADD_2_3.slice(2)));
    // 80 00, META, length 7: seq 2, a time (of three bytes), no credit, no metadata.
    expect(peer.hex.slice(before)).toMatch(new RegExp(`^80000207020[1].{6}0000${`02${ADD_2_3.slice(2)}`}$`));
    peer.write(sumFrame(1, 5) + sumFrame(2, 5));
    await Promise.all([plain, limited]);
  });

  it.each([
    ['none where the default is 4 ms', 4, 0, '800002050101000000'],
    ['a few milliseconds where the default is none', 0, 5, '800002050101'],
  ])('is not taken for the default: %s', async (_what, standard, timeoutMs, bytes) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true, timeoutMs: standard }));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await connected;
    client.dispatch(new AddCmd(2, 3), { next() {}, complete() {}, error() {} }, { timeoutMs });
    await until('the Command arrives', () => peer.hex.includes(ADD_2_3));
    expect(peer.hex.slice(0, peer.hex.indexOf(ADD_2_3))).toContain(bytes);
  });
});

describe('metadata', () => {
  it('reaches the handler as it was sent', async () => {
    const seen: unknown[] = [];
    const { client } = await openStage(own, (_, { metadata }) => {
      seen.push({ ...metadata });
      return new Item(1);
    });
    const metadata = { trace: 'abc', ключ: '值', empty: '' };
    await client.execute(new PlayCmd(), { metadata });
    await client.execute(new PlayCmd());
    expect(seen).toEqual([metadata, {}]);
  });

  it('is EXTENSION_UNAVAILABLE towards a plain server, and never sent', async () => {
    const { client } = await openStage(own, () => new Item(1), { extension: false });
    const failed = client.execute(new PlayCmd(), { metadata: { a: 'b' } });
    await expect(failed).rejects.toMatchObject({ code: 'EXTENSION_UNAVAILABLE', sent: false });
    await expect(client.execute(new PlayCmd())).resolves.toEqual(new Item(1));
  });

  it('costs only its call when it is larger than a frame may be', async () => {
    const { calc, client } = await openStage(
      own,
      () => new Item(1),
      { maxCommandBytes: 4_096 },
      { maxCommandBytes: 4_096 },
    );
    const failed = client.execute(new PlayCmd(), { metadata: { a: 'x'.repeat(5_000) } });
    await expect(failed).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE', sent: false });
    await expect(client.execute(new PlayCmd())).resolves.toEqual(new Item(1));
    expect(calc.lost).toEqual([]);
  });
});
