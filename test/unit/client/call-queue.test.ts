// Who waits for a connection, how long, and in which order they go on.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { CallQueue } from '../../../lib/client/group/call-queue.js';
import { Ticker } from '../../../lib/connection/ticker.js';
import { CmdStreamError } from '../../../lib/errors.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const LIMIT_MS = 5000;
/** The timer that counts the time. */
const TICKERS_OWN = 1;

/** A queue, and what has become of those that waited. */
class Stage {
  readonly queue: CallQueue;
  readonly news: string[] = [];
  readonly keys = new Map<string, object>();

  constructor(limitMs = LIMIT_MS) {
    this.queue = new CallQueue(
      new Ticker(new AsyncScope()),
      limitMs,
      () => new CmdStreamError('CONNECT_TIMEOUT', 'overdue'),
    );
  }

  add(name: string, ready = (): void => {}): void {
    const key = {};
    this.keys.set(name, key);
    const fail = (error: unknown): unknown => this.news.push(`${name}: ${(error as Error).message}`);
    this.queue.add(
      key,
      () => {
        this.news.push(name);
        ready();
      },
      fail,
    );
  }

  delete(name: string): boolean {
    return this.queue.delete(this.keys.get(name)!);
  }
}

describe('what waits for a connection', () => {
  it('goes on in order of arrival', () => {
    const stage = new Stage();
    for (const name of ['a', 'b', 'c']) stage.add(name);
    expect(stage.queue.size).toBe(3);
    stage.queue.release();
    expect(stage.news).toEqual(['a', 'b', 'c']);
    expect(stage.queue.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits anew when the connection is lost while others go on', () => {
    const stage = new Stage();
    stage.add('a', () => stage.add('later'));
    stage.add('b');
    stage.queue.release();
    expect(stage.news).toEqual(['a', 'b']);
    expect(stage.queue.size).toBe(1);
    jest.advanceTimersByTime(LIMIT_MS + 1);
    expect(stage.news).toEqual(['a', 'b', 'later: overdue']);
  });

  it('does not go on when it was taken back, even by another that goes on', () => {
    const stage = new Stage();
    stage.add('a', () => stage.delete('c'));
    for (const name of ['b', 'c']) stage.add(name);
    stage.delete('b');
    stage.queue.release();
    expect(stage.news).toEqual(['a']);
    expect(stage.delete('b')).toBe(false);
  });

  it('fails together when waiting is in vain', () => {
    const stage = new Stage();
    for (const name of ['a', 'b']) stage.add(name);
    stage.queue.fail(new Error('closed'));
    expect(stage.news).toEqual(['a: closed', 'b: closed']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('fails each after its own time, the oldest first', () => {
    const stage = new Stage();
    stage.add('a');
    jest.advanceTimersByTime(2000);
    stage.add('b');
    jest.advanceTimersByTime(2999);
    expect(stage.news).toEqual([]);
    jest.advanceTimersByTime(2);
    expect(stage.news).toEqual(['a: overdue']);
    jest.advanceTimersByTime(1990);
    expect(stage.queue.size).toBe(1);
    jest.advanceTimersByTime(20);
    expect(stage.news).toEqual(['a: overdue', 'b: overdue']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is watched by one timer, however many wait', () => {
    const stage = new Stage();
    for (let n = 0; n < 1000; n++) stage.add(String(n));
    expect(jest.getTimerCount()).toBe(1 + TICKERS_OWN);
    for (let n = 0; n < 1000; n++) stage.delete(String(n));
    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits for ever without a limit, and keeps the process alive meanwhile', () => {
    const stage = new Stage(0);
    stage.add('a');
    expect(jest.getTimerCount()).toBe(1 + TICKERS_OWN);
    jest.advanceTimersByTime(3_600_001);
    expect(stage.news).toEqual([]);
    expect(stage.queue.size).toBe(1);
    stage.queue.release();
    expect(stage.news).toEqual(['a']);
    expect(jest.getTimerCount()).toBe(0);
  });
});
