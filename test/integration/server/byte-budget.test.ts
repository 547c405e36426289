// A server that holds as many bytes for its peers as it may: who holds most gets no more, or goes; all others are
// served as ever; and nothing is counted when it is gone. Each bound stands beside a peer that keeps to it.
import { describe, expect, it } from '@jest/globals';
import type { CommandContext, CommandInvoker, CommandServerOptions, ResultSink } from '../../../lib/core.js';
import { costOfCommand } from '../../../lib/server/byte-budget.js';
import {
  ADD_2_3,
  addFrame,
  countFrame,
  echoFrame,
  echoResultFrame,
  GREETING,
  SUM_5,
} from '../../support/calc-frames.js';
import { calcInvoker } from '../../support/calc-invoker.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { cancel, credit, event, hello, meta, PROBE } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { AddCmd, CountResult, EchoResult } from '../../support/vector-contract.js';

const own = guardLeaks();

const MIB = 1024 * 1024;
const LIMIT = 4 * MIB;
/** Of an EchoCmd that counts for some 322,000 bytes: with ten of them room is short, fourteen are too many. */
const TEXT = 'x'.repeat(80_000);

/** Answers AddCmd at once, and keeps the others running until the test answers them. */
class Holding implements CommandInvoker {
  readonly sinks: ResultSink[] = [];
  readonly contexts: CommandContext[] = [];

  invoke(command: unknown, context: CommandContext, sink: ResultSink): void {
    if (command instanceof AddCmd) return void calcInvoker.invoke(command, context, sink);
    this.sinks.push(sink);
    this.contexts.push(context);
  }

  answer(count = this.sinks.length): void {
    for (const sink of this.sinks.splice(0, count)) sink.complete(new EchoResult('y'));
  }
}

interface Held {
  readonly calc: CalcServer;
  readonly holding: Holding;
}

async function hold(options: Partial<CommandServerOptions> = {}): Promise<Held> {
  const holding = new Holding();
  const calc = own(await CalcServer.start({ invoker: holding, maxBufferedBytes: LIMIT, ...options }));
  own({ destroy: () => holding.answer() });
  return { calc, holding };
}

async function connect({ calc }: Held, kind: 'plain' | 'extended' = 'plain'): Promise<RawPeer> {
  const peer = own(await calc.connect());
  if (kind === 'extended') peer.write(PROBE + hello());
  // HELLO says maxInFlightPerConnection, and is longer for a large one.
  await peer.receivesBytes(GREETING.length / 2 + (kind === 'plain' ? 0 : 50));
  await turns();
  return peer;
}

const echoes = (from: number, count: number, text = TEXT): string =>
  Array.from({ length: count }, (_, at) => echoFrame(from + at, text)).join('');

/** A connection, open or new, with so many Commands running. */
async function runs(held: Held, peer: RawPeer, count: number, from = 1): Promise<RawPeer> {
  const before = held.holding.sinks.length;
  peer.write(echoes(from, count));
  await until('its Commands run', () => held.holding.sinks.length === before + count);
  return peer;
}

/** A peer that wants little gets it at once. */
async function isServed(held: Held): Promise<void> {
  const peer = await connect(held);
  peer.write(ADD_2_3);
  await peer.receives(GREETING + SUM_5);
  await peer.destroy();
}

const isRefused = (peer: RawPeer, times: number): boolean =>
  peer.received.toString('latin1').split('OVERLOADED').length > times;

describe('an extended connection that holds more than its part, when little is left', () => {
  it('has further Commands refused with OVERLOADED until its own have ended', async () => {
    const held = await hold();
    const hog = await connect(held, 'extended');
    hog.write(echoes(1, 13));
    await until('three are refused', () => isRefused(hog, 3));
    expect(held.holding.sinks).toHaveLength(10);
    expect(held.calc.server.bufferedBytes).toBeLessThan(LIMIT);
    await isServed(held);
    held.holding.answer(10);
    hog.write(echoes(14, 8));
    await until('others run', () => held.holding.sinks.length === 8);
    expect(held.calc.lost).toEqual([
      expect.objectContaining({ cause: expect.objectContaining({ code: 'PEER_CLOSED' }) }),
    ]);
  });

  it('has its credit, its cancellations and its pings go through', async () => {
    const held = await hold();
    const hog = await connect(held, 'extended');
    hog.write(meta(1, { credit: 1 }) + countFrame(1, 9));
    await until('it runs', () => held.holding.sinks.length === 1);
    await runs(held, hog, 10, 2);
    const [stream] = held.holding.sinks;
    for (let n = 0; n < 2; n++) stream!.next(new CountResult(n, false));
    hog.write(echoes(12, 1));
    await until('it is refused', () => isRefused(hog, 1));
    expect(hog.received.toString('latin1')).not.toContain('"I":1');
    hog.write(`${credit(1, 1)}${cancel(2)}00`);
    await until('the next Result comes', () => hog.received.toString('latin1').includes('"I":1'));
    await until('a handler learns it', () => held.holding.contexts[1]!.signal.aborted);
    await until('the pong comes', () => hog.hex.endsWith('00'));
  });

  it('has events dropped, which are reported', async () => {
    const held = await hold();
    const hog = await runs(held, await connect(held, 'extended'), 10);
    hog.write(event('orders'));
    await until('it is reported', () => held.calc.errors.length > 0);
    expect(held.calc.errors[0]).toMatchObject({
      code: 'OVERLOADED',
      message: `the event orders was dropped: the server holds almost maxBufferedBytes (${LIMIT}) for its peers, much of it for this one`,
    });
  });

  it('has a source that cannot wait for its taker end with SLOW_CONSUMER', async () => {
    const held = await hold();
    const hog = await connect(held, 'extended');
    hog.write(meta(1, { credit: 1 }) + countFrame(1, 9));
    await until('it runs', () => held.holding.sinks.length === 1);
    await runs(held, hog, 10, 2);
    const [stream] = held.holding.sinks;
    for (let n = 0; n < 9; n++) stream!.next(new CountResult(n, false));
    expect([stream!.isOpen, held.holding.contexts[0]!.signal.reason]).toMatchObject([false, { code: 'SLOW_CONSUMER' }]);
    hog.write(credit(1, 9));
    await until('its caller learns it', () => hog.received.toString('latin1').includes('SLOW_CONSUMER'));
    expect(held.holding.contexts[1]!.signal.aborted).toBe(false);
  });
});

describe('a plain connection that holds more than its part, when little is left', () => {
  it('is not read from until its Commands end, and has all of them answered', async () => {
    const held = await hold();
    const hog = await connect(held);
    hog.write(echoes(1, 25));
    await until('ten run', () => held.holding.sinks.length >= 10);
    await turns(20);
    expect(held.holding.sinks).toHaveLength(10);
    await isServed(held);
    for (let answered = 0; answered < 25; answered++) {
      await until('the next one runs', () => held.holding.sinks.length > 0);
      held.holding.answer(1);
    }
    await hog.receives(GREETING + Array.from({ length: 25 }, (_, at) => echoResultFrame(at + 1, 'y')).join(''));
  });

  it('is read from again when others have let go, without anything of its own ending', async () => {
    const held = await hold();
    const [hog, other] = [await connect(held), await connect(held)];
    await runs(held, hog, 6);
    await runs(held, other, 4);
    const still = held.holding.sinks.slice(6);
    other.write(echoes(5, 2));
    await turns(20);
    expect(held.holding.sinks).toHaveLength(10);
    held.holding.answer(6);
    await until('the rest is read', () => held.holding.sinks.length === 6);
    expect(still.every(({ isOpen }) => isOpen)).toBe(true);
  });
});

describe('the connection that holds the most, when nothing is left', () => {
  it.each(['plain', 'extended'] as const)('goes with MEMORY_PRESSURE, a %s one too, and others stay', async (kind) => {
    const held = await hold();
    const hog = await runs(held, await connect(held, kind), 7);
    const others: RawPeer[] = [];
    for (let n = 0; n < 7; n++) others.push(await runs(held, await connect(held), 1));
    await hog.ends();
    expect(await held.calc.lostCause()).toMatchObject({ code: 'MEMORY_PRESSURE' });
    expect(held.holding.contexts.map(({ signal }) => signal.aborted)).toEqual(
      Array.from({ length: 14 }, (_, at) => at < 7),
    );
    await isServed(held);
    held.holding.answer();
    for (const other of others) await other.receives(GREETING + echoResultFrame(1, 'y'));
  });

  it('is one with an unfinished frame sooner than one with a Command at work, and frames go on to their end', async () => {
    const held = await hold();
    const whole = Buffer.from(echoFrame(1, 'x'.repeat(600_000)), 'hex');
    const peers: RawPeer[] = [];
    for (let n = 0; n < 9; n++) {
      const peer = await connect(held);
      peer.write(whole.subarray(0, -10));
      peers.push(peer);
      await until('it has arrived', () => held.calc.server.bufferedBytes > Math.min(n + 1, 4) * 600_000);
      expect(held.calc.server.bufferedBytes).toBeLessThanOrEqual(LIMIT);
    }
    await until('some have gone', () => held.calc.lost.length >= 3);
    expect(held.calc.lost.map(({ cause }) => cause.code)).toEqual(held.calc.lost.map(() => 'MEMORY_PRESSURE'));
    await isServed(held);
    await until('they know it', () => peers.filter(({ isEnded }) => isEnded).length >= 3);
    const open = peers.find(({ isEnded }) => !isEnded)!;
    open.write(whole.subarray(-10));
    await until('its Command runs', () => held.holding.sinks.length === 1);
    expect(held.calc.server.bufferedBytes).toBeLessThanOrEqual(LIMIT);
    held.holding.answer();
    await open.receives(GREETING + echoResultFrame(1, 'y'));
  });

  it('is one that does not read its Results, with all that waits for it', async () => {
    const held = await hold({ maxSendBufferBytes: 64 * MIB, maxStreamBufferBytes: 64 * MIB });
    const hog = await connect(held);
    hog.socket.pause();
    hog.write(countFrame(1, 9) + echoFrame(2, 'z'));
    await until('its Commands run', () => held.holding.sinks.length === 2);
    const [count, echo] = held.holding.sinks;
    await until('it has gone', () => {
      for (let n = 0; n < 5_000 && count!.isOpen; n++) count!.next(new CountResult(n, false));
      return held.calc.lost.length > 0;
    });
    expect(await held.calc.lostCause()).toMatchObject({ code: 'MEMORY_PRESSURE' });
    expect(echo!.isOpen).toBe(false);
    held.holding.answer();
    await until('nothing is held for it', () => held.calc.server.bufferedBytes === 0);
  });

  it('takes the events along that wait for it, which are reported', async () => {
    const held = await hold({ maxInFlightPerConnection: 2 });
    const hog = await connect(held, 'extended');
    const large = (seq: number): string => meta(seq, { noAnswer: true }) + echoFrame(seq, TEXT);
    hog.write(echoes(1, 2) + [3, 4, 5, 6].map(large).join(''));
    await until('two of each run', () => held.holding.sinks.length === 4);
    for (let n = 0; n < 12; n++) await runs(held, await connect(held), 1).catch(() => {});
    await until('the hog has gone', () => hog.isEnded);
    expect(held.calc.errors).toContainEqual(expect.objectContaining({ code: 'MEMORY_PRESSURE' }));
  });
});

describe('Commands and events that outlive their connection', () => {
  it('count until they are over, and end no other connection', async () => {
    const held = await hold();
    const [leaver, other] = [await connect(held), await connect(held)];
    await runs(held, leaver, 9);
    leaver.reset();
    await until('it has gone', () => held.calc.lost.length === 1);
    const left = held.calc.server.bufferedBytes;
    expect(left).toBeGreaterThan(9 * 320_000);
    await runs(held, other, 6);
    expect(held.calc.server.bufferedBytes).toBeGreaterThan(LIMIT);
    expect(held.calc.lost).toHaveLength(1);
    held.holding.answer();
    await other.destroy();
    await until('nothing is counted', () => held.calc.server.bufferedBytes === 0);
  });

  it('count as events that wait, whose bound is a quarter of it', async () => {
    const held = await hold({ maxInFlightPerConnection: 1 });
    const peer = await connect(held, 'extended');
    peer.write(event('orders').repeat(12_000));
    await until('some are dropped', () => held.calc.errors.length > 0);
    expect((held.calc.errors[0] as Error).message).toContain(`the limit of ${LIMIT / 16} bytes of its connection`);
    peer.reset();
    await until('it has gone', () => held.calc.lost.length === 1);
    expect(held.calc.server.bufferedBytes).toBeGreaterThan(20_000);
    await until('all events have run', () => {
      held.holding.answer();
      return held.calc.server.inFlight === 0;
    });
    await until('nothing is counted', () => held.calc.server.bufferedBytes === 0);
  });
});

it('counts nothing any more when all have gone, however they went', async () => {
  const held = await hold({ maxBufferedBytes: 64 * MIB, maxInFlightPerConnection: 4 });
  const half = echoFrame(9, 'x'.repeat(300_000)).slice(0, 400_000);
  for (let round = 0; round < 3; round++) {
    const plain = await Promise.all([1, 2, 3, 4, 5].map(() => connect(held)));
    const extended = await Promise.all([1, 2, 3, 4].map(() => connect(held, 'extended')));
    for (const peer of [...plain, ...extended]) peer.write(echoes(1, 3) + addFrame(4, 2, 3));
    await until('their Commands run', () => held.holding.sinks.length === 27);
    // Half a frame; more than may run, so that it is paused; refused; events that wait; none; bytes that make no sense.
    plain[0]!.write(half);
    plain[1]!.write(echoes(5, 9));
    extended[0]!.write(echoes(5, 9));
    extended[1]!.write(event('orders').repeat(20) + half);
    extended[2]!.write(cancel(1) + cancel(2));
    plain[2]!.write('ff'.repeat(20));
    extended[3]!.write(meta(5, { metadata: { a: 'b'.repeat(5_000) }, credit: 1 }) + countFrame(5, 3));
    await until('it is refused', () => isRefused(extended[0]!, 8));
    held.holding.answer(5);
    await turns(10);
    plain[3]!.reset();
    plain[4]!.finish();
    for (const peer of extended.slice(0, 3)) peer.reset();
    plain[0]!.finish();
    await Promise.all([...plain, ...extended].map((peer) => peer.destroy()));
    await until('their handlers are done', () => {
      held.holding.answer();
      return held.calc.server.inFlight === 0 && held.calc.server.connections === 0;
    });
    await until('nothing is counted', () => held.calc.server.bufferedBytes === 0);
  }
  expect(held.calc.lost).toHaveLength(27);
});

it('metadata counts once: beside the bytes of a Command, within those of an event by pattern', async () => {
  const held = await hold();
  const peer = await connect(held, 'extended');
  const metadata = { a: 'b'.repeat(5_000) };
  for (const frames of [event('orders', metadata), meta(1, { metadata }) + countFrame(1, 3)]) {
    peer.write(frames);
    await until('it runs', () => held.holding.sinks.length === 1);
    expect(held.calc.server.bufferedBytes).toBeGreaterThan(costOfCommand(5_000));
    expect(held.calc.server.bufferedBytes).toBeLessThan(costOfCommand(5_100));
    held.holding.answer();
    await until('nothing is counted', () => held.calc.server.bufferedBytes === 0);
  }
});

it('an idle connection keeps nothing that counts', async () => {
  const held = await hold({ invoker: calcInvoker });
  const peer = await connect(held);
  peer.write(echoFrame(1, TEXT) + addFrame(2, 2, 3));
  await peer.receivesBytes(GREETING.length / 2 + TEXT.length);
  await until('its memory is let go', () => held.calc.server.bufferedBytes === 0);
  expect(held.calc.lost).toEqual([]);
});
