// How long the end of what a handler gave is waited for, with a clock of the test.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ItemPull } from '../../../lib/server/call/item-source.js';
import type { ResultSink } from '../../../lib/core.js';
import { turns } from '../../support/deadline.js';

const PATIENCE_MS = 1000;

class Sink implements ResultSink {
  isOpen = true;
  readonly drained = undefined;
  readonly log: unknown[] = [];

  next(item: unknown): number {
    return this.log.push(item);
  }

  complete(): void {
    this.log.push('complete');
  }

  error(error: unknown): void {
    this.log.push(['error', error]);
  }
}

const pass = async (ms: number): Promise<void> => {
  jest.advanceTimersByTime(ms);
  await turns();
};

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate'] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('what is ended before its time', () => {
  it('is waited for however long a generator takes for its own end', async () => {
    let release = (): void => {};
    async function* items() {
      try {
        yield 1;
        sink.isOpen = false;
        yield 2;
      } finally {
        await new Promise<void>((resolve) => (release = resolve));
      }
    }
    const sink = new Sink();
    const pull = new ItemPull(items(), sink);
    void pull.run();
    await turns();
    await pass(10 * PATIENCE_MS);
    expect(sink.log).toEqual([1, 2]);
    release();
    await turns();
    expect(sink.log).toEqual([1, 2, 'complete']);
  });

  it('is waited for a moment where an iterator never says that it has ended', async () => {
    const sink = new Sink();
    const next = async (): Promise<IteratorResult<number>> => {
      sink.isOpen = false;
      return { done: false, value: 1 };
    };
    const iterator = { next, return: () => new Promise<never>(() => {}) };
    void new ItemPull({ [Symbol.asyncIterator]: () => iterator }, sink).run();
    await turns();
    await pass(PATIENCE_MS - 1);
    expect(sink.log).toEqual([1]);
    await pass(1);
    expect(sink.log).toEqual([1, 'complete']);
    expect(jest.getTimerCount()).toBe(0);
  });
});
