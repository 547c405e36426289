// The time a Command may run at its server: whatever its handler does, it fails with TIMEOUT, its signal aborts, and
// what comes later is dropped.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { deferred } from '../../../lib/callbacks.js';
import type { CmdStreamError, CommandContext, CommandInvoker, ResultSink } from '../../../lib/core.js';
import { ADD_2_3, GREETING, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { event, EXTENDED_GREETING, hello, PROBE } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { Item, openStage, PlayCmd } from '../../support/stage.js';
import { CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const limit = { commandTimeoutMs: 30 };
const message = expect.stringMatching(/^the handler of .* took longer than its time limit at the server \(30 mill/);
const late = { code: 'TIMEOUT', message };

/** Keeps what it is given, and answers by the test alone. */
class Holding implements CommandInvoker {
  readonly calls: { readonly context: CommandContext; readonly sink: ResultSink }[] = [];

  invoke(_command: unknown, context: CommandContext, sink: ResultSink): void {
    this.calls.push({ context, sink });
  }
}

function aborted({ signal }: CommandContext): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));
}

const untilAborted = async (_command: PlayCmd, context: CommandContext): Promise<never> => {
  throw await aborted(context);
};

async function* endless(): AsyncGenerator<Item> {
  for (let n = 0; ; n++) {
    await sleep(1);
    yield new Item(n, false);
  }
}

describe('commandTimeoutMs', () => {
  it.each<[string, (command: PlayCmd, context: CommandContext) => unknown]>([
    ['a promise that rejects with the reason of its signal', untilAborted],
    ['an Observable that does not end', () => ({ subscribe: () => ({ unsubscribe() {} }) })],
    ['a generator that does not end', endless],
  ])('ends a Command that gives %s, and its signal', async (_what, play) => {
    let reason: unknown;
    const watched = (command: PlayCmd, context: CommandContext): never => {
      void aborted(context).then((why) => (reason = why));
      return play(command, context) as never;
    };
    const { calc, client } = await openStage(own, watched, limit);
    const taken = async (): Promise<void> => {
      for await (const item of client.iterate(new PlayCmd())) expect(item).toBeInstanceOf(Item);
    };
    await expect(inTime('it fails', taken())).rejects.toMatchObject(late);
    await until('its signal aborts', () => reason !== undefined);
    expect(reason).toMatchObject(late);
    await until('nothing runs', () => calc.server.inFlight === 0);
    await turns();
    expect([calc.errors, calc.lost]).toEqual([[], []]);
  });

  it('stops a generator that waits for its taker', async () => {
    let hasEnded = false;
    const play = async function* (): AsyncGenerator<Item> {
      try {
        for (let n = 0; ; n++) yield new Item(n, false);
      } finally {
        hasEnded = true;
      }
    };
    const { client } = await openStage(own, play, limit);
    const items = client.iterate(new PlayCmd())[Symbol.asyncIterator]();
    await items.next();
    await until('the generator has ended', () => hasEnded);
    const rest = async (): Promise<void> => {
      while (!(await items.next()).done);
    };
    await expect(rest()).rejects.toMatchObject(late);
  });

  it('drops what comes later', async () => {
    const holding = new Holding();
    const calc = own(await CalcServer.start({ invoker: holding, ...limit, onPlainError: () => new CalcResult(-1) }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await peer.receives(GREETING + sumFrame(1, -1));
    const { context, sink } = holding.calls[0]!;
    expect([sink.isOpen, sink.next(new CalcResult(5)), context.signal.reason]).toMatchObject([false, 0, late]);
    sink.complete(new CalcResult(5));
    sink.error(new Error('too late'));
    await turns();
    expect(peer.hex).toBe(GREETING + sumFrame(1, -1));
    expect([calc.errors, calc.lost, calc.server.inFlight]).toEqual([[], [], 0]);
  });

  it('ends the connection of a plain peer, as any failure of a handler does', async () => {
    const holding = new Holding();
    const calc = own(await CalcServer.start({ invoker: holding, ...limit }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    expect(await calc.lostCause()).toMatchObject({ code: 'HANDLER_ERROR', cause: late });
    await peer.ends();
    expect(calc.server.connections).toBe(0);
  });

  it('ends an event, which is reported, and makes room for the next one', async () => {
    const holding = new Holding();
    const calc = own(await CalcServer.start({ invoker: holding, ...limit, maxInFlightPerConnection: 1 }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + event('one') + event('two'));
    await until('both are over', () => calc.errors.length === 2);
    expect(calc.errors).toMatchObject([late, late]);
    expect(holding.calls.map(({ context }) => (context.signal.reason as CmdStreamError).code)).toEqual([
      'TIMEOUT',
      'TIMEOUT',
    ]);
    // Their handlers run on.
    expect([calc.server.inFlight, calc.lost]).toEqual([2, []]);
    for (const { sink } of holding.calls) sink.complete();
    expect(calc.server.inFlight).toBe(0);
    // Nothing behind the greeting, whose end says what the contract is.
    expect(peer.hex.endsWith(EXTENDED_GREETING.slice(-80))).toBe(true);
  });

  it('does not touch a Command that is over in time, nor its Results that wait', async () => {
    const signals: AbortSignal[] = [];
    const play = ({ name }: PlayCmd, { signal }: CommandContext): Item => {
      signals.push(signal);
      return new Item(0, true, name);
    };
    const { calc, client } = await openStage(own, play, limit);
    for (const name of ['one', 'two']) expect(await client.execute(new PlayCmd(name))).toMatchObject({ text: name });
    expect(signals.map(({ reason }) => (reason as CmdStreamError).code)).toEqual(['ANSWERED', 'ANSWERED']);
    expect(calc.errors).toEqual([]);
  });

  it('is what the Invoker says of a Command, where it says something', async () => {
    const holding = new Holding();
    const asked: unknown[] = [];
    const invoker: CommandInvoker = {
      invoke: (command, context, sink) => holding.invoke(command, context, sink),
      timeoutMsOf(command) {
        asked.push(command);
        return (command as { A: number }).A === 2 ? 30 : 0;
      },
    };
    const onPlainError = (): CalcResult => new CalcResult(-1);
    const calc = own(await CalcServer.start({ invoker, commandTimeoutMs: 1, onPlainError }));
    const peer = own(await calc.connect());
    peer.write(`02${ADD_2_3.slice(2).replace('2241223a32', '2241223a31')}${ADD_2_3}`);
    await peer.receives(GREETING + sumFrame(1, -1));
    expect(asked).toHaveLength(2);
    expect(calc.server.inFlight).toBe(2);
    holding.calls[1]!.sink.complete();
    expect(calc.server.inFlight).toBe(1);
    holding.calls[0]!.sink.complete(new CalcResult(4));
    await peer.receives(GREETING + sumFrame(1, -1) + sumFrame(2, 4));
  });
});

describe('a handler that does not heed its signal', () => {
  const bounded = { ...limit, maxInFlight: 2 };
  const refusal = expect.stringContaining('the server runs maxInFlight (2) Commands already');
  const overloaded = { code: 'OVERLOADED', message: refusal };

  it.each<[string, (done: Promise<void>) => (command: PlayCmd) => unknown]>([
    ['a promise', (done) => () => done],
    [
      'a generator',
      (done) =>
        async function* () {
          await done;
          yield new Item();
        },
    ],
    [
      'a generator at its end',
      (done) =>
        async function* () {
          try {
            for (let n = 0; ; n++) yield new Item(n, false);
          } finally {
            await done;
          }
        },
    ],
  ])('counts until it ends, beside those that answer: %s', async (_what, playOf) => {
    const done = deferred();
    const ignoring = playOf(done.promise);
    const play = (command: PlayCmd): unknown => (command.name === 'quick' ? new Item(1) : ignoring(command));
    const { calc, client } = await openStage(own, play as never, bounded);
    const take = async (name: string): Promise<void> => {
      for await (const item of client.iterate(new PlayCmd(name), { idempotent: false })) expect(item.n).toBeDefined();
    };
    await expect(take('one')).rejects.toMatchObject(late);
    expect(calc.server.inFlight).toBe(1);
    await take('quick');
    await expect(take('two')).rejects.toMatchObject(late);
    expect(calc.server.inFlight).toBe(2);
    await expect(take('quick')).rejects.toMatchObject(overloaded);
    done.resolve();
    await until('nothing runs', () => calc.server.inFlight === 0);
    await take('quick');
    expect([calc.errors, calc.lost]).toEqual([[], []]);
  });

  it.each([
    ['an Error', new Error('a mistake')],
    ['undefined', undefined],
  ])('has what it fails with later reported, if that is no reason of its signal: %s', async (_what, mistake) => {
    const done = deferred();
    const play = (): Promise<never> => done.promise.then(() => Promise.reject(mistake as Error));
    const { calc, client } = await openStage(own, play, limit);
    await expect(client.execute(new PlayCmd(), { idempotent: false })).rejects.toMatchObject(late);
    done.resolve();
    await until('nothing runs', () => calc.server.inFlight === 0);
    expect(calc.errors).toEqual([mistake]);
  });

  it('counts when it pushes more than its taker may leave unread', async () => {
    const sinks: ResultSink[] = [];
    const invoker: CommandInvoker = { invoke: (_command, _context, sink) => void sinks.push(sink) };
    const { calc, client } = await openStage(own, () => undefined, { invoker, maxStreamBufferBytes: 1024 });
    const items = client.iterate(new PlayCmd())[Symbol.asyncIterator]();
    const first = items.next();
    await until('it has arrived', () => sinks.length === 1);
    const [sink] = sinks;
    for (let n = 0; sink!.isOpen; n++) sink!.next(new Item(n, false, 'x'.repeat(100)));
    await first;
    const rest = async (): Promise<void> => {
      while (!(await items.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'SLOW_CONSUMER' });
    expect(calc.server.inFlight).toBe(1);
    sink!.complete();
    sink!.complete();
    expect(calc.server.inFlight).toBe(0);
  });

  it('counts for a plain peer whose failure was mapped to a Result', async () => {
    const holding = new Holding();
    const onPlainError = (): CalcResult => new CalcResult(-1);
    const calc = own(await CalcServer.start({ invoker: holding, ...bounded, onPlainError }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await peer.receives(GREETING + sumFrame(1, -1));
    expect(calc.server.inFlight).toBe(1);
    peer.destroy();
    await until('its connection is over', () => calc.server.connections === 0);
    expect(calc.server.inFlight).toBe(1);
    const bytes = calc.server.bufferedBytes;
    holding.calls[0]!.sink.error(new Error('too late'));
    expect(calc.server.inFlight).toBe(0);
    expect(calc.server.bufferedBytes).toBeLessThan(bytes);
  });

  it('counts when its event was ended, whose connection may be gone', async () => {
    const holding = new Holding();
    const calc = own(await CalcServer.start({ invoker: holding, ...bounded }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + event('one') + event('two'));
    await until('both are over', () => calc.errors.length === 2);
    peer.write(event('three'));
    await until('it is dropped', () => calc.errors.length === 3);
    expect(calc.errors[2]).toMatchObject({ code: 'OVERLOADED' });
    peer.destroy();
    await until('its connection is over', () => calc.server.connections === 0);
    expect(calc.server.inFlight).toBe(2);
    const [one, two] = holding.calls.map(({ sink, context }) => ({ sink, reason: context.signal.reason as Error }));
    one!.sink.error(one!.reason);
    two!.sink.error(new Error('a mistake'));
    expect([calc.server.inFlight, calc.server.bufferedBytes]).toEqual([0, 0]);
  });

  it('takes the places of the events that wait, too, until it ends', async () => {
    const holding = new Holding();
    const calc = own(await CalcServer.start({ invoker: holding, ...bounded, maxInFlightPerConnection: 1 }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + ['one', 'two', 'three', 'four'].map((name) => event(name)).join(''));
    await until('all are over', () => calc.errors.length === 4);
    const why = expect.stringMatching(/^the event (three|four) was dropped: maxInFlight \(2\) handlers run on/);
    const dropped = { code: 'OVERLOADED', message: why };
    expect(calc.errors).toMatchObject([late, late, dropped, dropped]);
    expect([holding.calls.length, calc.server.inFlight]).toEqual([2, 2]);
    for (const { sink } of holding.calls) sink.complete();
    peer.write(event('five'));
    await until('it runs', () => holding.calls.length === 3);
    holding.calls[2]!.sink.complete();
    expect([calc.server.inFlight, calc.server.bufferedBytes]).toEqual([0, 0]);
  });
});
