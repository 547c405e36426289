// How a connection of the server ends by what its peer does or fails to do, and what the callback gets.
import { describe, expect, it } from '@jest/globals';
import {
  Command,
  defineContract,
  type CommandContext,
  type CommandInvoker,
  type ResultSink,
} from '../../../lib/core.js';
import { CalcResult, CountResult, EchoResult } from '../../support/vector-contract.js';
import { ADD_2_3, echoFrame, failFrame, frame, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { hello, PROBE } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { SocketSpy } from '../../support/socket-spy.js';

const own = guardLeaks();
/** A Command frame of 100,000 bytes. */
const LONG = echoFrame(1, 'x'.repeat(99_993));
const HALF = ADD_2_3.slice(0, 16);

describe('server connection', () => {
  it('ends when the peer ends its sending side', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.finish();
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'PEER_CLOSED' });
    expect(calc.server.connections).toBe(0);
  });

  it('ends and says so when the peer ends its sending side inside a frame', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(HALF);
    peer.finish();
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'PEER_CLOSED', message: expect.stringContaining('inside') });
  });

  it('ends when the peer resets it', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.reset();
    expect(await calc.lostCause()).toMatchObject({ code: 'PEER_RESET' });
  });

  it('ends with FRAME_TIMEOUT when half a frame is followed by silence', async () => {
    const calc = own(await CalcServer.start({ frameTimeoutMs: 100 }));
    const peer = own(await calc.connect());
    peer.write(HALF);
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'FRAME_TIMEOUT' });
  });

  it.each([1, 2, 3])('ends with FRAME_TIMEOUT when byte %i of a frame is the last one', async (bytes) => {
    const calc = own(await CalcServer.start({ frameTimeoutMs: 100 }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3.slice(0, 2 * bytes));
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'FRAME_TIMEOUT' });
  });

  it('ends with FRAME_TIMEOUT when a frame dribbles in without an end', async () => {
    const calc = own(await CalcServer.start({ frameTimeoutMs: 100 }));
    const peer = own(await calc.connect());
    peer.write(echoFrame(1, ' '.repeat(200)).slice(0, 16));
    const timer = setInterval(() => peer.write('20'), 20);
    try {
      await peer.ends();
    } finally {
      clearInterval(timer);
    }
    expect(await calc.lostCause()).toMatchObject({ code: 'FRAME_TIMEOUT' });
  });

  it('gives a frame the time its length needs when its head was cut, too', async () => {
    const spy = own(new SocketSpy('server'));
    const calc = own(await CalcServer.start({ frameTimeoutMs: 1 }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    // 100,000 bytes have 763 ms more: several looks at the clock pass before the rest is sent.
    await peer.dribble(LONG.slice(0, 20), () => spy.bytesRead);
    const other = own(await calc.connect());
    other.write('01');
    await other.ends();
    peer.write(LONG.slice(20));
    await peer.receivesBytes(8 + 100_000);
    expect(calc.server.connections).toBe(1);
  });

  it('has no time limit between frames', async () => {
    const calc = own(await CalcServer.start({ frameTimeoutMs: 1 }));
    const quiet = own(await calc.connect());
    quiet.write(ADD_2_3);
    await quiet.receives(GREETING + SUM_5);
    const late = own(await calc.connect());
    late.write('01');
    await late.ends();
    quiet.write(ADD_2_3);
    await quiet.receives(GREETING + SUM_5 + SUM_5);
  });

  it('has no time limit inside a frame when frameTimeoutMs is 0', async () => {
    const calc = own(await CalcServer.start({ frameTimeoutMs: 0 }));
    const other = own(await CalcServer.start({ frameTimeoutMs: 1 }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3.slice(0, 8));
    const late = own(await other.connect());
    late.write('01');
    await late.ends();
    peer.write(ADD_2_3.slice(8));
    await peer.receives(GREETING + SUM_5);
  });

  it('starts a new time limit with each frame', async () => {
    const calc = own(await CalcServer.start({ frameTimeoutMs: 600 }));
    const peer = own(await calc.connect());
    const started = performance.now();
    let answers = 0;
    // Each frame is followed by the beginning of the next one: together they take longer than the limit.
    peer.write(ADD_2_3.slice(0, 4));
    while (performance.now() - started < 1500) {
      peer.write(ADD_2_3.slice(4) + ADD_2_3.slice(0, 4));
      answers++;
      await peer.receivesBytes(8 + answers * 4);
    }
    expect(calc.lost).toEqual([]);
  });

  it('ends with WRITE_STALL_TIMEOUT when the peer takes no bytes', async () => {
    const calc = own(await CalcServer.start({ writeStallTimeoutMs: 100 }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.socket.pause();
    for (let at = 0; at < 100; at++) peer.write(echoFrame(1, 'x'.repeat(100_000)));
    expect(await calc.lostCause()).toMatchObject({ code: 'WRITE_STALL_TIMEOUT' });
  });

  it('ends with SEND_BUFFER_FULL when a handler sends on and the peer does not read', async () => {
    let ended = false;
    const invoker: CommandInvoker = {
      async invoke(_command, { signal }, sink) {
        try {
          while (!signal.aborted) {
            for (let at = 0; at < 1000; at++) sink.next(new CountResult(at, false));
            await turns(1);
          }
        } finally {
          ended = true;
        }
      },
    };
    const calc = own(await CalcServer.start({ invoker, maxSendBufferBytes: 65_536, maxStreamBufferBytes: 65_536 }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.socket.pause();
    peer.write(ADD_2_3);
    expect(await calc.lostCause()).toMatchObject({ code: 'SEND_BUFFER_FULL' });
    await until('the handler has ended', () => ended);
  });

  it('stays with a peer that reads, however many large Results are answered at once', async () => {
    const text = 'x'.repeat(1_000_000);
    const invoker: CommandInvoker = {
      invoke: async (_command, _context, sink) => {
        await turns(1);
        sink.complete(new EchoResult(text));
      },
    };
    const limits = { maxSendBufferBytes: 1_000_000, maxStreamBufferBytes: 1_000_000 };
    const calc = own(await CalcServer.start({ invoker, ...limits }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3.repeat(20));
    await peer.receivesBytes(GREETING.length / 2 + 20 * 1_000_000);
    await until('all are over', () => calc.server.inFlight === 0);
    expect(calc.lost).toEqual([]);
  });

  it('reads no more Commands while its peer does not read what they are answered with, and all when it reads', async () => {
    let started = 0;
    const invoker: CommandInvoker = {
      invoke: async (_command, _context, sink) => {
        started++;
        await turns(1);
        sink.complete(new EchoResult('x'.repeat(500_000)));
      },
    };
    const limits = { maxSendBufferBytes: 1_000_000, maxStreamBufferBytes: 1_000_000 };
    const calc = own(await CalcServer.start({ invoker, ...limits }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.socket.pause();
    peer.write(ADD_2_3.repeat(100));
    await until('all are answered', () => started === 100 && calc.server.inFlight === 0);
    peer.write(ADD_2_3.repeat(100));
    await turns(50);
    expect(started).toBe(100);
    peer.socket.resume();
    await peer.receivesBytes(GREETING.length / 2 + 200 * 500_000);
    expect(started).toBe(200);
    await calc.server.close();
    expect(calc.lost).toMatchObject([{ cause: { code: 'SHUTDOWN' } }]);
  });

  it('asks onPlainError for a Result that cannot be encoded behind others that wait', async () => {
    const failures: unknown[] = [];
    const invoker: CommandInvoker = {
      invoke: async (_command, _context, sink) => {
        await turns(1);
        sink.complete(calls++ < 3 ? new EchoResult('x'.repeat(3_000_000)) : new CalcResult(Number.NaN));
      },
    };
    let calls = 0;
    const onPlainError = (error: unknown): CalcResult => (failures.push(error), new CalcResult(-1));
    const limits = { maxSendBufferBytes: 65_536, maxStreamBufferBytes: 1_024, onPlainError };
    const calc = own(await CalcServer.start({ invoker, ...limits }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.write(ADD_2_3.repeat(4));
    await peer.receivesBytes(GREETING.length / 2 + 9_000_000);
    await until('it is over', () => calc.server.inFlight === 0);
    expect(failures).toMatchObject([{ code: 'ENCODE_FAILED' }]);
    expect(calc.lost).toEqual([]);
  });

  it('goes on looking for the end of its peer after it has ended in order', async () => {
    const spy = own(new SocketSpy('server'));
    const invoker: CommandInvoker = {
      invoke(_command, _context, sink) {
        // More than may wait: reading stops.
        for (let at = 0; at < 5_000; at++) sink.next(new CountResult(at, false));
        throw new Error('intentional failure');
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'HANDLER_ERROR' });
    expect(spy.sockets[0]!.isPaused()).toBe(false);
    peer.finish();
    await until('the socket is closed', () => spy.sockets[0]!.destroyed);
  });

  it('lets go of a peer that keeps its side open after it has ended in order', async () => {
    const spy = own(new SocketSpy('server'));
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(failFrame(1));
    await peer.ends();
    await until('the socket is closed', () => spy.sockets[0]!.destroyed);
    expect(calc.lost).toHaveLength(1);
  });

  it('leaves other connections alone however it ends', async () => {
    const calc = own(await CalcServer.start({ frameTimeoutMs: 50 }));
    const good = own(await calc.connect());
    const peers = await Promise.all([calc.connect(), calc.connect(), calc.connect()]);
    peers.forEach(own);
    peers[0]!.finish();
    peers[1]!.reset();
    peers[2]!.write(HALF);
    await until('three connections are lost', () => calc.lost.length === 3);
    good.write(ADD_2_3);
    await good.receives(GREETING + SUM_5);
    expect(calc.server.connections).toBe(1);
  });
});

describe('a Command whose class ends the connection while it is read', () => {
  it.each([
    ['runs aborted for a plain peer', '', 1],
    ['does not run for an extended one', PROBE + hello(), 0],
  ])('%s, and what it gives is dropped', async (_what, before, runs) => {
    let destroy = (): void => {};
    class LastCmd extends Command<EchoResult> {
      static fromJSON(): LastCmd {
        destroy();
        return new LastCmd();
      }
    }
    const calls: [CommandContext, ResultSink][] = [];
    const calc = own(
      await CalcServer.start({
        contract: defineContract({ commands: [LastCmd], results: [EchoResult] }),
        invoker: { invoke: (_, context, sink) => void calls.push([context, sink]) },
      }),
    );
    destroy = () => calc.server.destroy();
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.write(before + frame(1, 0, '{}'));
    await calc.lostCause();
    await turns(2);
    expect(calls).toHaveLength(runs);
    for (const [context, sink] of calls) {
      expect([sink.isOpen, sink.next(new EchoResult('x')), context.signal.aborted]).toEqual([false, 0, true]);
      sink.complete();
    }
    expect(calc.server.inFlight).toBe(0);
  });
});
