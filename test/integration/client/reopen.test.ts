// A client that is opened anew: calls from before may still be answered, and it is one client all the same.
import { describe, expect, it } from '@jest/globals';
import { addFrame, GREETING, sumFrame } from '../../support/calc-frames.js';
import { openPair, type ClientPair } from '../../support/client-pair.js';
import { turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();

interface Reopened extends ClientPair {
  /** The call from before, and the close() that waits for it. */
  readonly call: Promise<CalcResult>;
  readonly closed: Promise<void>;
  readonly next: RawPeer;
}

/** A client with a call that is not answered yet, which was closed and opened anew. */
async function reopened(): Promise<Reopened> {
  const pair = await openPair(own);
  const { client, peer, raw } = pair;
  const call = client.execute(new AddCmd(1, 1));
  call.catch(() => {});
  await peer.receives(addFrame(1, 1, 1));
  const closed = client.close();
  expect(client.status).toBe('draining');
  const connected = client.reopen();
  const next = await raw.peer(1);
  next.write(GREETING);
  await connected;
  return { ...pair, call, closed, next };
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => void (settled = true);
  promise.then(settle, settle);
  await turns();
  return settled;
}

describe('reopen()', () => {
  it('opens a closed client anew, whose calls from before are answered meanwhile', async () => {
    const { client, peer, next, call, closed } = await reopened();
    expect([client.status, client.pending, client.has(1)]).toEqual(['connected', 1, true]);
    const sum = client.execute(new AddCmd(2, 3));
    await next.receives(addFrame(2, 2, 3));
    expect([client.pending, client.has(1), client.has(2), client.has(3)]).toEqual([2, true, true, false]);
    expect(await isSettled(closed)).toBe(false);
    peer.write(sumFrame(1, 2));
    await expect(call).resolves.toEqual(new CalcResult(2));
    peer.finish();
    await closed;
    expect([client.pending, client.has(1), client.has(2)]).toEqual([1, false, true]);
    next.write(sumFrame(2, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect([client.pending, client.unexpectedResults]).toEqual([0, 0]);
  });

  it('lets calls from before be forgotten, and only those', async () => {
    const { client, closed, peer, next } = await reopened();
    const sink = new RecordingSink();
    client.dispatch(new AddCmd(2, 3), sink);
    await next.receives(addFrame(2, 2, 3));
    client.forget(3);
    client.forget(1);
    expect(client.pending).toBe(1);
    peer.finish();
    await closed;
    client.forget(2);
    expect([client.pending, sink.ends]).toEqual([0, []]);
  });

  it('tells nothing of the end of what was closed', async () => {
    const { client, closed, peer } = await reopened();
    const news: unknown[] = [];
    client.onStatus((change) => news.push(change));
    peer.write(sumFrame(1, 2));
    peer.finish();
    await closed;
    await turns();
    expect([news, client.status]).toEqual([[], 'connected']);
  });

  it('is connect() of a client that is open', async () => {
    const { client, raw } = await openPair(own);
    await client.reopen();
    expect([raw.peers.length, client.status]).toEqual([1, 'connected']);
  });

  it('may be called in every round', async () => {
    const { client, raw, closed, peer } = await reopened();
    peer.write(sumFrame(1, 2));
    peer.finish();
    await closed;
    for (let round = 2; round <= 4; round++) {
      const last = raw.peers.at(-1)!;
      const end = client.close();
      await last.ends();
      last.finish();
      await end;
      expect(client.status).toBe('closed');
      await expect(client.execute(new AddCmd(1, 1))).rejects.toMatchObject({ code: 'CLOSED' });
      const connected = client.reopen();
      (await raw.peer(round)).write(GREETING);
      await connected;
    }
    expect(client.status).toBe('connected');
  });
});

describe('the end of a client that was opened anew', () => {
  it('by close() waits for the calls from before, too', async () => {
    const { client, peer, next, call } = await reopened();
    const end = client.close();
    await next.ends();
    next.finish();
    expect([client.status, await isSettled(end)]).toEqual(['closed', false]);
    peer.write(sumFrame(1, 2));
    await expect(call).resolves.toEqual(new CalcResult(2));
    peer.finish();
    await end;
  });

  it('by destroy() ends the calls from before, too', async () => {
    const { client, peer, next, call, closed } = await reopened();
    client.destroy();
    await expect(call).rejects.toMatchObject({ code: 'CLOSED', sent: true });
    await Promise.all([peer.ends(), next.ends(), closed, client.close()]);
    await until('nothing is left of it', () => client.pending === 0);
    expect(client.status).toBe('closed');
  });
});
