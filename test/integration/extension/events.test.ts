// Events, and Commands whose sender wants no answer: they keep to themselves, outlive their connection, and are not
// lost.
import { describe, expect, it } from '@jest/globals';
import type { CommandContext, CommandServerOptions, CommandInvoker, ResultSink } from '../../../lib/core.js';
import { ADD_2_3, frame, SUM_5 } from '../../support/calc-frames.js';
import { calcClient } from '../../support/calc-client.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, turns, until } from '../../support/deadline.js';
import {
  cancel,
  control,
  DONE,
  event,
  EXTENDED_GREETING,
  GOAWAY,
  hello,
  meta,
  PROBE,
  text,
} from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { RawServer } from '../../support/raw-server.js';
import { Item, openStage, PlayCmd } from '../../support/stage.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();

/** Runs events until the test ends them. */
class Listener implements CommandInvoker {
  readonly contexts: CommandContext[] = [];
  readonly sinks: ResultSink[] = [];
  runs = 0;

  invoke(command: unknown, context: CommandContext, sink: ResultSink): void {
    if (command instanceof AddCmd && context.seq === 1) return sink.complete(new CalcResult(5));
    this.runs++;
    if ((command as { route?: string }).route === 'quick') return sink.complete();
    this.contexts.push(context);
    this.sinks.push(sink);
  }
}

async function listen(options: Partial<CommandServerOptions> = {}): Promise<[CalcServer, RawPeer, Listener]> {
  const listener = new Listener();
  const calc = own(await CalcServer.start({ invoker: listener, ...options }));
  const peer = own(await calc.connect());
  peer.write(PROBE + hello());
  return [calc, peer, listener];
}

describe('an event', () => {
  it('goes on when its sender has gone, and so do those that wait', async () => {
    const [calc, peer, listener] = await listen({ maxInFlightPerConnection: 2 });
    peer.write(event('slow').repeat(10));
    await until('two run', () => listener.runs === 2);
    const { signal } = listener.contexts[0]!;
    peer.reset();
    await until('the server has seen the end', () => calc.server.connections === 1 && calc.server.inFlight === 2);
    await turns(20);
    expect(listener.sinks[0]!.isOpen).toBe(true);
    expect(signal.aborted).toBe(false);
    for (let at = 0; at < 10; at++) {
      await until(`event ${at} runs`, () => listener.sinks.length > at);
      listener.sinks[at]!.complete();
    }
    expect(await calc.lostCause()).toMatchObject({ code: 'PEER_RESET' });
    expect(listener.runs).toBe(10);
    expect(calc.server.inFlight).toBe(0);
    expect(calc.server.connections).toBe(0);
  });

  it('is reported, and does not run, when its data cannot be read', async () => {
    const [calc, peer, listener] = await listen();
    peer.write(control(4, `0000${text('odd')}7b`) + event('quick'));
    await until('the next one has run', () => listener.runs > 0);
    await turns(20);
    expect(calc.errors).toMatchObject([{ code: 'BAD_PAYLOAD' }]);
    expect([listener.runs, listener.sinks.length, calc.server.inFlight]).toEqual([1, 0, 0]);
    expect(peer.isEnded).toBe(false);
  });

  it('is waited for by close(), whether its sender is there or not', async () => {
    const [calc, gone, listener] = await listen({ maxInFlightPerConnection: 1 });
    const present = own(await calc.connect());
    present.write(PROBE + hello() + event('slow'));
    gone.write(event('slow').repeat(2));
    await until('both connections have one running', () => listener.runs === 2);
    gone.reset();
    let isClosed = false;
    const closed = calc.server.close().then(() => (isClosed = true));
    await until('the server says goodbye', () => present.hex.endsWith(GOAWAY));
    present.write(DONE);
    for (let at = 0; at < 3; at++) {
      await until(`event ${at} runs`, () => listener.sinks.length > at);
      expect(isClosed).toBe(false);
      listener.sinks[at]!.complete();
    }
    await inTime('the server is closed', closed);
    expect(calc.errors).toEqual([]);
  });

  it('is notified, or dropped and reported, when the time to close is over', async () => {
    const [calc, peer, listener] = await listen({ maxInFlightPerConnection: 1, gracePeriodMs: 20 });
    peer.write(event('slow').repeat(3));
    await until('one runs', () => listener.runs === 1);
    const { signal } = listener.contexts[0]!;
    signal.addEventListener('abort', () => listener.sinks[0]!.complete());
    peer.reset();
    await inTime('the server is closed', calc.server.close());
    expect(signal.reason).toMatchObject({ code: 'SHUTDOWN' });
    expect(calc.errors).toMatchObject([{ code: 'SHUTDOWN', message: expect.stringContaining('2 events') as unknown }]);
    expect(calc.server.connections).toBe(0);
  });

  it('runs in its turn however many end at once behind one that takes its time', async () => {
    const [calc, peer, listener] = await listen({ maxInFlightPerConnection: 1 });
    peer.write(event('slow') + event('quick').repeat(20_000));
    await until('the slow one runs', () => listener.runs === 1);
    peer.write('00');
    await until('all are received', () => peer.hex.endsWith('00'));
    listener.sinks[0]!.complete();
    await until('all have run', () => listener.runs === 20_001);
    await until('none runs', () => calc.server.inFlight === 0);
    peer.write(event('quick'));
    await until('one more runs', () => listener.runs === 20_002);
    expect(calc.errors).toEqual([]);
  });

  it('does not take the whole turn when many end at once', async () => {
    const [, peer, listener] = await listen({ maxInFlightPerConnection: 1 });
    peer.write(`${event('slow')}${event('quick').repeat(5_000)}00`);
    await until('all are received', () => peer.hex.endsWith('00') && listener.runs === 1);
    let mostInTurn = 0;
    let before = 1;
    const look = (): void => {
      mostInTurn = Math.max(mostInTurn, listener.runs - before);
      before = listener.runs;
    };
    listener.sinks[0]!.complete();
    await until('all have run', () => {
      look();
      return listener.runs === 5_001;
    });
    expect(mostInTurn).toBeLessThanOrEqual(2 * 256);
  });

  it('takes no room from the Commands of its connection', async () => {
    const [calc, peer, listener] = await listen({ maxInFlightPerConnection: 2 });
    peer.write(event('slow').repeat(3));
    await until('as many run as may', () => listener.runs === 2);
    peer.write(ADD_2_3);
    await until('the Command is answered', () => peer.hex.endsWith(SUM_5));
    expect(calc.server.inFlight).toBe(2);
    for (let at = 0; at < 3; at++) {
      await until(`event ${at} runs`, () => listener.sinks.length > at);
      listener.sinks[at]!.complete();
    }
  });
});

describe('a Command whose sender wants no answer', () => {
  const emitted = (seq: number, bytes = `${seq.toString(16).padStart(2, '0')}${ADD_2_3.slice(2)}`): string =>
    meta(seq, { noAnswer: true }) + bytes;

  it('is executed and not answered, whatever comes of it', async () => {
    const invoker: CommandInvoker = {
      invoke: (_command, { seq }, sink) => {
        if (seq === 2) throw new Error('intentional failure');
        sink.next(new CalcResult(1));
        sink.complete(new CalcResult(5));
      },
    };
    const [calc, peer] = await listen({ invoker });
    peer.write(emitted(1) + emitted(2) + emitted(3, frame(3, 99, '{}')) + cancel(1) + '00');
    await peer.receives(`${EXTENDED_GREETING}00`);
    const message = 'the handler of the event AddCmd failed: Error: intentional failure';
    const failures = [
      { message, cause: expect.objectContaining({ message: 'intentional failure' }) },
      { code: 'UNKNOWN_TYPE' },
    ].map(expect.objectContaining);
    expect(calc.errors).toEqual(expect.arrayContaining(failures));
    expect(calc.errors).toHaveLength(2);
    expect(calc.lost).toEqual([]);
  });

  it('waits for its turn instead of being refused, and has no time limit', async () => {
    const deadlines: unknown[] = [];
    const { client } = await openStage(
      own,
      async (_command, { deadline }) => {
        deadlines.push(deadline);
        await turns(2);
        return new Item(1);
      },
      { maxInFlightPerConnection: 4 },
    );
    await Promise.all(Array.from({ length: 20 }, () => client.emit(new PlayCmd())));
    await until('all were executed', () => deadlines.length === 20);
    expect(new Set(deadlines)).toEqual(new Set([undefined]));
  });

  it('is marked by a client, towards a server of this package only', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const emitting = client.emit(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await inTime('it is written', emitting);
    await until('it arrives', () => peer.hex.endsWith(ADD_2_3));
    expect(peer.hex).toMatch(new RegExp(`${emitted(1)}$`));
  });
});
