// Calls of a client with any number of Results, each given to a sink, whatever the sink does.
import { describe, expect, it } from '@jest/globals';
import { calcClient } from '../../support/calc-client.js';
import { addFrame, countFrame, countResultFrame, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { openPair } from '../../support/client-pair.js';
import { turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult, CountCmd, CountResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const count = (I: number, Last: boolean): CountResult => new CountResult(I, Last);

describe('dispatch()', () => {
  it('gives the sink each Result in order, then the end', async () => {
    const { client, peer } = await openPair(own);
    const sink = new RecordingSink<CountResult>();
    const call = client.dispatch(new CountCmd(3), sink);
    expect(call).toMatchObject({ seq: 1, isPending: true });
    await peer.receives(countFrame(1, 3));
    peer.write(countResultFrame(1, 0, false));
    await until('a Result arrives', () => sink.results.length === 1);
    expect(sink.ends).toEqual([]);
    peer.write(countResultFrame(1, 1, false) + countResultFrame(1, 2, true));
    expect(await sink.ended()).toBeUndefined();
    expect(sink.results).toEqual([count(0, false), count(1, false), count(2, true)]);
    expect(sink.ends).toEqual(['complete']);
    expect(call.isPending).toBe(false);
  });

  it('keeps the Results of calls apart that come interleaved', async () => {
    const { client, peer } = await openPair(own);
    const sinks = [new RecordingSink(), new RecordingSink()];
    for (const sink of sinks) client.dispatch(new CountCmd(2), sink);
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(
      countResultFrame(2, 0, false) +
        countResultFrame(1, 10, false) +
        sumFrame(3, 5) +
        countResultFrame(2, 1, true) +
        countResultFrame(1, 11, true),
    );
    await expect(sum).resolves.toEqual(new CalcResult(5));
    await Promise.all(sinks.map((sink) => sink.ended()));
    expect(sinks[0]!.results).toEqual([count(10, false), count(11, true)]);
    expect(sinks[1]!.results).toEqual([count(0, false), count(1, true)]);
  });

  it('comes after the calls that waited for the connection when it is made by a status listener', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const sinks = [new RecordingSink(), new RecordingSink()];
    client.onStatus(({ status }) => {
      if (status === 'connected') client.dispatch(new AddCmd(2, 0), sinks[1]!);
    });
    client.dispatch(new AddCmd(1, 0), sinks[0]!);
    const peer = await raw.peer();
    peer.write(GREETING);
    await peer.receives(addFrame(1, 1, 0) + addFrame(2, 2, 0));
    peer.write(sumFrame(1, 1) + sumFrame(2, 2));
    await Promise.all(sinks.map((sink) => sink.ended()));
  });

  it('has the number 0 until its Command was written', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const sink = new RecordingSink();
    const call = client.dispatch(new AddCmd(2, 3), sink);
    expect(call.seq).toBe(0);
    expect(client.has(0)).toBe(false);
    const peer = await raw.peer();
    peer.write(GREETING + SUM_5);
    await sink.ended();
    expect(call.seq).toBe(1);
  });

  it.each([
    ['next', (sink: RecordingSink) => (sink.next = fail)],
    ['complete', (sink: RecordingSink) => (sink.complete = fail)],
  ])('leaves other calls alone when the sink throws in %s', async (_what, break_) => {
    const { client, peer } = await openPair(own);
    const sink = new RecordingSink();
    break_(sink);
    client.dispatch(new AddCmd(2, 3), sink);
    const sum = client.execute(new AddCmd(4, 5));
    peer.write(sumFrame(1, 5) + sumFrame(2, 9));
    await expect(sum).resolves.toEqual(new CalcResult(9));
    expect(client.pending).toBe(0);
    expect(client.status).toBe('connected');
  });

  it('gives the sink the error it threw in next', async () => {
    const { client, peer } = await openPair(own);
    const sink = new RecordingSink();
    sink.next = fail;
    client.dispatch(new CountCmd(2), sink);
    peer.write(countResultFrame(1, 0, false) + countResultFrame(1, 1, true));
    expect(await sink.ended()).toEqual(new Error('a sink throws'));
    await until('the second is unexpected', () => client.unexpectedResults === 1);
    expect(sink.ends).toHaveLength(1);
  });

  it('leaves other calls alone when sinks throw in error', async () => {
    const { client, peer } = await openPair(own);
    for (let at = 0; at < 3; at++) {
      const sink = new RecordingSink();
      sink.error = fail;
      client.dispatch(new AddCmd(2, 3), sink);
    }
    const sum = client.execute(new AddCmd(4, 5));
    peer.reset();
    await expect(sum).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(client.pending).toBe(0);
  });

  it.each([
    ['next and then in error', { next: fail, error: fail }],
    ['error after a time limit', { error: fail }],
  ])('leaves the process alone when a sink throws in %s', async (_what, broken) => {
    const { client, peer } = await openPair(own);
    const sink = Object.assign(new RecordingSink(), broken);
    const call = client.dispatch(new AddCmd(2, 3), sink, { timeoutMs: 20 });
    if ('next' in broken) peer.write(SUM_5);
    await until('the call ends', () => !call.isPending);
    await turns();
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(sumFrame(2, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });

  it('leaves the process alone when a sink throws in error after its signal has aborted', async () => {
    const { client } = await openPair(own);
    const controller = new AbortController();
    const sink = Object.assign(new RecordingSink(), { error: fail });
    const call = client.dispatch(new AddCmd(2, 3), sink, { signal: controller.signal });
    controller.abort();
    await turns();
    expect(call.isPending).toBe(false);
    expect(client.status).toBe('connected');
  });
});

function fail(): never {
  throw new Error('a sink throws');
}
