// What an iterate() gives to whom: how much may wait, when it is not given any more, and who is notified of the end.
import { describe, expect, it, jest } from '@jest/globals';
import { CmdStreamError } from '../../../lib/core.js';
import type { CommandSink, ClientCall } from '../../../lib/client/call/client-call.js';
import { ResultIterator, type TakerOptions } from '../../../lib/client/result-iterator.js';

interface Stage {
  readonly results: ResultIterator<number>;
  readonly sink: CommandSink<number>;
  readonly granted: number[];
  cancelled: number;
}

/** One whose first Result, 0, was taken. */
async function started(maxBytes: number, options?: TakerOptions): Promise<Stage> {
  const stage = { cancelled: 0, granted: [] as number[], sink: undefined as unknown as CommandSink<number> };
  const call = { grant: (count: number) => stage.granted.push(count), cancel: () => stage.cancelled++ };
  const results = new ResultIterator<number>(
    (sink) => {
      stage.sink = sink;
      return call as unknown as ClientCall;
    },
    maxBytes,
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
    const { results, sink } = await started(10_000);
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 10; n++) sink.next(n, 872);
      expect(() => sink.next(10, 872)).toThrow(
        expect.objectContaining({
          code: 'SLOW_CONSUMER',
          message: expect.stringContaining('maxStreamBufferBytes (10000)'),
        }),
      );
      for (let n = 0; n < 10; n++) await expect(results.next()).resolves.toEqual({ value: n, done: false });
    }
  });

  it('may be one Result beyond the bound in bytes', async () => {
    const { results, sink } = await started(10_000);
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
      const { results, sink } = await started(10_000_000, {
        signal: new AbortController().signal,
        timeoutMs: 1_000_000,
      });
      for (let n = 1; n <= 3; n++) sink.next(n, 10);
      over(sink);
      expect((await rest(results)).taken).toEqual([1, 2, 3]);
    }
  });

  it.each(['while it is pending', 'when all have come'])('is dropped by an abort %s', async (when) => {
    const controller = new AbortController();
    const reason = new Error('given up');
    const { results, sink } = await started(10_000_000, { signal: controller.signal });
    for (let n = 1; n <= 3; n++) sink.next(n, 10);
    if (when === 'when all have come') sink.complete();
    controller.abort(reason);
    if (when === 'while it is pending') sink.error(reason);
    expect(await rest(results)).toEqual({ taken: [], error: reason });
    expect(await results.next()).toEqual({ value: undefined, done: true });
  });

  it('is dropped by the time limit, though its timer has not run yet', async () => {
    const stage = await started(10_000_000, { timeoutMs: 1 });
    stage.sink.next(1, 10);
    const until = performance.now() + 2;
    while (performance.now() < until);
    const { taken, error } = await rest(stage.results);
    expect({ taken, code: (error as CmdStreamError).code }).toEqual({ taken: [], code: 'TIMEOUT' });
    expect(stage.cancelled).toBeGreaterThan(0);
  });

  it('is dropped by the end of the client', async () => {
    const destroyed: CmdStreamError[] = [];
    const { results, sink } = await started(10_000_000, { destroyed: () => destroyed[0] });
    sink.next(1, 10);
    sink.complete();
    destroyed.push(new CmdStreamError('CLOSED', 'the client was closed'));
    const { taken, error } = await rest(results);
    expect({ taken, error }).toMatchObject({ taken: [], error: { code: 'CLOSED', sent: true } });
  });
});

describe('those who wait for a Result', () => {
  it('get one each, in order, and the end when it comes', async () => {
    const { results, sink } = await started(10_000_000);
    const waiting = [results.next(), results.next(), results.next(), results.next()];
    sink.next(1, 10);
    sink.next(2, 10);
    sink.complete();
    expect(await Promise.all(waiting)).toEqual([
      { value: 1, done: false },
      { value: 2, done: false },
      { value: undefined, done: true },
      { value: undefined, done: true },
    ]);
    expect(await results.next()).toEqual({ value: undefined, done: true });
  });

  it('are all given the error, and one that comes later is at the end', async () => {
    const { results, sink } = await started(10_000_000);
    const waiting = [results.next(), results.next()];
    sink.error('failed');
    sink.error('failed once more');
    sink.complete();
    const failed = { status: 'rejected', reason: 'failed' };
    expect(await Promise.allSettled(waiting)).toEqual([failed, failed]);
    expect(await results.next()).toEqual({ value: undefined, done: true });
  });

  it('have one Command sent, with the first next()', async () => {
    const dispatch = jest.fn((_sink: CommandSink<number>) => ({}) as ClientCall);
    const results = new ResultIterator<number>(dispatch, 10);
    expect(results[Symbol.asyncIterator]()).toBe(results);
    expect(dispatch).not.toHaveBeenCalled();
    const waiting = [results.next(), results.next()];
    expect(dispatch).toHaveBeenCalledTimes(1);
    dispatch.mock.calls[0]![0].complete();
    await Promise.all(waiting);
    await results.next();
    expect(dispatch).toHaveBeenCalledTimes(1);
  });

  it('are given why it could not be sent, once, and nothing is sent later', async () => {
    let times = 0;
    const results = new ResultIterator<number>(() => {
      times++;
      throw new Error('not sent');
    }, 10);
    await expect(results.next()).rejects.toThrow('not sent');
    expect(await results.next()).toEqual({ value: undefined, done: true });
    expect(times).toBe(1);
  });

  it('get what came while it was sent', async () => {
    const results = new ResultIterator<number>((sink) => {
      sink.next(1, 10);
      sink.complete();
      return { grant: () => {}, cancel: () => {} } as unknown as ClientCall;
    }, 10);
    expect(await rest(results)).toEqual({ taken: [1] });
  });
});

describe('leaving', () => {
  it('ends the call, drops what waits, and is the end for those who wait', async () => {
    const stage = await started(10_000_000);
    const { results, sink } = stage;
    sink.next(1, 10);
    expect(await results.return()).toEqual({ value: undefined, done: true });
    expect(stage.cancelled).toBe(1);
    expect(await results.next()).toEqual({ value: undefined, done: true });
    const other = await started(10_000_000);
    const waiting = other.results.next();
    await other.results.return();
    expect(await waiting).toEqual({ value: undefined, done: true });
  });

  it('hides an error that was given to no taker', async () => {
    const { results, sink } = await started(10_000_000);
    sink.next(1, 10);
    sink.error(new Error('too late'));
    await results.return();
    expect(await results.next()).toEqual({ value: undefined, done: true });
  });

  it('before the first next() sends nothing, ever', async () => {
    const dispatch = jest.fn(() => ({}) as ClientCall);
    const results = new ResultIterator<number>(dispatch, 10);
    expect(await results.return()).toEqual({ value: undefined, done: true });
    expect(await results.next()).toEqual({ value: undefined, done: true });
    expect(dispatch).not.toHaveBeenCalled();
  });
});

describe('credit', () => {
  it('is given for every 16 Results that were taken, while others wait to be', async () => {
    const { results, sink, granted } = await started(10_000_000);
    // From now on one always waits.
    sink.next(1, 10);
    for (let taken = 2; taken <= 320; taken++) {
      sink.next(taken, 10);
      await results.next();
      expect(granted).toEqual(Array.from({ length: Math.floor(taken / 16) }, () => 16));
    }
  });

  it('is for twice as many, up to 256, each time that none waits when it is given', async () => {
    const { results, sink, granted } = await started(10_000_000);
    // Some wait for their taker, others are waited for.
    const take = async (): Promise<void> => {
      sink.next(0, 10);
      await results.next();
      const waiting = results.next();
      sink.next(1, 10);
      await waiting;
    };
    for (let taken = 1; taken < 16 + 32 + 64 + 128 + 128; taken += 2) await take();
    expect(granted).toEqual([16 + 32, 32 + 64, 64 + 128, 128, 128]);
  });

  it('is given as soon as half of the window of bytes was taken', async () => {
    const { results, sink, granted } = await started(10_000_000);
    const take = async (bytes: number): Promise<void> => {
      sink.next(1, bytes);
      await results.next();
    };
    await take(512 * 1024 - 11);
    expect(granted).toEqual([]);
    await take(1);
    expect(granted).toEqual([3]);
    await take(512 * 1024 - 1);
    expect(granted).toEqual([3]);
    await take(512 * 1024);
    expect(granted).toEqual([3, 2]);
  });
});

describe('the bound on what waits', () => {
  it('may be used anew when they were taken, and says what is counted', async () => {
    const { results, sink } = await started(1000);
    for (let round = 0; round < 2; round++) {
      sink.next(1, 300);
      sink.next(2, 500);
      expect(() => sink.next(3, 1)).toThrow(
        expect.objectContaining({
          code: 'SLOW_CONSUMER',
          sent: true,
          message: expect.stringMatching(
            /^2 Results, counted as 1056 bytes \(128 each .* maxStreamBufferBytes \(1000\)/,
          ),
        }),
      );
      await results.next();
      await results.next();
    }
  });

  it('is that of bytes as soon as they are as many', async () => {
    const { sink } = await started(1000);
    sink.next(1, 871);
    sink.next(2, 0);
    const full: unknown = expect.objectContaining({
      message: expect.stringMatching(/^2 Results, counted as 1127 bytes .* \(1000\)/),
    });
    expect(() => sink.next(3, 0)).toThrow(full as Error);
    const other = await started(1000);
    other.sink.next(1, 872);
    expect(() => other.sink.next(2, 0)).toThrow('1 Results, counted as 1000 bytes');
  });

  it('counts nothing that was dropped', async () => {
    const { results, sink } = await started(1000);
    sink.next(1, 2000);
    await results.return();
    expect(() => sink.next(2, 10)).not.toThrow();
  });
});

describe('the time to take Results', () => {
  const late = new CmdStreamError('TIMEOUT', 'the time of the call is over', { sent: true });

  it('is over at its end, and not a moment before', async () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(5000);
    try {
      const { results, sink } = await started(10_000_000, { timeoutMs: 100 });
      for (let n = 1; n <= 3; n++) sink.next(n, 10);
      sink.complete();
      clock.mockReturnValue(5099);
      expect(await results.next()).toEqual({ value: 1, done: false });
      clock.mockReturnValue(5100);
      await expect(results.next()).rejects.toMatchObject({
        code: 'TIMEOUT',
        message: expect.stringMatching(/2 waited$/),
      });
      expect(await results.next()).toEqual({ value: undefined, done: true });
    } finally {
      clock.mockRestore();
    }
  });

  it('is no limit when it is 0, or was not given', async () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(5000);
    try {
      for (const options of [{ timeoutMs: 0 }, {}]) {
        const { results, sink } = await started(10_000_000, options);
        sink.next(1, 10);
        sink.complete();
        clock.mockReturnValue(5_000_000);
        expect((await rest(results)).taken).toEqual([1]);
      }
    } finally {
      clock.mockRestore();
    }
  });

  it.each([
    ['drops what waits when it was that of the call', late, { timeoutMs: 1_000_000 }, []],
    ['of another one drops nothing', late, {}, [1]],
    ['is not that of another error', new CmdStreamError('INTERNAL', 'broken'), { timeoutMs: 1_000_000 }, [1]],
    ['is not that of an error of another kind', { code: 'TIMEOUT' }, { timeoutMs: 1_000_000 }, [1]],
  ])('%s', async (_what, error, options, taken) => {
    const { results, sink } = await started(10_000_000, options);
    sink.next(1, 10);
    sink.error(error);
    expect(await rest(results)).toEqual({ taken, error });
  });
});

describe('the end of the client', () => {
  it('drops what waits with its own error when it ends the call, and nothing if the client goes on', async () => {
    const closed = new CmdStreamError('CLOSED', 'the client was closed', { sent: true });
    for (const [destroyedBy, taken] of [
      [closed, []],
      [undefined, [1]],
    ] as const) {
      const { results, sink } = await started(10_000_000, { destroyed: () => destroyedBy });
      sink.next(1, 10);
      sink.error(closed);
      const last = await rest(results);
      expect(last.taken).toEqual(taken);
      expect(last.error).toBe(closed);
    }
  });
});
