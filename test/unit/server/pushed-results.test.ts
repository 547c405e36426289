// What a handler gave that pushes its items, as an Observable does: it and the sink end together, once, whichever ends
// first.
import { describe, expect, it } from '@jest/globals';
import type { CommandContext, ResultSink } from '../../../lib/core.js';
import { subscribe } from '../../../lib/server/call/result-source.js';

interface Observer {
  next(item: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

const failure = new Error('it cannot be stopped');

function push(onSubscribe: (observer: Observer) => void = () => {}, unsubscribe: () => void = () => {}) {
  const given: unknown[][] = [];
  const controller = new AbortController();
  const sink = {
    isOpen: true,
    drained: undefined as Promise<void> | undefined,
    next: (item: unknown) => (given.push(['next', item]), 1),
    complete: () => void given.push(['complete']),
    error: (error: unknown) => void given.push(['error', error]),
  };
  const pushed: { observer?: Observer; stopped: number } = { stopped: 0 };
  const source = {
    subscribe: (observer: Observer) => {
      pushed.observer = observer;
      onSubscribe(observer);
      return {
        unsubscribe: () => {
          pushed.stopped++;
          unsubscribe();
        },
      };
    },
  };
  const waits: Promise<void>[] = [];
  const context = { signal: controller.signal } as CommandContext;
  const start = (): void => subscribe(source, context, sink as ResultSink, (drained) => waits.push(drained));
  return { given, sink, controller, pushed, waits, start };
}

describe('what pushes its items', () => {
  it('ends the sink when it ends, and is stopped once', () => {
    const { given, pushed, controller, start } = push();
    start();
    pushed.observer!.next(1);
    pushed.observer!.complete();
    pushed.observer!.complete();
    pushed.observer!.error(new Error('late'));
    controller.abort();
    expect([given, pushed.stopped]).toEqual([[['next', 1], ['complete']], 1]);
  });

  it('fails the sink with what it fails with, once', () => {
    const { given, pushed, controller, start } = push();
    start();
    pushed.observer!.error(failure);
    pushed.observer!.error(new Error('late'));
    pushed.observer!.complete();
    controller.abort();
    expect([given, pushed.stopped]).toEqual([[['error', failure]], 1]);
  });

  it('is stopped when no more is wanted: by the signal, or by the sink behind an item', () => {
    const aborted = push();
    aborted.start();
    aborted.controller.abort();
    expect([aborted.given, aborted.pushed.stopped]).toEqual([[['complete']], 1]);
    const closed = push();
    closed.start();
    closed.sink.isOpen = false;
    closed.pushed.observer!.next(1);
    expect([closed.given, closed.pushed.stopped]).toEqual([[['next', 1], ['complete']], 1]);
  });

  it('is not begun where nothing is wanted', () => {
    const { given, pushed, sink, start } = push();
    sink.isOpen = false;
    start();
    expect([given, pushed.observer]).toEqual([[['complete']], undefined]);
  });

  it('is stopped at once when it has ended, or no more is wanted, before it could be', () => {
    const ended = push((observer) => observer.complete());
    ended.start();
    expect([ended.given, ended.pushed.stopped]).toEqual([[['complete']], 1]);
    const aborted = push(() => aborted.controller.abort());
    aborted.start();
    expect([aborted.given, aborted.pushed.stopped]).toEqual([[['complete']], 1]);
  });

  it.each<[string, (pushed: ReturnType<typeof push>) => void]>([
    ['it ends', ({ pushed }) => pushed.observer!.complete()],
    ['no more is wanted', ({ controller }) => controller.abort()],
  ])('fails the sink when it cannot be stopped and %s', (_when, end) => {
    const all = push(undefined, () => {
      throw failure;
    });
    all.start();
    end(all);
    expect(all.given).toEqual([['error', failure]]);
  });

  it('fails the sink with its own error when it cannot be stopped either', () => {
    const { given, pushed, start } = push(undefined, () => {
      throw failure;
    });
    const own = new Error('its own');
    start();
    pushed.observer!.error(own);
    expect(given).toEqual([['error', own]]);
  });

  it('fails the sink when it cannot be begun', () => {
    const { given, start } = push(() => {
      throw failure;
    });
    start();
    expect(given).toEqual([['error', failure]]);
  });

  it('is stopped when an item cannot be sent, and the sink is given the error', () => {
    const { given, pushed, sink, start } = push();
    sink.next = () => {
      throw failure;
    };
    start();
    pushed.observer!.next(1);
    expect([given, pushed.stopped]).toEqual([[['error', failure]], 1]);
  });

  it('hands on what it pushes behind its end, of which the sink says what becomes', () => {
    const { given, pushed, start } = push();
    start();
    pushed.observer!.complete();
    pushed.observer!.next(2);
    expect(given).toEqual([['complete'], ['next', 2]]);
  });

  it('calls back whenever there is no room for more, and not when there is', () => {
    const { pushed, sink, waits, start } = push();
    const drained = Promise.resolve();
    start();
    for (const room of [undefined, drained, undefined, drained]) {
      sink.drained = room;
      pushed.observer!.next(1);
    }
    expect(waits).toEqual([drained, drained]);
  });
});
