// Threats S8 to S18 and S21: what peers can do to a server that are slow, mute, many, or gone.
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { CommandContext, CommandInvoker, ResultSink } from '../../lib/core.js';
import { calcInvoker } from '../support/calc-invoker.js';
import {
  ADD_2_3,
  addFrame,
  countFrame,
  echoFrame,
  failFrame,
  frame,
  GREETING,
  SUM_5,
  sumFrame,
  uvarint,
} from '../support/calc-frames.js';
import { turns, until } from '../support/deadline.js';
import { cancel, event, EXTENDED_GREETING, hello, meta, PROBE } from '../support/extension-frames.js';
import { guardInvariants } from '../support/invariants.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoCmd } from '../support/vector-contract.js';

const { stand } = guardInvariants();
const many = (count: number, write: (seq: number) => string): string =>
  Array.from({ length: count }, (_, at) => write(at + 1)).join('');

/** Streams without an end, whose producers wait for their taker; knows how many of them run. */
class Producers implements CommandInvoker {
  running = 0;

  invoke(command: unknown, context: CommandContext, sink: ResultSink): void | Promise<void> {
    if (command instanceof CountCmd) return this.#produce(context.signal, sink);
    return calcInvoker.invoke(command, context, sink) as void;
  }

  async #produce(signal: AbortSignal, sink: ResultSink): Promise<void> {
    this.running++;
    const aborted = once(signal, 'abort');
    while (!signal.aborted) {
      sink.next(new CountResult(0, false));
      await Promise.race([sink.drained, aborted]);
      await turns(1);
    }
    this.running--;
  }
}

/** What is left of these bytes when they are cut before each one of them but the first. */
const cutsOf = (hex: string): string[] =>
  Array.from({ length: hex.length / 2 - 1 }, (_, at) => hex.slice(0, 2 * (at + 1)));

describe('S8 half a frame, then silence', () => {
  it.each([
    ['a Command', '', addFrame(1, 2, 3)],
    ['HELLO', PROBE, hello()],
    ['META', PROBE + hello(), meta(1, { metadata: { id: '7' } })],
    ['a Command behind its META', PROBE + hello() + meta(1, { remainingMs: 1_000 }), addFrame(1, 2, 3)],
    ['an event', PROBE + hello(), event('said')],
  ])('ends the connection, wherever it is cut: %s', async (_what, before, whole) => {
    const server = await stand({ frameTimeoutMs: 100 });
    const cuts = cutsOf(whole);
    for (const cut of cuts) await server.attack(before + cut);
    await server.reason(cuts.length - 1);
    expect(server.reasons.map(({ code }) => code)).toEqual(cuts.map(() => 'FRAME_TIMEOUT'));
    expect(server.ran).toBe(0);
  });

  it.each([
    ['a probe without HELLO', PROBE],
    ['META without its Command', PROBE + hello() + meta(1, {})],
  ])('is half of more than a frame, too: %s', async (_what, bytes) => {
    const server = await stand({ frameTimeoutMs: 100 });
    await server.attack(bytes);
    expect(await server.reason()).toMatchObject({ code: 'FRAME_TIMEOUT' });
  });
});

describe('S9 a frame that dribbles in', () => {
  it.each(['', PROBE + hello()])('ends the connection, as its time is not extended by what comes', async (before) => {
    const server = await stand({ frameTimeoutMs: 300 });
    const peer = await server.attack(`${before}0100${uvarint(1_000)}7b`);
    const timer = setInterval(() => peer.write('20'), 20);
    expect(await server.reason().finally(() => clearInterval(timer))).toMatchObject({ code: 'FRAME_TIMEOUT' });
  });
});

describe('S10 connections that say nothing', () => {
  it('keep no one out, and are not ended', async () => {
    const server = await stand();
    for (let at = 0; at < 500; at++) await server.attack();
    await (await server.attack(ADD_2_3)).receives(GREETING + SUM_5);
    expect(server.reasons).toEqual([]);
  });

  it('are as many of one address as it may have, where that is limited', async () => {
    const server = await stand({ maxConnectionsPerAddress: 10 });
    for (let at = 0; at < 30; at++) await server.attack();
    await server.reason(20);
    expect(new Set(server.reasons.map(({ code }) => code))).toEqual(new Set(['MAX_CONNECTIONS']));
  });
});

describe('S11 a peer that never reads what it asks for', () => {
  it.each([false, true])('is not read any further, or leaves; extended: %s', async (isExtended) => {
    const server = await stand({ maxSendBufferBytes: 65_536, maxStreamBufferBytes: 65_536, writeStallTimeoutMs: 500 });
    const peer = await server.attack(isExtended ? PROBE + hello() : '');
    peer.socket.pause();
    const text = 'x'.repeat(10_000);
    peer.write(many(2_000, (seq) => echoFrame(seq, text)));
    expect((await server.reason()).code).toMatch(/^(WRITE_STALL_TIMEOUT|SEND_BUFFER_FULL)$/);
  });

  it.each([false, true])('has all of it when it reads; extended: %s', async (isExtended) => {
    const server = await stand({ maxSendBufferBytes: 65_536 });
    const peer = await server.attack(isExtended ? PROBE + hello() : '');
    peer.write(many(1_000, (seq) => addFrame(seq, seq, 0)));
    await peer.receives((isExtended ? EXTENDED_GREETING : GREETING) + many(1_000, (seq) => sumFrame(seq, seq)));
  });
});

describe('S12 streams that are not read', () => {
  it.each([1, 1_000])('wait, and stop when their connection ends: %d', async (count) => {
    const producers = new Producers();
    const server = await stand({ invoker: producers });
    const peer = await server.attack(many(count, (seq) => countFrame(seq, 1)));
    peer.socket.pause();
    await until('all run', () => producers.running === count);
    peer.reset();
    await until('none runs', () => producers.running === 0);
    expect(await server.reason()).toMatchObject({ code: 'PEER_RESET' });
  });
});

describe('S13 a flood of pings', () => {
  it.each(['', PROBE + hello()])('ends the connection with PING_FLOOD', async (greeting) => {
    const server = await stand();
    const peer = await server.attack(greeting);
    peer.write(new Uint8Array(1_000_000));
    expect(await server.reason()).toMatchObject({ code: 'PING_FLOOD' });
  });

  it('is answered where it is not limited, and the neighbour meanwhile', async () => {
    const server = await stand({ maxPingsPerSecond: Infinity });
    const peer = await server.attack();
    peer.write(new Uint8Array(4_000_000));
    await expect(server.neighbour.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    await peer.receivesBytes(4_000_008);
  });
});

describe('S14 a flood of Commands', () => {
  it.each([
    [4, 20_000, ''],
    [4, 10_000, PROBE + hello()],
    [16, 5_000, ''],
  ])('of %d peers, %d each, lets the neighbour have its answers before theirs: %s', async (peers, count, greeting) => {
    const server = await stand();
    const attackers = await Promise.all(Array.from({ length: peers }, () => server.attack(greeting)));
    const hex = many(count, (seq) => addFrame(seq, 1, 1));
    const greeted = greeting === '' ? GREETING : EXTENDED_GREETING;
    const whole = (greeted + many(count, (seq) => sumFrame(seq, 2))).length / 2;
    await Promise.all(attackers.map((attacker) => attacker.receivesBytes(greeted.length / 2)));
    for (const attacker of attackers) attacker.write(hex);
    await until('it has begun', () => attackers.some(({ received }) => received.length > greeted.length / 2));
    for (let at = 0; at < 5; at++) await server.neighbour.execute(new AddCmd(2, at));
    expect(attackers.some(({ received }) => received.length < whole)).toBe(true);
    for (const attacker of attackers) await attacker.receivesBytes(whole);
  });

  it('that are cancelled at once ends the connection with TOO_MANY_CONTROL_FRAMES', async () => {
    const server = await stand({ maxControlFramesPerSecond: 100 });
    const peer = await server.attack(PROBE + hello());
    peer.write(many(20_000, (seq) => addFrame(seq, 1, 1) + cancel(seq)));
    expect(await server.reason()).toMatchObject({ code: 'TOO_MANY_CONTROL_FRAMES' });
  });
});

describe('S15 connections that come and go', () => {
  it('leave nothing behind', async () => {
    const server = await stand();
    for (let at = 0; at < 200; at++) {
      const peer = await server.attack(at % 2 === 0 ? '' : ADD_2_3);
      if (at % 3 === 0) peer.finish();
      else peer.reset();
    }
    await until('they have ended', () => server.calc.server.connections === 1);
    for (const { code } of server.reasons) expect(code).toMatch(/^PEER_(CLOSED|RESET)$/);
  });
});

describe('S16 clients that die in the middle of a stream', () => {
  it('stop all handlers', async () => {
    const producers = new Producers();
    const server = await stand({ invoker: producers });
    const peers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => server.attack((at % 2 ? PROBE + hello() : '') + countFrame(1, 1))),
    );
    await until('all run', () => producers.running === 200);
    for (const peer of peers) peer.reset();
    await until('none runs', () => producers.running === 0);
    expect(server.calc.server.inFlight).toBe(0);
  });
});

describe('S17 a handler that fails', () => {
  it('costs an extended peer its Command, and none of 200 others', async () => {
    const server = await stand();
    const peer = await server.attack(PROBE + hello());
    peer.write(
      many(100, (seq) => addFrame(seq, seq, 0)) +
        failFrame(101) +
        many(200, (seq) => (seq > 101 ? addFrame(seq, seq, 0) : '')),
    );
    await until('the last is answered', () => peer.hex.endsWith(sumFrame(200, 200)));
    expect(peer.hex).toContain(Buffer.from('INTERNAL').toString('hex'));
    expect(peer.hex).not.toContain(Buffer.from('intentional').toString('hex'));
  });

  it('costs a plain peer its connection, and no other peer any of 200 Commands', async () => {
    const server = await stand();
    const other = await server.attack();
    await server.attack(failFrame(1));
    other.write(many(200, (seq) => addFrame(seq, seq, 0)));
    expect(await server.reason()).toMatchObject({ code: 'HANDLER_ERROR' });
    await other.receives(GREETING + many(200, (seq) => sumFrame(seq, seq)));
    expect(server.reasons).toHaveLength(1);
  });
});

describe('S18 a handler that goes on behind the end', () => {
  it.each([false, true])(
    'does no harm, after the end of the connection or its answer; extended: %s',
    async (isExtended) => {
      const sinks: ResultSink[] = [];
      const invoker: CommandInvoker = {
        invoke(command, context, sink) {
          if (!(command instanceof EchoCmd)) return calcInvoker.invoke(command, context, sink);
          sinks.push(sink);
          return undefined;
        },
      };
      const server = await stand({ invoker });
      const peer = await server.attack((isExtended ? PROBE + hello() : '') + echoFrame(1, 'a') + echoFrame(2, 'b'));
      await until('both run', () => sinks.length === 2);
      sinks[0]!.complete(new CalcResult(1));
      peer.reset();
      await server.reason();
      expect(server.reasons).toHaveLength(1);
      for (const sink of sinks) {
        sink.next(new CalcResult(2));
        sink.error(new Error('late'));
        sink.complete(new CalcResult(3));
        sink.complete();
      }
    },
  );
});

describe('S21 text of a peer that would forge a line', () => {
  it('is escaped and cut in every reason', async () => {
    const server = await stand();
    const evil = 'x\r\n[Nest] forged \u001b[31m\u009b'.repeat(2_000);
    const bodies = [`{"${evil}":`, evil, JSON.stringify(evil), JSON.stringify({ A: evil }), `{"A":1,${evil}`];
    for (const [at, body] of bodies.entries()) {
      await server.attack(frame(1, 0, body));
      expect((await server.reason(at)).message.length).toBeLessThan(1_000);
    }
  });
});
