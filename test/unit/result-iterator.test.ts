// What waits in an iterate(): how much may, and when it is not given any more.
import { describe, expect, it } from '@jest/globals';
import { CmdStreamError } from '../../lib/core.js';
import type { CommandSink, PendingCall } from '../../lib/client/pending-call.js';
import { ResultIterator, type TakerOptions } from '../../lib/client/result-iterator.js';

interface Stage {
  readonly results: ResultIterator<number>;
  readonly sink: CommandSink<number>;
  readonly granted: number[];
  cancelled: number;
}

/** One whose first Result, 0, was taken. */
async function started(maxBuffered: number, options?: TakerOptions): Promise<Stage> {
  const stage = { cancelled: 0, granted: [] as number[], sink: undefined as unknown as CommandSink<number> };
  const call = { grant: (count: number) => stage.granted.push(count), cancel: () => stage.cancelled++ };
  const results = new ResultIterator<number>(
    (sink) => {
      stage.sink = sink;
      return call as unknown as PendingCall;
    },
    maxBuffered,
    options,
  );
  const first = results.next();
  stage.sink.next(0, 10);
  await first;
  return Object.assign(stage, { results });
}

async function rest(results: AsyncIterable<number>): Promise<{ taken: number[]; error?: unknown }> {
  const taken: number[] = [];
  try {
    for await (const result of results) taken.push(result);
    return { taken };
  } catch (error) {
    return { taken, error };
  }
}

describe('what waits to be taken', () => {
  it('is refused when it is too many bytes, and none that were taken count', async () => {
    const { results, sink } = await started(1_000, { maxBytes: 10_000 });
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 10; n++) sink.next(n, 968);
      expect(() => sink.next(10, 968)).toThrow(
        expect.objectContaining({
          code: 'SLOW_CONSUMER',
          message: expect.stringContaining('maxBufferedBytes (10000)'),
        }),
      );
      for (let n = 0; n < 10; n++) await expect(results.next()).resolves.toEqual({ value: n, done: false });
    }
  });

  it('may be one Result beyond the bound in bytes', async () => {
    const { results, sink } = await started(1_000, { maxBytes: 10_000 });
    sink.next(1, 9_000);
    sink.next(2, 1_000_000);
    expect(() => sink.next(3, 1)).toThrow(expect.objectContaining({ code: 'SLOW_CONSUMER' }));
    sink.error(new Error('over'));
    expect(await rest(results)).toEqual({ taken: [1, 2], error: new Error('over') });
  });
});

describe('what waits when the call is over', () => {
  const end = { complete: (sink: CommandSink<number>) => sink.complete() };
  const lost = new CmdStreamError('CONNECTION_LOST', 'gone', { sent: true });

  it('is given after a normal end and after a loss', async () => {
    for (const over of [end.complete, (sink: CommandSink<number>) => sink.error(lost)]) {
      const { results, sink } = await started(1_000, { signal: new AbortController().signal, timeoutMs: 1_000_000 });
      for (let n = 1; n <= 3; n++) sink.next(n, 10);
      over(sink);
      expect((await rest(results)).taken).toEqual([1, 2, 3]);
    }
  });

  it.each(['while it is pending', 'when all have come'])('is dropped by an abort %s', async (when) => {
    const controller = new AbortController();
    const reason = new Error('given up');
    const { results, sink } = await started(1_000, { signal: controller.signal });
    for (let n = 1; n <= 3; n++) sink.next(n, 10);
    if (when === 'when all have come') sink.complete();
    controller.abort(reason);
    if (when === 'while it is pending') sink.error(reason);
    expect(await rest(results)).toEqual({ taken: [], error: reason });
    expect(await results.next()).toEqual({ value: undefined, done: true });
  });

  it('is dropped by the time limit, though its timer has not run yet', async () => {
    const stage = await started(1_000, { timeoutMs: 1 });
    stage.sink.next(1, 10);
    const until = performance.now() + 2;
    while (performance.now() < until);
    const { taken, error } = await rest(stage.results);
    expect({ taken, code: (error as CmdStreamError).code }).toEqual({ taken: [], code: 'TIMEOUT' });
    expect(stage.cancelled).toBeGreaterThan(0);
  });

  it('is dropped by the end of the client', async () => {
    const destroyed: CmdStreamError[] = [];
    const { results, sink } = await started(1_000, { destroyed: () => destroyed[0] });
    sink.next(1, 10);
    sink.complete();
    destroyed.push(new CmdStreamError('CLOSED', 'the client was closed'));
    const { taken, error } = await rest(results);
    expect({ taken, error }).toMatchObject({ taken: [], error: { code: 'CLOSED', sent: true } });
  });
});
