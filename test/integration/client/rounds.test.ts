// Second rounds: what a client resets, counts down and lets go of, what is over already, and what must still be
// pending.
import { connect as connectTcp, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { PatternMessage } from '../../../lib/codec/pattern-message.js';
import type { CmdStreamError } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { addFrame, GREETING, sumFrame } from '../../support/calc-frames.js';
import { openPair } from '../../support/client-pair.js';
import { turns, until } from '../../support/deadline.js';
import { GOAWAY, hello } from '../../support/extension-frames.js';
import { freePort } from '../../support/free-port.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { groupClient, soon } from '../../support/named-server.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();

/** Has the promise been settled by now? */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => void (settled = true);
  promise.then(settle, settle);
  await turns();
  return settled;
}

describe('what must still be pending', () => {
  it('is close(), until the socket is closed', async () => {
    const { client, peer } = await openPair(own);
    const closed = client.close();
    await peer.ends();
    expect(await isSettled(closed)).toBe(false);
    peer.finish();
    await closed;
  });

  it('is connect(), as long as one of the servers may be reached', async () => {
    const raw = own(await RawServer.listen());
    const client = own(groupClient([{ port: await freePort() }, raw], { queue: false, extension: false }));
    const connected = client.connect();
    const call = client.execute(new AddCmd(2, 3));
    await until('one has failed', () => client.servers[0]!.lastError !== undefined);
    expect(await isSettled(Promise.race([connected, call]))).toBe(false);
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    peer.write(sumFrame(1, 5));
    await expect(call).resolves.toEqual(new CalcResult(5));
  });

  it('is a call that was written, until its answer, and then no more', async () => {
    const { client, peer } = await openPair(own);
    const sum = client.execute(new AddCmd(2, 3));
    expect(client.pending).toBe(1);
    await peer.receives(addFrame(1, 2, 3));
    expect(await isSettled(sum)).toBe(false);
    peer.write(sumFrame(1, 5));
    await sum;
    expect(client.pending).toBe(0);
  });
});

describe('the last error of a server', () => {
  it('is gone when a connection is open, and is that of the second outage in the second', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { reconnect: soon }));
    const lastError = (): CmdStreamError | undefined => client.servers[0]!.lastError;
    client.connect().catch(() => {});
    const errors: unknown[] = [];
    for (const [round, lose] of (['reset', 'finish'] as const).entries()) {
      const peer = await raw.peer(round);
      peer.write(GREETING);
      await until('it is open', () => client.status === 'connected');
      expect(lastError()).toBeUndefined();
      peer[lose]();
      await until('it is lost', () => lastError() !== undefined);
      errors.push(lastError()!.code);
    }
    expect(errors).toEqual(['PEER_RESET', 'PEER_CLOSED']);
  });
});

describe('errors while queued', () => {
  it('reach each call once, although the first one ends the others and makes another', async () => {
    const client = own(calcClient(await freePort()));
    const sinks = [new RecordingSink(), new RecordingSink(), new RecordingSink()];
    const later = new RecordingSink();
    const fail = sinks[0]!.error.bind(sinks[0]!);
    sinks[0]!.error = (error) => {
      fail(error);
      calls[1]!.cancel();
      client.dispatch(new AddCmd(4, 4), later);
    };
    const calls = sinks.map((sink, at) => client.dispatch(new AddCmd(at, at), sink));
    await sinks[2]!.ended();
    await later.ended();
    expect(sinks.map(({ ends }) => ends.length)).toEqual([1, 0, 1]);
    expect(later.ends).toEqual([{ error: expect.objectContaining({ code: 'CONNECT_FAILED' }) }]);
    expect(client.pending).toBe(0);
  });

  it('are no end of a call that was given back before: it is sent, once', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true, reconnect: soon }));
    const sums = [client.execute(new AddCmd(1, 1)), client.execute(new AddCmd(2, 2))];
    const first = await raw.peer();
    first.write(GREETING + hello({ maxInFlight: 1 }));
    await until('one is written', () => first.hex.endsWith(addFrame(1, 1, 1)));
    first.write(GOAWAY);
    const second = await raw.peer(1);
    second.write(GREETING + hello());
    await until('the other one is written', () => second.hex.endsWith(addFrame(2, 2, 2)));
    first.write(sumFrame(1, 2));
    first.finish();
    second.write(sumFrame(2, 4));
    expect(await Promise.all(sums)).toEqual([new CalcResult(2), new CalcResult(4)]);
    expect(client.status).toBe('connected');
    expect(client.pending).toBe(0);
  });
});

describe('what is over already', () => {
  it('is a connection that has brought garbage: its socket is gone at once, whatever the peer does', async () => {
    const raw = own(await RawServer.listen());
    let socket: Socket | undefined;
    const connect = (): Socket => (socket = connectTcp(raw.port, '127.0.0.1'));
    const client = own(calcClient(raw.port, { connect }));
    const lost = client.execute(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(addFrame(1, 2, 3));
    peer.write('0709027b7d');
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(socket!.destroyed).toBe(true);
  });

  it('is a call that was cancelled: a Result of it that cannot be read ends nothing, and counts as late', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const cancelled = client.dispatch(new AddCmd(2, 3), new RecordingSink());
    const peer = await raw.peer();
    peer.write(GREETING + hello());
    await until('it is written', () => peer.hex.endsWith(addFrame(1, 2, 3)));
    cancelled.cancel();
    const sum = client.execute(new AddCmd(4, 5));
    // A body that is no JSON, then the answer to the other one.
    peer.write(`010001${Buffer.from('x').toString('hex')}${sumFrame(2, 9)}`);
    expect(await sum).toEqual(new CalcResult(9));
    expect([client.status, client.lateFrames, client.unexpectedResults]).toEqual(['connected', 1, 0]);
  });

  it('is a client that was closed: a connection that opens then is ended, and no attempt is made', async () => {
    const raw = own(await RawServer.listen());
    let attempts = 0;
    const connect = (): Socket => {
      attempts++;
      return connectTcp(raw.port, '127.0.0.1');
    };
    const client = own(calcClient(raw.port, { connect, reconnect: soon, connectionsPerServer: 2 }));
    const connected = client.connect();
    await raw.peer(1);
    client.destroy();
    await expect(connected).rejects.toMatchObject({ code: 'CLOSED' });
    for (const peer of raw.peers) {
      peer.write(GREETING);
      await peer.ends();
    }
    expect([attempts, client.status, client.servers[0]!.open]).toEqual([2, 'closed', 0]);
  });
});

describe('a group whose servers differ', () => {
  it('has patterns and metadata go to the extended one, and fails them when only plain ones are left', async () => {
    const [plain, extended] = [own(await RawServer.listen()), own(await RawServer.listen())];
    const client = own(groupClient([plain, extended], { reconnect: false }));
    client.connect().catch(() => {});
    (await plain.peer()).write(`${GREETING}00`);
    const peer = await extended.peer();
    peer.write(GREETING + hello());
    await until('both are open', () => client.status === 'connected');
    const before = peer.received.length;
    const sinks = [new RecordingSink(), new RecordingSink()];
    client.dispatch(new PatternMessage('message', 'sum', []) as never, sinks[0]!);
    client.dispatch(new AddCmd(2, 3), sinks[1]!, { metadata: { tenant: 'a' } });
    await until('both have arrived', () => peer.hex.endsWith(addFrame(2, 2, 3)));
    expect(peer.received.length).toBeGreaterThan(before + addFrame(2, 2, 3).length / 2);
    peer.reset();
    await until('it is lost', () => client.status === 'degraded');
    const call = client.execute(new AddCmd(2, 3), { metadata: { tenant: 'a' } });
    await expect(call).rejects.toMatchObject({ code: 'EXTENSION_UNAVAILABLE', sent: false });
  });
});
