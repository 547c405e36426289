// The end of a server: draining answers what was accepted, destroying does not; what can be called when.
import { describe, expect, it, jest } from '@jest/globals';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandContext, CommandServerOptions, CommandInvoker, ResultSink } from '../../../lib/core.js';
import { ADD_2_3, addFrame, echoFrame, echoResultFrame, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { Folder } from '../../support/folder.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { CalcResult, CountResult } from '../../support/vector-contract.js';

const own = guardLeaks();

/** Answers with 5 when it is asked to. */
class Waiting implements CommandInvoker {
  readonly sinks: ResultSink[] = [];
  readonly contexts: CommandContext[] = [];

  invoke(_command: unknown, context: CommandContext, sink: ResultSink): void {
    this.sinks.push(sink);
    this.contexts.push(context);
  }

  answerAll(): void {
    for (const sink of this.sinks.splice(0)) {
      sink.next(new CalcResult(5));
      sink.complete();
    }
  }
}

/** Holds up the event loop, so that timers and bytes are due at the same time. */
function beBusy(milliseconds: number): void {
  const started = performance.now();
  while (performance.now() - started < milliseconds);
}

function refused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });
}

describe('close()', () => {
  it('stops listening and ends idle connections with SHUTDOWN', async () => {
    const calc = own(await CalcServer.start());
    const { port } = calc;
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    await inTime('the server is closed', calc.server.close());
    await peer.ends();
    expect(peer.hex).toBe(GREETING);
    expect(await calc.lostCause()).toMatchObject({ code: 'SHUTDOWN' });
    expect(await refused(port)).toBe(true);
    expect(calc.server.address).toBeNull();
  });

  it('is still pending while a peer has not closed its side, which it has a moment for', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    let isClosed = false;
    const closed = calc.server.close().then(() => (isClosed = true));
    await peer.ends();
    await turns(50);
    expect([calc.server.connections, calc.server.status, isClosed]).toEqual([0, 'draining', false]);
    peer.finish();
    await inTime('the server is closed', closed);
    expect(calc.server.status).toBe('closed');
  });

  it('is over when no socket is open, although no time has passed', async () => {
    const calc = own(await CalcServer.start());
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    try {
      await inTime('the server is closed', calc.server.close());
    } finally {
      clock.mockRestore();
    }
    expect(calc.server.status).toBe('closed');
  });

  it('does not wait for ever for a peer that never closes its side', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    await inTime('the server is closed', calc.server.close(), 5_000);
    expect(calc.server.status).toBe('closed');
  });

  it('answers every Command that was accepted before it ends its connection', async () => {
    const waiting = new Waiting();
    const calc = own(await CalcServer.start({ invoker: waiting }));
    const peers = await Promise.all([calc.connect(), calc.connect(), calc.connect()]);
    for (const peer of peers) own(peer).write(ADD_2_3 + ADD_2_3);
    await until('all Commands run', () => calc.server.inFlight === 6);
    const closed = calc.server.close();
    await turns(50);
    expect(calc.server.connections).toBe(3);
    expect(waiting.contexts.some(({ signal }) => signal.aborted)).toBe(false);
    waiting.answerAll();
    await inTime('the server is closed', closed);
    await Promise.all(peers.map((peer) => peer.receives(GREETING + SUM_5 + SUM_5)));
  });

  it('does not count a time in which the process stood still', async () => {
    const waiting = new Waiting();
    const calc = own(await CalcServer.start({ invoker: waiting, gracePeriodMs: 5_000 }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('the Command runs', () => calc.server.inFlight === 1);
    const closed = calc.server.close();
    await turns(1);
    const now = performance.now.bind(performance);
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + 60_000);
    const timers = jest.spyOn(globalThis, 'setTimeout');
    try {
      await until('it has looked at the clock a few times', () => timers.mock.calls.length > 3);
      waiting.answerAll();
      await inTime('the server is closed', closed);
    } finally {
      clock.mockRestore();
      timers.mockRestore();
    }
    await peer.receives(GREETING + SUM_5);
  });

  it('answers Commands that arrive while it drains', async () => {
    const waiting = new Waiting();
    const calc = own(await CalcServer.start({ invoker: waiting }));
    const peer = own(await calc.connect());
    peer.write(addFrame(1, 2, 3));
    await until('a Command runs', () => calc.server.inFlight === 1);
    const closed = calc.server.close();
    peer.write(addFrame(2, 2, 3));
    await until('both run', () => calc.server.inFlight === 2);
    waiting.answerAll();
    await inTime('the server is closed', closed);
    await peer.receives(GREETING + sumFrame(1, 5) + sumFrame(2, 5));
  });

  it('waits for a frame that has begun', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(ADD_2_3.slice(0, 10));
    await peer.receives(GREETING);
    const idle = own(await calc.connect());
    const closed = calc.server.close();
    await idle.ends();
    peer.write(ADD_2_3.slice(10));
    await inTime('the server is closed', closed);
    await peer.receives(GREETING + SUM_5);
  });

  it('sends what waits for a slow peer before it ends the connection', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.socket.pause();
    const seqs = Array.from({ length: 100 }, (_, at) => at + 1);
    const text = 'x'.repeat(100_000);
    peer.write(seqs.map((seq) => echoFrame(seq, text)).join(''));
    const closed = calc.server.close();
    await turns(50);
    expect(calc.server.connections).toBe(1);
    peer.socket.resume();
    await inTime('the server is closed', closed);
    await peer.receives(GREETING + seqs.map((seq) => echoResultFrame(seq, text)).join(''));
  });

  it('answers Commands that were held back because their peer does not read', async () => {
    const invoker: CommandInvoker = {
      invoke(_command, { seq }, sink) {
        const parts = seq === 1 ? 300_000 : 0;
        for (let at = 0; at < parts; at++) sink.next(new CountResult(0, false));
        sink.next(new CalcResult(5));
        sink.complete();
      },
    };
    const calc = own(await CalcServer.start({ invoker }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.socket.pause();
    peer.write(addFrame(1, 2, 3));
    await until('the first is answered', () => calc.server.inFlight === 0 && peer.socket.bytesRead > 8);
    peer.write(addFrame(2, 2, 3));
    const closed = calc.server.close();
    // Meanwhile another server, which waits longer for silence, comes to its end.
    const other = own(await CalcServer.start({ quietPeriodMs: 100 }));
    own(await other.connect());
    await inTime('the other server is closed', other.server.close());
    peer.socket.resume();
    await inTime('the server is closed', closed);
    expect(peer.hex.endsWith(sumFrame(1, 5) + sumFrame(2, 5))).toBe(true);
  });

  it('answers Commands that had arrived when it was called, however long the process was busy', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.write(ADD_2_3);
    beBusy(50);
    await inTime('the server is closed', calc.server.close());
    await peer.receives(GREETING + SUM_5);
  });

  it('answers Commands that arrive while the process is busy and it drains', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    const closed = calc.server.close();
    // Timers come between this and the reading of what arrived meanwhile.
    setImmediate(() => {
      peer.write(ADD_2_3);
      beBusy(50);
    });
    await inTime('the server is closed', closed);
    await peer.receives(GREETING + SUM_5);
  });

  it('answers all that it has run for a plain peer that is never silent', async () => {
    let ran = 0;
    const invoker: CommandInvoker = {
      async invoke(_command, _context, sink) {
        ran++;
        await delay(10);
        sink.next(new CalcResult(5));
        sink.complete();
      },
    };
    const calc = own(await CalcServer.start({ invoker, gracePeriodMs: 300, quietPeriodMs: 1_000_000 }));
    const peer = own(await calc.connect());
    // Two Commands are always under way: as soon as one is answered, the next one is there.
    let written = 0;
    const write = (): void => peer.write(addFrame(++written, 2, 3));
    peer.socket.on('data', () => write());
    write();
    write();
    await until('it runs Commands', () => ran > 2);
    await inTime('the server is closed', calc.server.close());
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'SHUTDOWN' });
    const seqs = Array.from({ length: ran }, (_, at) => at + 1);
    expect(peer.hex).toBe(GREETING + seqs.map((seq) => sumFrame(seq, 5)).join(''));
  });

  it('ends what is left when gracePeriodMs is over', async () => {
    const waiting = new Waiting();
    const calc = own(await CalcServer.start({ invoker: waiting, gracePeriodMs: 50 }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('a Command runs', () => calc.server.inFlight === 1);
    const { signal } = waiting.contexts[0]!;
    await inTime('the server is closed', calc.server.close());
    await peer.ends();
    expect(signal.reason).toMatchObject({ code: 'SHUTDOWN' });
    waiting.answerAll();
    expect(await calc.lostCause()).toMatchObject({ code: 'SHUTDOWN' });
    expect(peer.hex).toBe(GREETING);
  });

  it('is one close however often it is called', async () => {
    const calc = own(await CalcServer.start());
    expect(calc.server.close()).toBe(calc.server.close());
    await calc.server.close();
  });

  it('is hurried by a close() with a shorter gracePeriodMs, and not delayed by a longer one', async () => {
    const waiting = new Waiting();
    const calc = own(await CalcServer.start({ invoker: waiting, gracePeriodMs: 1_000_000 }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('a Command runs', () => calc.server.inFlight === 1);
    const closed = calc.server.close();
    await turns(20);
    expect(calc.server.connections).toBe(1);
    expect(calc.server.close({ gracePeriodMs: 0 })).toBe(closed);
    expect(calc.server.close({ gracePeriodMs: 1_000_000 })).toBe(closed);
    await inTime('the server is closed', closed);
    await peer.ends();
    expect(waiting.contexts[0]!.signal.reason).toMatchObject({ code: 'SHUTDOWN' });
    waiting.answerAll();
  });

  it.each([-1, Number.NaN, 1.5, '1', null])(
    'rejects for a gracePeriodMs of %p, and serves on',
    async (gracePeriodMs) => {
      const calc = own(await CalcServer.start());
      const invalid = expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('gracePeriodMs'),
      });
      await expect(calc.server.close({ gracePeriodMs: gracePeriodMs as number })).rejects.toEqual(invalid);
      await expect(calc.server.close({ timeoutMs: 1 } as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
      expect(calc.server.status).toBe('connected');
    },
  );

  it('does not outlast destroy() while a handler runs on', async () => {
    const waiting = new Waiting();
    const calc = own(await CalcServer.start({ invoker: waiting }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('a Command runs', () => calc.server.inFlight === 1);
    const closed = calc.server.close();
    calc.server.destroy();
    await inTime('the server is closed', closed, 2_000);
    await inTime('a closed server is closed', calc.server.close(), 2_000);
    expect(calc.server.inFlight).toBe(1);
    waiting.answerAll();
  });

  it('does not wait for handlers when the server was destroyed before', async () => {
    const waiting = new Waiting();
    const calc = own(await CalcServer.start({ invoker: waiting }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('a Command runs', () => calc.server.inFlight === 1);
    calc.server.destroy();
    await inTime('a destroyed server is closed', calc.server.close(), 2_000);
    expect(calc.server.inFlight).toBe(1);
    waiting.answerAll();
  });

  it('ends a server that never listened', async () => {
    const calc = new CalcServer();
    await inTime('the server is closed', calc.server.close());
    expect(calc.server.status).toBe('closed');
  });

  it.each<[string, (folder: Folder) => Partial<CommandServerOptions>]>([
    ['a port', () => ({})],
    ['a port of a name', () => ({ host: 'localhost' })],
    ['a path', (folder) => ({ listenOn: { path: folder.file('socket') } })],
  ])('ends a server that is about to listen on %s', async (_what, options) => {
    const calc = own(new CalcServer(options(own(new Folder()))));
    const listening = calc.server.listen();
    await inTime('the server is closed', calc.server.close());
    await expect(listening).rejects.toMatchObject({ code: 'CLOSED' });
    expect(calc.server.address).toBeNull();
  });
});

describe('Symbol.asyncDispose', () => {
  it('drains as close() does, and may be called again', async () => {
    const waiting = new Waiting();
    const calc = own(await CalcServer.start({ invoker: waiting }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('a Command runs', () => calc.server.inFlight === 1);
    const disposed = calc.server[Symbol.asyncDispose]();
    expect(calc.server.status).toBe('draining');
    waiting.answerAll();
    await inTime('it is closed', disposed);
    expect(calc.server.status).toBe('closed');
    await peer.receives(GREETING + SUM_5);
    await calc.server[Symbol.asyncDispose]();
  });
});

describe('destroy()', () => {
  it('ends all connections at once and tells running Commands the cause', async () => {
    const waiting = new Waiting();
    const calc = own(await CalcServer.start({ invoker: waiting }));
    const { port } = calc;
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('a Command runs', () => calc.server.inFlight === 1);
    const { signal } = waiting.contexts[0]!;
    calc.server.destroy();
    expect(signal.reason).toMatchObject({ code: 'CLOSED' });
    expect(await calc.lostCause()).toBe(signal.reason);
    waiting.answerAll();
    await peer.ends();
    expect(peer.hex).toBe(GREETING);
    expect(await refused(port)).toBe(true);
    calc.server.destroy();
    expect(calc.lost).toHaveLength(1);
  });
});

describe('listen()', () => {
  it('fails with LISTEN_FAILED on a port in use, and works once it is free', async () => {
    const first = own(await CalcServer.start());
    const second = own(new CalcServer({ port: first.port }));
    await expect(second.server.listen()).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      cause: { code: 'EADDRINUSE' },
    });
    await first.server.close();
    await second.server.listen();
    const peer = own(await second.connect());
    await peer.receives(GREETING);
  });

  it('gives the address it listens on', async () => {
    const calc = own(new CalcServer());
    expect(calc.server.address).toBeNull();
    const address = await calc.server.listen();
    expect(address).toEqual({ address: '127.0.0.1', family: 'IPv4', port: calc.port });
    expect(calc.server.address).toEqual(address);
  });

  it('fails with CLOSED while the server listens, is about to, or drains', async () => {
    const waiting = new Waiting();
    const calc = own(new CalcServer({ invoker: waiting }));
    const again = (): Promise<unknown> => expect(calc.server.listen()).rejects.toMatchObject({ code: 'CLOSED' });
    const listening = calc.server.listen();
    await again();
    await listening;
    await again();
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('a Command runs', () => calc.server.inFlight === 1);
    const closed = calc.server.close();
    await again();
    waiting.answerAll();
    await inTime('the server is closed', closed);
  });

  it.each<[string, (calc: CalcServer) => unknown]>([
    ['close()', (calc) => calc.server.close()],
    ['destroy()', (calc) => calc.server.destroy()],
  ])('works again after %s, as often as one likes', async (_what, end) => {
    const calc = own(new CalcServer());
    for (let life = 1; life <= 2; life++) {
      await end(calc);
      expect(calc.server.address).toBeNull();
      const address = await calc.server.listen();
      expect(calc.server.address).toEqual(address);
      const peer = own(await calc.connect());
      peer.write(ADD_2_3);
      await peer.receives(GREETING + SUM_5);
      const { port } = calc;
      await end(calc);
      await peer.ends();
      expect(await refused(port)).toBe(true);
      expect(calc.lost).toHaveLength(life);
    }
  });

  it('begins anew although a Command of the life before runs on, and counts it', async () => {
    const waiting = new Waiting();
    const calc = own(await CalcServer.start({ invoker: waiting }));
    const before = own(await calc.connect());
    before.write(ADD_2_3);
    await until('a Command runs', () => calc.server.inFlight === 1);
    calc.server.destroy();
    await calc.server.listen();
    expect([calc.server.connections, calc.server.inFlight]).toEqual([0, 1]);
    await inTime('it does not wait for that Command', calc.server.close(), 2_000);
    expect(await calc.lostCause()).toMatchObject({ code: 'CLOSED' });
    expect(calc.server.inFlight).toBe(1);
    waiting.answerAll();
    expect(calc.server.inFlight).toBe(0);
  });
});
