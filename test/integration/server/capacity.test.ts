// The bounds of a server: connections, Commands in flight, bytes that wait for a peer; and, beside each bound, that
// everything still gets through.
import { describe, expect, it } from '@jest/globals';
import type { CommandInvoker, ResultSink } from '../../../lib/core.js';
import { calcInvoker } from '../../support/calc-invoker.js';
import { AddCmd, CalcResult, EchoResult } from '../../support/vector-contract.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, addFrame, echoFrame, echoResultFrame, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { SocketSpy } from '../../support/socket-spy.js';

const own = guardLeaks();
const answer = new CalcResult(5);

/** Keeps the sinks of the Commands it is given until they are answered by the test. */
class Holding implements CommandInvoker {
  readonly sinks: ResultSink[] = [];
  most = 0;

  invoke(_command: unknown, _context: unknown, sink: ResultSink): void {
    this.sinks.push(sink);
    this.most = Math.max(this.most, this.sinks.length);
  }

  answerNext(): void {
    const sink = this.sinks.shift()!;
    sink.next(answer);
    sink.complete();
  }
}

describe('maxConnections', () => {
  it('refuses further connections, says so, and takes new ones when there is room again', async () => {
    const calc = own(await CalcServer.start({ maxConnections: 2 }));
    const [first, second] = [own(await calc.connect()), own(await calc.connect())];
    await Promise.all([first.receives(GREETING), second.receives(GREETING)]);
    const third = own(await calc.connect());
    await third.ends();
    expect(third.hex).toBe('');
    expect(await calc.lostCause()).toMatchObject({ code: 'MAX_CONNECTIONS' });
    expect(calc.lost[0]).toMatchObject({ remoteAddress: '127.0.0.1', remotePort: expect.any(Number) });
    await first.destroy();
    await until('there is room', () => calc.server.connections === 1);
    const fourth = own(await calc.connect());
    fourth.write(ADD_2_3);
    await fourth.receives(GREETING + SUM_5);
  });
});

describe('maxInFlightPerConnection', () => {
  it.each([1, 2, 3])('runs no more than %i Commands of a connection at a time, and each of them', async (limit) => {
    const holding = new Holding();
    const calc = own(await CalcServer.start({ invoker: holding, maxInFlightPerConnection: limit }));
    const peer = own(await calc.connect());
    const seqs = Array.from({ length: 50 }, (_, at) => at + 1);
    peer.write(seqs.map((seq) => addFrame(seq, 2, 3)).join(''));
    for (let answered = 0; answered < seqs.length; answered++) {
      await until('a Command runs', () => holding.sinks.length > 0);
      holding.answerNext();
    }
    await peer.receives(GREETING + seqs.map((seq) => sumFrame(seq, 5)).join(''));
    expect(holding.most).toBe(limit);
  });

  it('counts each connection by itself', async () => {
    const holding = new Holding();
    const calc = own(await CalcServer.start({ invoker: holding, maxInFlightPerConnection: 1 }));
    for (let at = 0; at < 3; at++) own(await calc.connect()).write(ADD_2_3);
    await until('three Commands run', () => holding.sinks.length === 3);
    expect(calc.server.inFlight).toBe(3);
  });

  it('stops reading from the socket while the limit is reached', async () => {
    const spy = own(new SocketSpy('server'));
    const holding = new Holding();
    const calc = own(await CalcServer.start({ invoker: holding, maxInFlightPerConnection: 1 }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('a Command runs', () => holding.sinks.length === 1);
    const { bytesRead } = spy;
    for (let part = 0; part < 16; part++) peer.write(new Uint8Array(1024 * 1024));
    await turns(50);
    // What was read already stays in the stream's own buffer of 64 KiB.
    expect(spy.bytesRead - bytesRead).toBeLessThanOrEqual(128 * 1024);
  });

  it.each([
    ['at once', calcInvoker],
    ['by a promise', { invoke: async (_c: unknown, _x: unknown, sink: ResultSink) => void sink.next(answer) }],
    [
      'a turn later, from outside',
      {
        invoke: (_c: unknown, _x: unknown, sink: ResultSink) => {
          setImmediate(() => {
            sink.next(answer);
            sink.complete();
          });
        },
      },
    ],
  ])('answers 10,000 Commands through a limit of 2 when handlers answer %s', async (_how, invoker) => {
    const calc = own(await CalcServer.start({ invoker, maxInFlightPerConnection: 2 }));
    const client = own(calcClient(calc.port));
    await client.connect();
    const sums = await Promise.all(Array.from({ length: 10_000 }, () => client.execute(new AddCmd(2, 3))));
    expect(sums.every(({ value }) => value === 5)).toBe(true);
  });

  it.each([1, 2])('goes on reading after handlers that end at once when the limit is %i', async (limit) => {
    const spy = own(new SocketSpy('server'));
    const calc = own(await CalcServer.start({ maxInFlightPerConnection: limit }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    await peer.dribble(ADD_2_3 + ADD_2_3, () => spy.bytesRead);
    await peer.receives(GREETING + SUM_5 + SUM_5);
  });
});

describe('a server whose Results wait', () => {
  const text = 'x'.repeat(10_000);

  it('stops running Commands of a peer that does not read its Results, and runs all when it reads again', async () => {
    let ran = 0;
    const invoker: CommandInvoker = {
      async invoke(_command, _context, sink) {
        ran++;
        await turns(1);
        sink.next(new EchoResult(text));
      },
    };
    const calc = own(await CalcServer.start({ invoker, maxInFlightPerConnection: 8 }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.socket.pause();
    const commands = 5_000;
    peer.write(Array.from({ length: commands }, (_, at) => addFrame(at + 1, 2, 3)).join(''));
    let before = -1;
    await until('the server stops', () => {
      const stopped = ran === before && calc.server.inFlight === 0;
      before = ran;
      return stopped;
    });
    await turns(50);
    expect(ran).toBeLessThan(commands);
    const stoppedAt = ran;
    await turns(50);
    expect(ran).toBe(stoppedAt);
    peer.socket.resume();
    const length = Array.from({ length: commands }, (_, at) => echoResultFrame(at + 1, text).length / 2);
    await peer.receivesBytes(length.reduce((sum, bytes) => sum + bytes, 8));
    expect(ran).toBe(commands);
  });

  it('answers every Command of a peer that reads now and then', async () => {
    const calc = own(await CalcServer.start({ maxInFlightPerConnection: 2 }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    const seqs = Array.from({ length: 1_000 }, (_, at) => at + 1);
    peer.write(seqs.map((seq) => echoFrame(seq, text)).join(''));
    const expected = GREETING + seqs.map((seq) => echoResultFrame(seq, text)).join('');
    let reading = true;
    await until('all is answered', () => {
      reading = !reading;
      if (reading) peer.socket.resume();
      else peer.socket.pause();
      return peer.socket.bytesRead >= expected.length / 2;
    });
    peer.socket.resume();
    await peer.receives(expected);
  });
});
