// Connections of a client that cannot be had or are lost: which calls fail, with what, and what comes after.
import { describe, expect, it } from '@jest/globals';
import type { CmdStreamError, ClientStatus } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, addFrame, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { openPair } from '../../support/client-pair.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { freePort } from '../../support/free-port.js';
import { guardLeaks } from '../../support/leak-guard.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult, EchoCmd } from '../../support/vector-contract.js';

const own = guardLeaks();

describe('a server that is not there', () => {
  it('fails every call with CONNECT_FAILED, and the next call tries again', async () => {
    const port = await freePort();
    const client = own(calcClient(port));
    const calls = [client.connect(), client.execute(new AddCmd(2, 3)), client.emit(new AddCmd(2, 3))];
    for (const settled of await Promise.allSettled(calls)) {
      expect(settled).toMatchObject({
        reason: { code: 'CONNECT_FAILED', sent: false, cause: { code: 'ECONNREFUSED' } },
      });
    }
    expect(client.status).toBe('disconnected');
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(client.pending).toBe(0);
  });

  it.each(['127.0.0.1', 'localhost'])('is named in the error, with the reason, when the host is %s', async (host) => {
    const port = await freePort();
    const client = own(calcClient(port, { host }));
    await expect(client.connect()).rejects.toThrow(new RegExp(`^cannot connect to ${host}:${port}: .*ECONNREFUSED`));
  });
});

const losses: [string, (peer: RawPeer) => void, string][] = [
  ['is ended by the server', (peer) => peer.finish(), 'PEER_CLOSED'],
  ['is reset', (peer) => peer.reset(), 'PEER_RESET'],
  [
    'ends inside a Result',
    (peer) => {
      peer.write('01000531');
      peer.finish();
    },
    'PEER_CLOSED',
  ],
  ['brings 10,000 bytes of 80', (peer) => peer.write('80'.repeat(10_000)), 'VARINT_OVERFLOW'],
  ['brings half a Result and silence', (peer) => peer.write('01000531'), 'FRAME_TIMEOUT'],
];

/** The second of three calls gets it: how the connection goes on is not known, and what was to come is lost with it. */
const unreadable: [string, string, string][] = [
  ['an unknown type number', '0209027b7d', 'UNKNOWN_TYPE'],
  ['no JSON', '02000178', 'BAD_PAYLOAD'],
  ['a length of 2^63-1', '0200ffffffffffffffff7f', 'FRAME_TOO_LARGE'],
  ['a negative length', '0200ffffffffffffffffff01', 'NEGATIVE_LENGTH'],
];

describe('a Result that cannot be read', () => {
  it.each(unreadable)('has %s: its call says so, the others lost their connection', async (_what, hex, code) => {
    const { client, peer, raw } = await openPair(own);
    const calls = [1, 2, 3].map((n) => client.execute(new AddCmd(n, 0)));
    await peer.receivesBytes(48);
    peer.write(hex);
    const lost = { reason: { code: 'CONNECTION_LOST', sent: true, cause: { code } } };
    const settled = await inTime('the calls end', Promise.allSettled(calls));
    expect(settled).toMatchObject([lost, { reason: { code, sent: true } }, lost]);
    await peer.ends();
    const sum = client.execute(new AddCmd(2, 3));
    const next = await raw.peer(1);
    next.write(GREETING);
    await next.receives(addFrame(4, 2, 3));
    next.write(sumFrame(4, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });
});

describe('a connection that', () => {
  it.each(losses)('%s fails what was sent, and the next call has a new one', async (_what, lose, code) => {
    const { client, peer, raw } = await openPair(own, { frameTimeoutMs: 100 });
    const calls = [client.execute(new AddCmd(1, 0)), client.execute(new AddCmd(2, 0))];
    const sink = new RecordingSink();
    client.dispatch(new AddCmd(3, 0), sink);
    await peer.receivesBytes(48);
    lose(peer);
    for (const settled of await inTime('the calls end', Promise.allSettled(calls))) {
      expect(settled).toMatchObject({ reason: { code: 'CONNECTION_LOST', sent: true, cause: { code } } });
    }
    expect(await sink.ended()).toMatchObject({ code: 'CONNECTION_LOST' });
    expect(client.status).toBe('disconnected');
    expect(client.pending).toBe(0);
    const sum = client.execute(new AddCmd(2, 3));
    const next = await raw.peer(1);
    next.write(GREETING);
    await next.receives(addFrame(4, 2, 3));
    next.write(sumFrame(4, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });

  it('is lost right after a Result has that Result delivered', async () => {
    const { client, peer } = await openPair(own);
    const [sum, other] = [client.execute(new AddCmd(2, 3)), client.execute(new AddCmd(2, 3))];
    await peer.receivesBytes(32);
    peer.write(`${SUM_5}0209027b7d`);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    await expect(other).rejects.toMatchObject({ code: 'UNKNOWN_TYPE', sent: true });
  });

  it('is lost while nothing is pending leaves the client idle', async () => {
    const { client, peer } = await openPair(own);
    peer.finish();
    await peer.ends();
    await until('the loss is seen', () => client.status !== 'connected');
    expect(client.status).toBe('disconnected');
  });

  it('does not read fails with WRITE_STALL_TIMEOUT as the cause', async () => {
    const { client, peer, raw } = await openPair(own, { writeStallTimeoutMs: 100 });
    peer.socket.pause();
    const calls = Array.from({ length: 250 }, () => client.execute(new EchoCmd('x'.repeat(100_000))));
    const errors: CmdStreamError[] = [];
    for (const call of calls) call.catch((error: CmdStreamError) => errors.push(error));
    // 8 MiB are taken for sending; what is beyond was never sent and goes to the next connection.
    const next = await raw.peer(1);
    next.write(GREETING);
    await next.receivesBytes(100_000);
    expect(errors.length).toBeGreaterThan(50);
    expect(errors.length).toBeLessThan(250);
    for (const error of errors)
      expect(error).toMatchObject({ code: 'CONNECTION_LOST', sent: true, cause: { code: 'WRITE_STALL_TIMEOUT' } });
  });

  it('takes neither a ping nor what was written before it fails with KEEPALIVE_TIMEOUT as the cause', async () => {
    const { client, peer } = await openPair(own, { keepalive: { intervalMs: 250, timeoutMs: 250 } });
    peer.socket.pause();
    const call = client.execute(new AddCmd(2, 3));
    const more = Array.from({ length: 250 }, () => client.execute(new EchoCmd('x'.repeat(100_000))));
    const all = Promise.allSettled(more);
    await expect(call).rejects.toMatchObject({ code: 'CONNECTION_LOST', cause: { code: 'KEEPALIVE_TIMEOUT' } });
    client.destroy();
    await all;
  });

  it('does not answer a ping fails with KEEPALIVE_TIMEOUT as the cause', async () => {
    const { client, peer } = await openPair(own, { keepalive: { intervalMs: 250, timeoutMs: 250 } });
    const call = client.execute(new AddCmd(2, 3));
    await expect(call).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      sent: true,
      cause: { code: 'KEEPALIVE_TIMEOUT' },
    });
    await peer.ends();
  });
});

describe('calls made while others fail', () => {
  it('by a sink have a connection of their own', async () => {
    const { client, peer, raw } = await openPair(own);
    let again: Promise<CalcResult> | undefined;
    const sink = Object.assign(new RecordingSink(), { error: () => (again = client.execute(new AddCmd(2, 3))) });
    client.dispatch(new AddCmd(1, 1), sink);
    peer.reset();
    await until('the call has failed', () => again !== undefined);
    const next = await raw.peer(1);
    next.write(GREETING);
    await next.receives(addFrame(2, 2, 3));
    next.write(sumFrame(2, 5));
    await expect(again).resolves.toEqual(new CalcResult(5));
  });

  it.each<[string, (peer: RawPeer) => void]>([
    [
      'the connection was lost',
      (peer) => {
        peer.write(GREETING);
        peer.finish();
      },
    ],
    ['no connection could be opened', (peer) => peer.reset()],
  ])('by a status listener have a connection of their own when %s', async (_what, end) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    let again: Promise<CalcResult> | undefined;
    client.onStatus(({ status }) => {
      if (status === 'disconnected') again ??= client.execute(new AddCmd(2, 3));
    });
    const failed = client.execute(new AddCmd(1, 1));
    end(await raw.peer());
    await expect(failed).rejects.toThrow(/connect/);
    const next = await raw.peer(1);
    next.write(GREETING);
    await next.receivesBytes(16);
    const seq = Number.parseInt(next.hex.slice(0, 2), 16);
    expect(next.hex).toBe(addFrame(seq, 2, 3));
    next.write(sumFrame(seq, 5));
    await expect(again).resolves.toEqual(new CalcResult(5));
  });
});

describe('onStatus()', () => {
  it('tells every change with its cause, until it is ended', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const seen: [ClientStatus, string | undefined][] = [];
    const end = client.onStatus(({ status, cause }) => void seen.push([status, cause?.code]));
    for (let round = 0; round < 2; round++) {
      const connected = client.connect();
      const peer = await raw.peer(round);
      peer.write(GREETING);
      await connected;
      peer.finish();
      await until('the loss is seen', () => client.status === 'disconnected');
    }
    end();
    client.destroy();
    expect(seen).toEqual([
      ['connecting', undefined],
      ['connected', undefined],
      ['disconnected', 'PEER_CLOSED'],
      ['connecting', undefined],
      ['connected', undefined],
      ['disconnected', 'PEER_CLOSED'],
    ]);
  });

  it('leaves the client alone when a listener throws', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    client.onStatus(() => {
      throw new Error('a listener throws');
    });
    const sum = client.execute(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(ADD_2_3);
    peer.write(SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
    peer.reset();
    await until('the loss is seen', () => client.status === 'disconnected');
    client.destroy();
    await turns();
  });
});
