// Results that are not taken, and what their taker learns of a loss, a timeout and its own failures.
import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { countResultFrame, frame, sumFrame } from '../../support/calc-frames.js';
import { openPair } from '../../support/client-pair.js';
import { until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult, CountCmd, CountResult } from '../../support/vector-contract.js';

const own = guardLeaks();

describe('Results that are not taken', () => {
  it('hold up no other Command of the connection', async () => {
    const { client, peer } = await openPair(own);
    const results = client.iterate(new CountCmd(5000));
    const first = results.next();
    for (let I = 0; I < 5000; I++) peer.write(countResultFrame(1, I, I === 4999));
    const sums = Array.from({ length: 20 }, (_, index) => client.execute(new AddCmd(index, 0)));
    for (let index = 0; index < 20; index++) peer.write(sumFrame(index + 2, index));
    expect(await Promise.all(sums)).toEqual(sums.map((_, index) => new CalcResult(index)));
    await expect(first).resolves.toMatchObject({ value: { I: 0 } });
    let taken = 1;
    for await (const { I } of results) expect(I).toBe(taken++);
    expect(taken).toBe(5000);
  });

  it('fail their own call alone when there are too many', async () => {
    const { client, peer } = await openPair(own, { maxStreamBufferBytes: 2_097_152 });
    const results = client.iterate(new CountCmd(100));
    await Promise.all([results.next(), peer.write(countResultFrame(1, 0, false))]);
    // Each counts more than 128 bytes, however few it has.
    for (let I = 1; I <= 2_097_152 / 128; I++) peer.write(countResultFrame(1, I, false));
    await until('it is given up', () => client.pending === 0);
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(sumFrame(2, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
    const rest = async (): Promise<void> => {
      while (!(await results.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'SLOW_CONSUMER' });
  });
});

describe('a slow taker of an endless stream', () => {
  it('fails by the bytes that wait, however few Results they are', async () => {
    const { client, peer } = await openPair(own, { maxStreamBufferBytes: 2_097_152 });
    const results = client.iterate(new CountCmd(5000));
    await Promise.all([results.next(), peer.write(countResultFrame(1, 0, false))]);
    const large = frame(1, 1, `{"I":1,"Last":false,"Pad":"${'x'.repeat(30_000)}"}`);
    for (let sent = 0; sent < 80; sent++) peer.write(large);
    await until('it is given up', () => client.pending === 0);
    let taken = 0;
    const rest = async (): Promise<void> => {
      for (;;) {
        await results.next();
        taken++;
      }
    };
    await expect(rest()).rejects.toMatchObject({
      code: 'SLOW_CONSUMER',
      message: expect.stringContaining('maxStreamBufferBytes (2097152)') as unknown,
    });
    expect(taken).toBe(70);
  });
});

describe('one signal for thousands of calls', () => {
  it('has one listener, and ends them all', async () => {
    const { client } = await openPair(own);
    const controller = new AbortController();
    const calls = Array.from({ length: 3_000 }, (_, n) =>
      client.execute(new AddCmd(n, 0), { signal: controller.signal }),
    );
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    const reason = new Error('given up');
    controller.abort(reason);
    expect(new Set((await Promise.allSettled(calls)).map((end) => (end as { reason?: unknown }).reason))).toEqual(
      new Set([reason]),
    );
    expect(client.pending).toBe(0);
  });
});

describe('the taker of Results', () => {
  it('gets all that came before a loss, then its error', async () => {
    const { client, peer } = await openPair(own);
    const results = client.iterate(new CountCmd(100));
    const first = results.next();
    for (let I = 0; I < 10; I++) peer.write(countResultFrame(1, I, false));
    peer.finish();
    await until('the loss is seen', () => client.status !== 'connected');
    const taken: unknown[] = [(await first).value];
    const take = async (): Promise<void> => {
      for await (const result of results) taken.push(result);
    };
    await expect(take()).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    expect(taken).toEqual(Array.from({ length: 10 }, (_, I) => new CountResult(I, false)));
  });

  it('is given its timeout as an error, and gets no Result twice', async () => {
    const { client, peer } = await openPair(own);
    const sink = new RecordingSink();
    client.dispatch(new CountCmd(2), sink, { timeoutMs: 100 });
    peer.write(countResultFrame(1, 0, false));
    expect(await sink.ended()).toMatchObject({ code: 'TIMEOUT', sent: true });
    expect(sink.results).toEqual([new CountResult(0, false)]);
    expect(sink.ends).toHaveLength(1);
  });

  it('has its own failure as the end of its loop, and the Command is not waited for any more', async () => {
    const { client, peer } = await openPair(own);
    const take = async (): Promise<void> => {
      for await (const { I } of client.iterate(new CountCmd(100))) if (I === 1) throw new Error('enough');
    };
    const taken = take();
    for (let I = 0; I < 3; I++) peer.write(countResultFrame(1, I, false));
    await expect(taken).rejects.toThrow('enough');
    expect(client.pending).toBe(0);
    expect(client.has(1)).toBe(false);
  });
});
