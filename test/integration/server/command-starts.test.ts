// When the Commands of one read start: in order, behind the read, and not at all if what came along says that no
// answer is awaited.
import { describe, expect, it } from '@jest/globals';
import type { CommandContext, CommandServerOptions, CommandInvoker, ResultSink } from '../../../lib/core.js';
import { addFrame, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { cancel, error, event, EXTENDED_GREETING, hello, PROBE, meta } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();

/** Answers at once, and notes what it ran and with which signal. */
class Noting implements CommandInvoker {
  readonly started: unknown[] = [];

  invoke(command: unknown, { seq, signal }: CommandContext, sink: ResultSink): void {
    this.started.push(command instanceof AddCmd ? seq : 'event');
    if (signal.aborted) this.started.push('aborted');
    sink.complete(new CalcResult(5));
  }
}

async function note(options: Partial<CommandServerOptions> = {}): Promise<[CalcServer, RawPeer, unknown[]]> {
  const invoker = new Noting();
  const calc = own(await CalcServer.start({ invoker, ...options }));
  return [calc, own(await calc.connect()), invoker.started];
}

const add = (seq: number): string => addFrame(seq, 2, 3);
const sum = (seq: number): string => sumFrame(seq, 5);

describe('a Command whose CANCEL came in the same read', () => {
  it('is not started, and others are', async () => {
    const [calc, peer, started] = await note();
    peer.write(PROBE + hello() + add(1) + add(2) + add(3) + cancel(2));
    await peer.receives(EXTENDED_GREETING + sum(1) + sum(3));
    expect(started).toEqual([1, 3]);
    expect(calc.server.inFlight).toBe(0);
    expect(calc.server.lateFrames).toBe(0);
  });

  it('leaves the next read as it is: its own CANCEL, too', async () => {
    const [calc, peer, started] = await note();
    peer.write(PROBE + hello() + add(1) + cancel(1));
    await peer.receives(EXTENDED_GREETING);
    peer.write(add(2) + add(3) + cancel(3));
    await peer.receives(EXTENDED_GREETING + sum(2));
    expect(started).toEqual([2]);
    expect(calc.server.inFlight).toBe(0);
  });

  it('is not started where an event stands in between, or there is no room for one behind it', async () => {
    const [calc, peer, started] = await note({ maxInFlightPerConnection: 1 });
    peer.write(PROBE + hello() + add(1) + event('event') + add(2) + add(3) + event('event') + cancel(1) + cancel(2));
    await until('the last one has run', () => started.length === 3 && peer.hex.endsWith(sum(3)));
    expect(started).toEqual(['event', 3, 'event']);
    expect(calc.server.inFlight).toBe(0);
    expect(calc.server.lateFrames).toBe(0);
  });

  it('makes room for others', async () => {
    const [, peer, started] = await note({ maxInFlightPerConnection: 1 });
    peer.write(PROBE + hello() + add(1) + cancel(1) + add(2));
    await until('the other is answered', () => peer.hex.endsWith(sum(2)));
    expect(started).toEqual([2]);
  });
});

describe('the Commands of one read', () => {
  it('start in their order among the events', async () => {
    const [, peer, started] = await note();
    peer.write(PROBE + hello() + add(1) + event('event') + add(2) + event('event'));
    await peer.receives(EXTENDED_GREETING + sum(1) + sum(2));
    expect(started).toEqual([1, 'event', 2, 'event']);
  });

  it.each<[string, Partial<CommandServerOptions>]>([
    ['maxInFlightPerConnection', { maxInFlightPerConnection: 2 }],
    ['maxInFlight', { maxInFlight: 2 }],
  ])('are all taken when they end at once, whatever %s', async (_name, options) => {
    const [, peer, started] = await note(options);
    const seqs = Array.from({ length: 50 }, (_, at) => at + 1);
    peer.write(PROBE + hello() + seqs.map(add).join(''));
    await until('the last is answered', () => peer.hex.endsWith(sum(50)));
    expect(started).toEqual(seqs);
    expect(peer.hex.endsWith(seqs.map(sum).join(''))).toBe(true);
  });

  it('are refused beyond the limit when they do not', async () => {
    const sinks: ResultSink[] = [];
    const invoker: CommandInvoker = { invoke: (_command, _context, sink) => void sinks.push(sink) };
    const calc = own(await CalcServer.start({ invoker, maxInFlightPerConnection: 2 }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + add(1) + add(2) + add(3));
    await until('the third is refused', () => peer.received.includes('OVERLOADED'));
    expect(sinks).toHaveLength(2);
    expect(calc.server.inFlight).toBe(2);
  });

  it('are answered before the connection ends for the garbage behind them', async () => {
    const [calc, peer, started] = await note();
    peer.write(PROBE + hello() + add(1) + add(2) + '0209'.repeat(9));
    await peer.receives(EXTENDED_GREETING + sum(1) + sum(2));
    await peer.ends();
    expect(started).toEqual([1, 2]);
    await calc.lostCause();
    expect(calc.server.inFlight).toBe(0);
  });

  it('are not started when the time of one is over because of those before it', async () => {
    const started: unknown[] = [];
    const invoker: CommandInvoker = {
      invoke(_command, { seq }, sink) {
        started.push(seq);
        const busyUntil = Date.now() + 5;
        while (Date.now() < busyUntil);
        sink.complete(new CalcResult(5));
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + add(1) + meta(2, { remainingMs: 4 }) + add(2));
    const late = error(2, 'TIMEOUT', { message: 'the time limit was over before the Command started' });
    await until('it is refused', () => peer.hex.endsWith(late));
    expect(started).toEqual([1]);
    await turns();
    expect(calc.server.inFlight).toBe(0);
  });
});
