// What a server does when there is too much of everything at once: it sheds load, never makes all of them wait, and
// never stops serving.
import { describe, expect, it } from '@jest/globals';
import type { CommandServerOptions, CommandInvoker, ResultSink } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, addFrame, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { ServerProcess } from '../../support/child-process.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { control, EXTENDED_GREETING, hello, PROBE, text } from '../../support/extension-frames.js';
import { Folder } from '../../support/folder.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawPeer } from '../../support/raw-peer.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();

/** Keeps Commands running until the test answers them. */
class Holding implements CommandInvoker {
  readonly sinks: ResultSink[] = [];
  ran = 0;

  invoke(_command: unknown, _context: unknown, sink: ResultSink): void {
    this.ran++;
    this.sinks.push(sink);
  }

  answerAll(): void {
    for (const sink of this.sinks.splice(0)) sink.complete(new CalcResult(5));
  }
}

interface Held {
  readonly calc: CalcServer;
  readonly holding: Holding;
}

async function hold(options: Partial<CommandServerOptions>): Promise<Held> {
  const holding = new Holding();
  const calc = own(await CalcServer.start({ invoker: holding, ...options }));
  own({ destroy: () => holding.answerAll() });
  return { calc, holding };
}

/** A plain peer with so many Commands running. */
async function busyPeer({ calc }: Held, commands: number): Promise<RawPeer> {
  const before = calc.server.inFlight;
  const peer = own(await calc.connect());
  await peer.receives(GREETING);
  peer.write(Array.from({ length: commands }, (_, at) => addFrame(at + 1, 2, 3)).join(''));
  await until('its Commands run', () => calc.server.inFlight === before + commands);
  return peer;
}

describe('maxInFlight', () => {
  it('refuses a Command of an extended peer with OVERLOADED, and its client sends it again until it is run', async () => {
    const held = await hold({ maxInFlight: 2 });
    const { calc, holding } = held;
    const busy = await busyPeer(held, 2);
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + ADD_2_3);
    await until('it is refused', () => peer.received.includes('OVERLOADED'));
    const client = own(calcClient(calc.port, { extension: true }));
    const sum = client.execute(new AddCmd(2, 3));
    await until('that of the client is refused', () => client.pending === 1 && calc.server.connections === 3);
    expect(holding.ran).toBe(2);
    holding.answerAll();
    await busy.receives(GREETING + sumFrame(1, 5) + sumFrame(2, 5));
    await until('the Command is run', () => holding.ran === 3);
    holding.answerAll();
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(calc.lost).toEqual([]);
  });

  it('says that it was not sent to a client that has asked often enough', async () => {
    const held = await hold({ maxInFlight: 1 });
    await busyPeer(held, 1);
    const client = own(calcClient(held.calc.port, { extension: true }));
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'OVERLOADED', sent: false });
    expect(held.holding.ran).toBe(1);
  });

  it('closes the plain connection that runs the most for a Command of another one, which runs', async () => {
    const held = await hold({ maxInFlight: 6 });
    const { calc, holding } = held;
    const [few, many] = [await busyPeer(held, 2), await busyPeer(held, 4)];
    const sender = own(await calc.connect());
    sender.write(ADD_2_3);
    await many.ends();
    await until('the Command runs', () => holding.ran === 7);
    holding.answerAll();
    await sender.receives(GREETING + SUM_5);
    await few.receives(GREETING + sumFrame(1, 5) + sumFrame(2, 5));
    expect(await calc.lostCause()).toMatchObject({ code: 'OVERLOADED' });
    expect(calc.lost).toHaveLength(1);
    expect(many.hex).toBe(GREETING);
  });

  it('closes the connection of the sender when that runs the most, and does not run its Command', async () => {
    const held = await hold({ maxInFlight: 4 });
    const { calc, holding } = held;
    const [other, sender] = [await busyPeer(held, 1), await busyPeer(held, 3)];
    sender.write(addFrame(4, 2, 3));
    await sender.ends();
    await turns();
    expect(holding.ran).toBe(4);
    expect(other.isEnded).toBe(false);
    holding.answerAll();
    expect(await calc.lostCause()).toMatchObject({ code: 'OVERLOADED' });
  });

  it('closes the connection of the sender when none of the others runs more', async () => {
    const held = await hold({ maxInFlight: 2 });
    const others = [await busyPeer(held, 1), await busyPeer(held, 1)];
    const sender = own(await held.calc.connect());
    sender.write(ADD_2_3);
    await sender.ends();
    held.holding.answerAll();
    await Promise.all(others.map((peer) => peer.receives(GREETING + SUM_5)));
    expect(held.holding.ran).toBe(2);
  });

  it('closes the extended connection that holds the room for a client that has less than half of its part', async () => {
    const held = await hold({ maxInFlight: 8, maxInFlightPerConnection: 4 });
    const { calc, holding } = held;
    const holders: RawPeer[] = [];
    for (const running of [3, 7]) {
      const holder = own(await calc.connect());
      holder.write(PROBE + hello() + Array.from({ length: 4 }, (_, at) => addFrame(at + 1, 2, 3)).join(''));
      await until('its Commands run', () => calc.server.inFlight > running);
      holders.push(holder);
    }
    const client = own(calcClient(calc.port, { extension: true }));
    const sum = client.execute(new AddCmd(2, 3));
    await until('the Command runs', () => holding.ran === 9);
    expect(await calc.lostCause()).toMatchObject({ code: 'OVERLOADED' });
    await until('its peer sees that', () => holders.some(({ isEnded }) => isEnded));
    expect(holders.every(({ isEnded }) => isEnded)).toBe(false);
    holding.answerAll();
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });

  it('closes one connection for many Commands that come together, not one for each', async () => {
    const held = await hold({ maxInFlight: 10 });
    const { calc, holding } = held;
    const peers = [await busyPeer(held, 2), await busyPeer(held, 2), await busyPeer(held, 6)];
    const sender = own(await calc.connect());
    sender.write(Array.from({ length: 5 }, (_, at) => addFrame(at + 1, 2, 3)).join(''));
    await until('all of them run', () => holding.ran === 15);
    await peers[2]!.ends();
    expect(peers.map(({ isEnded }) => isEnded)).toEqual([false, false, true]);
  });

  it('counts Commands that outlive their connection apart, up to the same number', async () => {
    const held = await hold({ maxInFlight: 3 });
    const { calc, holding } = held;
    (await busyPeer(held, 3)).reset();
    await until('the connection is lost', () => calc.server.inFlight === 3 && holding.sinks.every((s) => !s.isOpen));
    const sender = own(await calc.connect());
    sender.write(ADD_2_3);
    await sender.ends();
    expect(holding.ran).toBe(3);
    const client = own(calcClient(calc.port, { extension: true }));
    const sum = client.execute(new AddCmd(2, 3));
    await until('it is refused', () => client.pending === 1);
    holding.answerAll();
    await until('it runs', () => holding.ran === 4);
    expect(calc.server.inFlight).toBe(1);
    holding.answerAll();
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(calc.server.inFlight).toBe(0);
  });

  it('closes no other connection while Commands that outlive theirs are too many', async () => {
    const held = await hold({ maxInFlight: 3 });
    const { calc, holding } = held;
    const busy = await busyPeer(held, 2);
    for (let lost = 1; lost <= 3; lost++) {
      (await busyPeer(held, 1)).reset();
      await until('the connection is lost', () => holding.sinks.filter(({ isOpen }) => !isOpen).length === lost);
    }
    const sender = own(await calc.connect());
    sender.write(ADD_2_3);
    await sender.ends();
    holding.answerAll();
    await busy.receives(GREETING + sumFrame(1, 5) + sumFrame(2, 5));
  });

  it('runs as many Commands again as before when the load is gone', async () => {
    const held = await hold({ maxInFlight: 2 });
    for (let round = 0; round < 5; round++) {
      const peer = await busyPeer(held, 2);
      held.holding.answerAll();
      await peer.receives(GREETING + sumFrame(1, 5) + sumFrame(2, 5));
      await peer.destroy();
      await until('the connection is lost', () => held.calc.server.connections === 0);
    }
    expect(held.calc.lost.map(({ cause }) => cause.code)).toEqual(Array.from({ length: 5 }, () => 'PEER_CLOSED'));
  });

  it('drops an event by pattern, and says so', async () => {
    const held = await hold({ maxInFlight: 1 });
    const { calc, holding } = held;
    await busyPeer(held, 1);
    const peer = own(await calc.connect());
    peer.write(PROBE + hello());
    await peer.receives(EXTENDED_GREETING);
    peer.write(control(4, `0000${text('tick')}`));
    await until('it is reported', () => calc.errors.length > 0);
    expect(calc.errors).toEqual([expect.objectContaining({ code: 'OVERLOADED' })]);
    expect(holding.ran).toBe(1);
  });

  it('does not stop anything when it is Infinity', async () => {
    const held = await hold({ maxInFlight: Infinity, maxInFlightPerConnection: 20_000 });
    await busyPeer(held, 20_000);
    expect(held.calc.server.inFlight).toBe(20_000);
  });
});

describe('maxConnections', () => {
  it('is no limit when it is Infinity', async () => {
    const calc = own(await CalcServer.start({ maxConnections: Infinity }));
    const peers = await Promise.all(Array.from({ length: 200 }, () => calc.connect()));
    for (const peer of peers) own(peer).write(ADD_2_3);
    await Promise.all(peers.map((peer) => peer.receives(GREETING + SUM_5)));
    expect(calc.server.connections).toBe(200);
  });

  it('makes the server degraded while it is reached', async () => {
    const calc = own(await CalcServer.start({ maxConnections: 2 }));
    const statuses: unknown[] = [];
    calc.server.onStatus((status, cause) => statuses.push([status, cause?.code]));
    const [first] = [own(await calc.connect()), own(await calc.connect())];
    await until('it is full', () => calc.server.status === 'degraded');
    await first.destroy();
    await until('there is room', () => calc.server.status === 'connected');
    expect(statuses).toEqual([
      ['degraded', 'MAX_CONNECTIONS'],
      ['connected', undefined],
    ]);
  });
});

describe('an accept error', () => {
  it('is reported, makes the server degraded until the next connection, and ends nothing', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    const cause = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' });
    for (let time = 0; time < 3; time++) calc.server.netServer!.emit('error', cause);
    expect(calc.errors).toEqual(
      Array.from({ length: 3 }, () => expect.objectContaining({ code: 'ACCEPT_FAILED', cause }) as unknown),
    );
    expect(calc.server.status).toBe('degraded');
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5);
    const next = own(await calc.connect());
    next.write(ADD_2_3);
    await next.receives(GREETING + SUM_5);
    expect(calc.server.status).toBe('connected');
    expect(calc.lost).toEqual([]);
  });
});

describe('a process without descriptors', () => {
  it('goes on serving the connections it has, and takes new ones as soon as it can', async () => {
    const child = own(new ServerProcess(own(new Folder()), { maxDescriptors: 64, holds: 25 }));
    const { port } = await child.address();
    await until('it says so', () => child.reported('warning').length > 0);
    expect(child.reported('warning')[0]).toContain(
      'takes 32 connections and not maxConnections (10000), as the process may open 64 files',
    );
    const first = own(await RawPeer.connect(port));
    await first.receives(GREETING);
    const crowd = await Promise.all(Array.from({ length: 100 }, () => RawPeer.connect(port)));
    crowd.forEach(own);
    await until('some are not served', () => crowd.some(({ isEnded }) => isEnded));
    await until('it says so', () => child.reported('error').includes('ACCEPT_FAILED'));
    await until('it is degraded', () => child.reported('status').includes('degraded'));
    first.write(ADD_2_3);
    await first.receives(GREETING + SUM_5);
    await Promise.all(crowd.map((peer) => peer.destroy()));
    for (let answered = false; !answered;) {
      const next = own(await RawPeer.connect(port));
      next.write(ADD_2_3);
      await until('it is answered or closed', () => next.hex === GREETING + SUM_5 || next.isEnded);
      answered = next.hex === GREETING + SUM_5;
      await next.destroy();
    }
    first.write(ADD_2_3);
    await first.receives(GREETING + SUM_5 + SUM_5);
    await first.destroy();
    expect(await inTime('it closes', child.close())).toBe(0);
  });
});
