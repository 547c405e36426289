// The clock of all time limits: what it counts while the process runs, is slow, or stands still.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { Ticker, TICK_MS, type Ticking } from '../../../lib/connection/ticker.js';
import { fakeTime, pass } from '../../support/breaker-stage.js';
import { turns } from '../../support/deadline.js';

beforeEach(fakeTime);
afterEach(() => {
  jest.useRealTimers();
});

let frozenAt: number | undefined;
let realNow: jest.SpiedFunction<typeof performance.now>;

beforeEach(() => {
  const now = performance.now.bind(performance);
  realNow = jest.spyOn(performance, 'now').mockImplementation(() => frozenAt ?? now());
});
afterEach(() => {
  realNow.mockRestore();
});

/**
 * Time passes and nothing of this process runs: what is due meanwhile sees no other time than that of the beginning.
 */
function standStill(ms: number): void {
  frozenAt = performance.now();
  jest.advanceTimersByTime(ms);
  frozenAt = undefined;
}

/** Lets time pass as it does for a process that runs. */
async function run(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += TICK_MS) await pass(TICK_MS);
}

class Stage {
  readonly ticker = new Ticker(new AsyncScope());
  readonly ticks: number[] = [];
  readonly watch: Ticking = { tick: (now) => this.ticks.push(now) };
  readonly start = this.ticker.now;

  get elapsed(): number {
    return this.ticker.now - this.start;
  }
}

describe('the time of a ticker', () => {
  it('is that of the process while it runs, watched or not', async () => {
    const stage = new Stage();
    await run(3000);
    expect(stage.elapsed).toBe(3000);
    stage.ticker.add(stage.watch);
    await run(3000);
    expect(stage.elapsed).toBe(6000);
    expect(stage.ticks).toHaveLength(12);
    stage.ticker.delete(stage.watch);
    await run(3000);
    expect(stage.elapsed).toBe(9000);
    expect(stage.ticks).toHaveLength(12);
  });

  it('counts a second at most of a time in which the process stands still, again and again', async () => {
    const stage = new Stage();
    stage.ticker.add(stage.watch);
    await run(1000);
    for (const counted of [2000, 3000, 4000]) {
      standStill(60_000);
      expect(stage.elapsed).toBe(counted);
      await run(TICK_MS);
    }
    await run(1000);
    expect(stage.elapsed).toBe(5000);
    stage.ticker.delete(stage.watch);
    expect(stage.elapsed).toBe(5000);
  });

  it('knows how much of the last time was not counted', async () => {
    const stage = new Stage();
    expect(stage.ticker.lostOf(60_000)).toBe(0);
    const end = stage.ticker.watch();
    await run(1000);
    standStill(5000);
    expect(stage.ticker.lostOf(5000)).toBe(4000);
    await run(1000);
    standStill(3000);
    expect(stage.ticker.lostOf(3000)).toBe(2000);
    await run(1000);
    expect(stage.ticker.lostOf(1000)).toBe(0);
    expect(stage.ticker.lostOf(60_000)).toBe(6000);
    end();
    standStill(5000);
    expect(stage.ticker.lostOf(5000)).toBe(0);
  });

  it('never goes back or leaps, at the end of a standstill neither', async () => {
    const stage = new Stage();
    stage.ticker.add(stage.watch);
    await run(500);
    standStill(30_000);
    expect(stage.elapsed).toBe(1500);
    stage.ticker.delete(stage.watch);
    expect(stage.elapsed).toBe(1500);
    stage.ticker.add(stage.watch);
    expect(stage.elapsed).toBe(1500);
    await run(500);
    expect(stage.elapsed).toBe(2000);
  });

  it('is kept by a process that is merely slow', async () => {
    const stage = new Stage();
    stage.ticker.add(stage.watch);
    for (let round = 0; round < 10; round++) {
      standStill(999 - TICK_MS);
      await pass(TICK_MS);
    }
    expect(stage.elapsed).toBe(9990);
  });
});

describe('what is to happen after some time', () => {
  it.each([1, 249, 250, 4000])('happens once, after %d milliseconds', async (ms) => {
    const stage = new Stage();
    const over = jest.fn();
    stage.ticker.after(ms, over);
    await pass(ms - 1);
    expect(over).not.toHaveBeenCalled();
    await pass(1);
    expect(over).toHaveBeenCalledTimes(1);
    await run(10_000);
    expect(over).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits until as much was counted, and what has arrived meanwhile was read', async () => {
    const stage = new Stage();
    const over = jest.fn();
    stage.ticker.after(5000, over);
    standStill(60_000);
    await turns(3);
    expect(over).not.toHaveBeenCalled();
    await run(3750);
    expect(over).not.toHaveBeenCalled();
    await run(500);
    expect(over).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not happen when that was ended, be it in the last moment', async () => {
    const stage = new Stage();
    const over = jest.fn();
    const end = stage.ticker.after(1000, over);
    const endLate = stage.ticker.after(1000, over);
    await run(750);
    end();
    jest.advanceTimersByTime(TICK_MS);
    endLate();
    await turns(3);
    await run(2000);
    expect(over).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('never happens after 0 milliseconds', async () => {
    const stage = new Stage();
    const over = jest.fn();
    const end = stage.ticker.after(0, over);
    await run(1000);
    expect(over).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(0);
    end();
  });

  it('does not happen a millisecond too early after a standstill', async () => {
    const stage = new Stage();
    const over = jest.fn();
    stage.ticker.after(1001, over);
    standStill(60_000);
    await turns(3);
    expect(stage.elapsed).toBe(1000);
    expect(over).not.toHaveBeenCalled();
    await run(2 * TICK_MS);
    expect(over).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits for all of it at once, and keeps the process alive until then unless it is idle', async () => {
    const stage = new Stage();
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const [busy, idle, given] = [() => {}, () => {}, () => {}].map((over, at) =>
      at === 0 ? stage.ticker.after(4000, over) : stage.ticker.after(4000, over, at === 1),
    );
    await run(3000);
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([4000, 4000, 4000]);
    const made = timers.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef());
    expect(made).toEqual([true, false, true]);
    for (const end of [busy, idle, given]) end!();
    timers.mockRestore();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('what watches', () => {
  it('sees each tick until it is taken away, whatever comes and goes', async () => {
    const stage = new Stage();
    const other = { tick: jest.fn() };
    stage.ticker.add(stage.watch);
    stage.ticker.add(other);
    await run(1000);
    stage.ticker.delete(stage.watch);
    stage.ticker.delete(stage.watch);
    await run(1000);
    expect(stage.ticks).toHaveLength(4);
    expect(other.tick).toHaveBeenCalledTimes(8);
    stage.ticker.delete(other);
    expect(jest.getTimerCount()).toBe(0);
    stage.ticker.add(stage.watch);
    await run(1000);
    expect(stage.ticks).toHaveLength(8);
    stage.ticker.delete(stage.watch);
    expect(jest.getTimerCount()).toBe(0);
  });
});
