// The time limits between frames: for the first client, for the next Command or ping, for doing nothing; and that they,
// the frame's and the writer's do not get into each other's way.
import { describe, expect, it } from '@jest/globals';
import type { CommandServerOptions, CommandInvoker, ResultSink } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, echoFrame, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, until } from '../../support/deadline.js';
import { control, DONE, EXTENDED_GREETING, hello, PROBE, text } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawPeer } from '../../support/raw-peer.js';
import { selfSigned } from '../../support/certificates.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const PING = '00';
const goaway = (reason: string): string => control(11, text(reason));

class Holding implements CommandInvoker {
  readonly sinks: ResultSink[] = [];

  invoke(_command: unknown, _context: unknown, sink: ResultSink): void {
    this.sinks.push(sink);
  }

  answerAll(): void {
    for (const sink of this.sinks.splice(0)) sink.complete(new CalcResult(5));
  }
}

/** Writes the bytes every 50 ms for as long as another connection needs to be closed by the same limit, and longer. */
async function outlasts(calc: CalcServer, peer: RawPeer, bytes: string): Promise<void> {
  const timer = setInterval(() => peer.write(bytes), 50);
  try {
    for (let round = 0; round < 2; round++) await own(await calc.connect()).ends();
  } finally {
    clearInterval(timer);
  }
}

async function extendedPeer(calc: CalcServer): Promise<RawPeer> {
  const peer = own(await calc.connect());
  peer.write(PROBE + hello());
  await peer.receives(EXTENDED_GREETING);
  return peer;
}

describe('firstConnectionTimeoutMs', () => {
  it('closes a server that no client comes to, and says so', async () => {
    const calc = own(new CalcServer({ firstConnectionTimeoutMs: 30 }));
    const statuses: unknown[] = [];
    calc.server.onStatus((status, cause) => statuses.push([status, cause?.code]));
    await calc.server.listen();
    await until('it is closed', () => calc.server.status === 'closed');
    expect(statuses).toEqual([
      ['connecting', undefined],
      ['connected', undefined],
      ['closed', 'FIRST_CONNECTION_TIMEOUT'],
    ]);
    expect(calc.errors).toEqual([expect.objectContaining({ code: 'FIRST_CONNECTION_TIMEOUT' })]);
    expect(calc.server.address).toBeNull();
    await inTime('a closed server is closed', calc.server.close());
  });

  it('is off after the first connection, however short that was', async () => {
    const calc = own(await CalcServer.start({ firstConnectionTimeoutMs: 300 }));
    const other = own(await CalcServer.start({ firstConnectionTimeoutMs: 600 }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    await peer.destroy();
    await until('a server without a client is closed', () => other.server.status === 'closed');
    expect(calc.server.status).toBe('connected');
    expect(calc.errors).toEqual([]);
  });

  it('begins anew when the server listens again', async () => {
    const calc = own(await CalcServer.start({ firstConnectionTimeoutMs: 30 }));
    await own(await calc.connect()).receives(GREETING);
    calc.server.destroy();
    await calc.server.listen();
    await until('it is closed', () => calc.server.status === 'closed');
    expect(calc.errors).toEqual([expect.objectContaining({ code: 'FIRST_CONNECTION_TIMEOUT' })]);
  });

  it('does not end a drain that has begun', async () => {
    const calc = own(await CalcServer.start({ firstConnectionTimeoutMs: 1 }));
    await inTime('it is closed', calc.server.close());
    await own(await CalcServer.start({ firstConnectionTimeoutMs: 0 })).server.close();
    expect(calc.errors).toEqual([]);
  });
});

describe('receiveTimeoutMs', () => {
  it.each<[string, string]>([
    ['nothing', ''],
    ['a Command and then nothing', ADD_2_3],
    ['half a Command', ADD_2_3.slice(0, 8)],
  ])('ends a connection with RECEIVE_TIMEOUT that sends %s', async (_what, bytes) => {
    const calc = own(await CalcServer.start({ receiveTimeoutMs: 100 }));
    const peer = own(await calc.connect());
    peer.write(bytes);
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'RECEIVE_TIMEOUT' });
    expect(peer.hex).toBe(bytes === ADD_2_3 ? GREETING + SUM_5 : GREETING);
  });

  it('ends a connection on which a Command dribbles in without an end', async () => {
    const calc = own(await CalcServer.start({ receiveTimeoutMs: 300, frameTimeoutMs: 0 }));
    const peer = own(await calc.connect());
    peer.write(echoFrame(1, ' '.repeat(2_000)).slice(0, 16));
    const timer = setInterval(() => peer.write('20'), 10);
    try {
      await peer.ends();
    } finally {
      clearInterval(timer);
    }
    expect(await calc.lostCause()).toMatchObject({ code: 'RECEIVE_TIMEOUT' });
  });

  it.each([
    ['pings', PING],
    ['Commands', ADD_2_3],
  ])('leaves a connection open on which %s arrive', async (_what, bytes) => {
    const calc = own(await CalcServer.start({ receiveTimeoutMs: 500 }));
    const peer = own(await calc.connect());
    await outlasts(calc, peer, bytes);
    expect(peer.isEnded).toBe(false);
    expect(calc.lost.map(({ cause }) => cause.code)).toEqual(['RECEIVE_TIMEOUT', 'RECEIVE_TIMEOUT']);
  });

  it('does not count while the server itself does not read', async () => {
    const holding = new Holding();
    const calc = own(await CalcServer.start({ invoker: holding, receiveTimeoutMs: 300, maxInFlightPerConnection: 1 }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    await until('a Command runs', () => holding.sinks.length === 1);
    for (let round = 0; round < 2; round++) await own(await calc.connect()).ends();
    expect(peer.isEnded).toBe(false);
    holding.answerAll();
    await peer.receives(GREETING + SUM_5);
    await peer.ends();
    expect(calc.lost.map(({ cause }) => cause.code)).toEqual(Array.from({ length: 3 }, () => 'RECEIVE_TIMEOUT'));
  });

  it('tells an extended peer to leave, and ends the connection when what it runs is answered', async () => {
    const holding = new Holding();
    // It is read however many Commands run: its silence counts.
    const limits = { receiveTimeoutMs: 50, gracePeriodMs: 0, maxInFlightPerConnection: 1 };
    const calc = own(await CalcServer.start({ invoker: holding, ...limits }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + ADD_2_3);
    peer.socket.on('data', (chunk) => chunk.includes('silent') && peer.write(DONE));
    await until('it is notified', () => peer.hex.endsWith(goaway('silent')));
    const other = own(await calc.connect());
    await other.ends();
    expect(peer.isEnded).toBe(false);
    holding.answerAll();
    await peer.ends();
    expect(peer.hex.split(goaway('silent'))).toEqual([expect.stringContaining(GREETING), SUM_5]);
    expect(calc.lost.map(({ cause }) => cause.code)).toEqual(['RECEIVE_TIMEOUT', 'RECEIVE_TIMEOUT']);
  });
});

describe('idleTimeoutMs', () => {
  it('ends a plain connection with IDLE_TIMEOUT on which nothing happens, in order', async () => {
    const calc = own(await CalcServer.start({ idleTimeoutMs: 50 }));
    const [mute, once] = [own(await calc.connect()), own(await calc.connect())];
    once.write(ADD_2_3);
    await Promise.all([mute.ends(), once.ends()]);
    expect([mute.hex, once.hex]).toEqual([GREETING, GREETING + SUM_5]);
    expect([await calc.lostCause(0), await calc.lostCause(1)]).toMatchObject([
      { code: 'IDLE_TIMEOUT' },
      { code: 'IDLE_TIMEOUT' },
    ]);
  });

  it('leaves a connection open on which pings arrive', async () => {
    const calc = own(await CalcServer.start({ idleTimeoutMs: 500 }));
    const peer = own(await calc.connect());
    await outlasts(calc, peer, PING);
    expect(peer.isEnded).toBe(false);
  });

  it('leaves a connection open on which a Command runs', async () => {
    const holding = new Holding();
    const calc = own(await CalcServer.start({ invoker: holding, idleTimeoutMs: 50 }));
    const peer = own(await calc.connect());
    peer.write(ADD_2_3);
    for (let round = 0; round < 2; round++) await own(await calc.connect()).ends();
    expect(peer.isEnded).toBe(false);
    holding.answerAll();
    await peer.receives(GREETING + SUM_5);
    await peer.ends();
  });

  it('tells an extended peer to leave, runs what it sent before it knew, and loses nothing', async () => {
    const calc = own(await CalcServer.start({ idleTimeoutMs: 50 }));
    const peer = await extendedPeer(calc);
    await peer.receivesBytes((EXTENDED_GREETING + goaway('idle')).length / 2);
    expect(peer.isEnded).toBe(false);
    peer.write(ADD_2_3 + DONE);
    await peer.ends();
    expect(peer.hex).toBe(EXTENDED_GREETING + goaway('idle') + SUM_5);
    expect(await calc.lostCause()).toMatchObject({ code: 'IDLE_TIMEOUT' });
  });

  it('ends the connection of an extended peer that does not leave when gracePeriodMs is over', async () => {
    const calc = own(await CalcServer.start({ idleTimeoutMs: 50, gracePeriodMs: 50 }));
    const peer = await extendedPeer(calc);
    await peer.ends();
    expect(peer.hex).toBe(EXTENDED_GREETING + goaway('idle'));
    expect(await calc.lostCause()).toMatchObject({ code: 'IDLE_TIMEOUT' });
  });

  it('costs a client of this package none of its calls', async () => {
    const calc = own(await CalcServer.start({ idleTimeoutMs: 1 }));
    const client = own(calcClient(calc.port, { extension: true }));
    for (let lost = 0; lost < 4; lost = calc.lost.length) {
      await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
      // Idle about as often as not when the server looks.
      const since = performance.now();
      await until('it was idle', () => performance.now() - since > 5);
    }
    expect(calc.lost.every(({ cause }) => cause.code === 'IDLE_TIMEOUT')).toBe(true);
  });
});

describe('all time limits of a server together', () => {
  it('each end the connection they are for, with their own code, and no other', async () => {
    const options: Partial<CommandServerOptions> = {
      frameTimeoutMs: 300,
      writeStallTimeoutMs: 300,
      receiveTimeoutMs: 3_000,
      idleTimeoutMs: 1_500,
    };
    const calc = own(await CalcServer.start(options));
    const codeOf = async (peer: RawPeer): Promise<string> => {
      const from = peer.socket.localPort;
      await until('it is lost', () => calc.lost.some(({ remotePort }) => remotePort === from));
      return calc.lost.find(({ remotePort }) => remotePort === from)!.cause.code;
    };
    const [half, paused, idle, good] = await Promise.all([1, 2, 3, 4].map(async () => own(await calc.connect())));
    await Promise.all([half, paused, idle, good].map((peer) => peer!.receives(GREETING)));
    half!.write(ADD_2_3.slice(0, 8));
    paused!.socket.pause();
    for (let at = 0; at < 100; at++) paused!.write(echoFrame(1, 'x'.repeat(100_000)));
    const timer = setInterval(() => good!.write(PING), 50);
    try {
      const codes = await Promise.all([codeOf(half!), codeOf(paused!), codeOf(idle!)]);
      expect(codes).toEqual(['FRAME_TIMEOUT', 'WRITE_STALL_TIMEOUT', 'IDLE_TIMEOUT']);
    } finally {
      clearInterval(timer);
    }
    expect(good!.isEnded).toBe(false);
    expect(calc.lost).toHaveLength(3);
  });

  it('leave a mute TLS handshake to handshakeTimeoutMs', async () => {
    const tls = selfSigned();
    const calc = own(await CalcServer.start({ tls, handshakeTimeoutMs: 100, receiveTimeoutMs: 50, idleTimeoutMs: 50 }));
    const mute = own(await RawPeer.connect(calc.port));
    await mute.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'HANDSHAKE_TIMEOUT' });
  });
});
