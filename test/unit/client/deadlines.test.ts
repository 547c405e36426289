// When the time of calls is over: lines of calls with the same limit, and what their timers keep alive.
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { Deadlines, type Timed } from '../../../lib/client/call/deadlines.js';

class Stage {
  readonly deadlines = new Deadlines(new AsyncScope());
  /** Names, in the order in which their time was over. */
  readonly over: string[] = [];

  begin(name: string, timeoutMs: number, onOver = (): void => {}): { readonly end: () => void } {
    const timed: Timed = {
      timeoutMs,
      startedAt: performance.now(),
      sooner: undefined,
      later: undefined,
      expire: () => {
        this.over.push(name);
        onOver();
      },
    };
    const line = this.deadlines.add(timed);
    return { end: () => line.remove(timed) };
  }

  /** Names whose time was over in the next `ms`. */
  async after(ms: number): Promise<string[]> {
    await jest.advanceTimersByTimeAsync(ms);
    return this.over.splice(0);
  }
}

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] }));
afterEach(() => void jest.useRealTimers());

describe('the deadlines of calls', () => {
  it('are reached each in its time, in the order in which they began', async () => {
    const stage = new Stage();
    stage.begin('first', 100);
    await stage.after(30);
    stage.begin('second', 100);
    stage.begin('third', 100);
    expect(await stage.after(69)).toEqual([]);
    expect(await stage.after(2)).toEqual(['first']);
    expect(await stage.after(27)).toEqual([]);
    expect(await stage.after(4)).toEqual(['second', 'third']);
    stage.begin('fourth', 100);
    expect(await stage.after(102)).toEqual(['fourth']);
  });

  it('of one limit do not wait for those of another', async () => {
    const stage = new Stage();
    stage.begin('long', 1000);
    stage.begin('short', 10);
    expect(await stage.after(12)).toEqual(['short']);
    expect(await stage.after(990)).toEqual(['long']);
  });

  it('are not reached by what has ended before, wherever it stood', async () => {
    const stage = new Stage();
    const [a, , c, , e] = ['a', 'b', 'c', 'd', 'e'].map((name) => stage.begin(name, 50));
    for (const ended of [c!, a!, e!, a!]) ended.end();
    expect(await stage.after(52)).toEqual(['b', 'd']);
  });

  it('are reached by all others when one ends them, begins more, or fails', async () => {
    const stage = new Stage();
    const failed = new Error('it fails');
    stage.begin('first', 50, () => {
      second.end();
      stage.begin('later', 50);
    });
    const second = stage.begin('second', 50);
    stage.begin('failing', 50, () => {
      throw failed;
    });
    stage.begin('last', 50);
    await expect(stage.after(51)).rejects.toBe(failed);
    expect(await stage.after(5)).toEqual(['first', 'failing', 'last']);
    expect(await stage.after(50)).toEqual(['later']);
  });

  it('run in a scope of their own, and not in that of a caller', async () => {
    const stage = new Stage();
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const look = (): void => {
      seen.push(storage.getStore());
      storage.enterWith('left behind');
    };
    storage.run('caller', () => stage.begin('first', 50, look));
    storage.run('another', () => stage.begin('second', 50, look));
    await stage.after(52);
    storage.run('caller', () => stage.begin('third', 50, look));
    await stage.after(52);
    expect(seen).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    ['one', [50]],
    ['many that differ', [10, 20, 30, 40, 50, 60, 70]],
  ])('keep no process alive once no call is pending: %s', async (_, limits) => {
    jest.useRealTimers();
    const stage = new Stage();
    const alive = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const others = alive();
    for (let round = 0; round < 2; round++) {
      const begun = limits.map((timeoutMs) => stage.begin('', 1000 * timeoutMs));
      expect(alive() - others).toBe(limits.length);
      for (const { end } of begun) end();
      expect(alive() - others).toBe(0);
    }
  });
});
