// A client that asks whether its server is still there, over real sockets: one that answers stays, one that swallows
// everything goes.
import { describe, expect, it } from '@jest/globals';
import { calcClient } from '../../support/calc-client.js';
import { addFrame, GREETING, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { until } from '../../support/deadline.js';
import { FaultProxy } from '../../support/fault-proxy.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { soon } from '../../support/named-server.js';
import { RawServer } from '../../support/raw-server.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const often = { intervalMs: 250, timeoutMs: 250 };

describe('a client that is idle', () => {
  it('is kept by a server that closes connections on which nothing comes', async () => {
    const calc = own(await CalcServer.start({ receiveTimeoutMs: 600 }));
    const client = own(calcClient(calc.port, { keepalive: often }));
    const bystander = own(calcClient(calc.port, { keepalive: false }));
    await client.connect();
    await bystander.connect();
    // The one without pings is the clock: it goes when the time of both would be over.
    expect(await calc.lostCause()).toMatchObject({ code: 'RECEIVE_TIMEOUT' });
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(calc.server.connections).toBe(1);
    expect(calc.lost).toHaveLength(1);
  });

  it('sends pings and says how long they took', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { keepalive: often }));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    expect(client.servers[0]!.roundTripMs).toBeUndefined();
    await peer.receives('00');
    peer.write('00');
    await until('the pong is read', () => client.servers[0]!.roundTripMs !== undefined);
    expect(client.servers[0]!.roundTripMs).toBeGreaterThan(0);
    await peer.receives('0000');
    expect(client.unexpectedResults).toBe(0);
  });

  it('sends none when it is asked not to', async () => {
    const raw = own(await RawServer.listen());
    const [client, other] = [false, often].map((keepalive) => own(calcClient(raw.port, { keepalive })));
    const connected = client!.connect();
    const quiet = await raw.peer();
    quiet.write(GREETING);
    await connected;
    const also = other!.connect();
    const peer = await raw.peer(1);
    peer.write(GREETING);
    await also;
    await peer.receives('00');
    expect(quiet.hex).toBe('');
  });

  it('is kept, and opens its connection anew when that is cut', async () => {
    const calc = own(await CalcServer.start({ receiveTimeoutMs: 600 }));
    const proxy = await FaultProxy.listen(calc.port);
    own({ destroy: () => proxy.close() });
    const client = own(calcClient(proxy.port, { keepalive: often, reconnect: soon }));
    await client.connect();
    proxy.cut('rst');
    await until('it is open again', () => client.status === 'connected' && proxy.accepted === 2);
    await until('a ping was answered', () => client.servers[0]!.roundTripMs !== undefined);
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });
});

describe('a server that swallows everything', () => {
  it.each([true, false])('is found out and replaced (Commands pending: %s)', async (isBusy) => {
    const calc = own(await CalcServer.start());
    const proxy = await FaultProxy.listen(calc.port);
    own({ destroy: () => proxy.close() });
    const client = own(calcClient(proxy.port, { keepalive: often, reconnect: soon, extension: true }));
    await client.connect();
    const causes: unknown[] = [];
    client.onStatus(({ cause }) => causes.push(cause?.code));
    proxy.blackhole();
    const calls = isBusy ? [1, 2, 3].map((n) => client.execute(new AddCmd(n, n))) : [];
    const settled = Promise.allSettled(calls);
    await until('it is given up', () => causes.length > 0);
    expect(causes[0]).toBe('KEEPALIVE_TIMEOUT');
    for (const call of await settled) {
      expect(call).toMatchObject({
        reason: { code: 'CONNECTION_LOST', sent: true, cause: { code: 'KEEPALIVE_TIMEOUT' } },
      });
    }
    await proxy.heal();
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });
});

describe('a server that answers no ping', () => {
  it('is kept as long as anything else comes: any byte is life', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { keepalive: often }));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    const bystander = own(calcClient(raw.port, { keepalive: often }));
    const also = bystander.connect();
    const silent = await raw.peer(1);
    silent.write(GREETING);
    await also;
    const sum = client.execute(new AddCmd(2, 3));
    const answer = sumFrame(1, 5);
    // Byte by byte: not even a whole frame is needed.
    peer.write(sumFrame(99, 1));
    const chatter = setInterval(() => peer.write('00'), 20);
    own({ destroy: () => clearInterval(chatter) });
    // The silent one is the clock: it goes when the time of both would be over, and again.
    for (let round = 0; round < 2; round++) {
      await until('the silent one is given up', () => bystander.status === 'disconnected');
      bystander.connect().catch(() => {});
      (await raw.peer(2 + round)).write(GREETING);
      await until('it is open again', () => bystander.status === 'connected');
    }
    clearInterval(chatter);
    peer.write(answer);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(raw.peers[0]!.isEnded).toBe(false);
  });
});

describe('a Command', () => {
  it('is written whenever it comes, whatever pings were written before it', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { keepalive: often }));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    for (let seq = 1; seq <= 3; seq++) {
      const { length } = peer.received;
      await peer.receivesBytes(length + 1);
      peer.write('00');
      const sum = client.execute(new AddCmd(seq, 0), { timeoutMs: 10_000 });
      await until('it arrives', () => peer.hex.includes(addFrame(seq, seq, 0)));
      peer.write(sumFrame(seq, seq));
      await expect(sum).resolves.toEqual(new CalcResult(seq));
    }
    expect(client.status).toBe('connected');
  });

  it('whose time is over while its server does not read leaves the connection usable', async () => {
    const calc = own(await CalcServer.start());
    const proxy = await FaultProxy.listen(calc.port);
    own({ destroy: () => proxy.close() });
    const client = own(calcClient(proxy.port, { extension: true }));
    await client.connect();
    proxy.stall('toServer');
    const late = client.execute(new AddCmd(1, 1), { timeoutMs: 50 });
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT', sent: true });
    await proxy.heal();
    for (let n = 0; n < 3; n++) await expect(client.execute(new AddCmd(n, 1))).resolves.toEqual(new CalcResult(n + 1));
    expect(proxy.accepted).toBe(1);
  });
});
