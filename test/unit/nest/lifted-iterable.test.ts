// AsyncIterables as Observables, without a server: when their producers wait, end and are asked once more, and in whose
// scope.
import { describe, expect, it } from '@jest/globals';
import type { MessageHandler } from '@nestjs/microservices';
import { EMPTY, from, isObservable, mergeMap, of, take, tap, type Observable } from 'rxjs';
import type { CommandContext, ResultSink } from '../../../lib/core.js';
import { CmdStreamContext } from '../../../lib/nest/server/cmd-stream.context.js';
import { askToWait, keepScope, liftItems, liftIterable } from '../../../lib/nest/server/lifted-iterable.js';
import { turns } from '../../support/deadline.js';
import { seen, user } from '../../support/scope-probe.js';

/** A generator of 1, 2, 3, and what became of it. */
function start(failure?: unknown) {
  const log: string[] = [];
  async function* items() {
    try {
      for (let n = 1; n <= 3; n++) {
        log.push(`made ${n}`);
        yield n;
      }
      if (failure) throw failure;
      log.push('its own end');
    } finally {
      log.push('ended');
    }
  }
  return { log, items: items() };
}

/** What a subscriber was given. */
function follow(source: Observable<unknown>) {
  const given: unknown[] = [];
  const subscription = source.subscribe({
    next: (item) => given.push(item),
    error: (error: unknown) => given.push(['error', error]),
    complete: () => given.push('complete'),
  });
  return { given, unsubscribe: () => subscription.unsubscribe() };
}

class Sink implements ResultSink {
  isOpen = true;
  isAnswered = false;
  drained: Promise<void> | undefined;
  readonly given: unknown[] = [];

  next(item: unknown): number {
    return this.given.push(item);
  }

  complete(): void {}
  error(): void {}
}

function command() {
  const controller = new AbortController();
  const sink = new Sink();
  const { signal } = controller;
  const context = new CmdStreamContext([{ signal } as CommandContext, 'numbers'], sink);
  return { context, sink, controller };
}

function gate() {
  let open = (): void => {};
  const shut = new Promise<void>((resolve) => (open = resolve));
  return { shut, open };
}

describe('a lifted iterable', () => {
  it.each([false, true])('gives each item and its end, with a context: %p', async (hasContext) => {
    const { items, log } = start();
    const { given } = follow(liftIterable(items, hasContext ? command().context : undefined));
    await turns(20);
    expect(given).toEqual([1, 2, 3, 'complete']);
    expect(log.slice(-2)).toEqual(['its own end', 'ended']);
  });

  it('gives what its producer fails with', async () => {
    const failure = new Error('no more');
    const { given } = follow(liftIterable(start(failure).items));
    await turns(20);
    expect(given).toEqual([1, 2, 3, ['error', failure]]);
  });

  it('is not begun before it has a subscriber', async () => {
    const { items, log } = start();
    liftIterable(items, command().context);
    await turns();
    expect(log).toEqual([]);
  });

  it('is ended when its subscriber leaves, while it waits or as it is given an item', async () => {
    const waiting = gate();
    const { items, log } = start();
    const sink = command();
    sink.sink.drained = waiting.shut;
    const { given, unsubscribe } = follow(liftIterable(items, sink.context));
    await turns();
    unsubscribe();
    await turns();
    expect(log).toEqual(['made 1', 'ended']);
    waiting.open();
    await turns();
    expect([given, log]).toEqual([[1], ['made 1', 'ended']]);

    const other = start();
    const left = follow(liftIterable(other.items).pipe(take(1)));
    await turns();
    expect([left.given, other.log]).toEqual([
      [1, 'complete'],
      ['made 1', 'ended'],
    ]);
  });

  it('is asked once more when the last Result was taken, and what it gives then is given to the sink', async () => {
    const { items, log } = start();
    const { context, sink } = command();
    // The sink knows that it was the last one as soon as it has got it.
    const taken = liftIterable(items, context).pipe(
      tap(() => (sink.isAnswered = true)),
      take(1),
    );
    const { given } = follow(taken);
    await turns(20);
    expect(given).toEqual([1, 'complete']);
    expect(sink.given).toEqual([2]);
    expect(log).toEqual(['made 1', 'made 2', 'ended']);
  });

  it('is asked once more at once, although there is no room for more', async () => {
    const { items } = start();
    const { context, sink } = command();
    sink.drained = new Promise(() => {});
    const taken = liftIterable(items, context).pipe(
      tap(() => (sink.isAnswered = true)),
      take(1),
    );
    follow(taken);
    await turns(20);
    expect(sink.given).toEqual([2]);
  });

  it('is not asked again where its Command has no answer yet', async () => {
    const { items, log } = start();
    const { context, sink } = command();
    follow(liftIterable(items, context).pipe(take(1)));
    await turns(20);
    expect([sink.given, log]).toEqual([[], ['made 1', 'ended']]);
  });
});

describe('a lifted iterable that is iterated', () => {
  const iterated = (given: Observable<unknown>) => given as unknown as AsyncIterable<unknown>;

  it('is an Observable to rxjs, also where it is an item of one', async () => {
    expect(isObservable(liftIterable(start().items))).toBe(true);
    const { given } = follow(of(0).pipe(mergeMap(() => from(liftIterable(start().items)))));
    await turns(20);
    expect(given).toEqual([1, 2, 3, 'complete']);
  });

  it.each([false, true])('makes an item when one is asked for, with a context: %p', async (hasContext) => {
    const { items, log } = start();
    const lifted = liftIterable(items, hasContext ? command().context : undefined);
    const given: unknown[] = [];
    for await (const item of iterated(lifted)) {
      given.push(item);
      await turns();
      expect(log).toHaveLength(given.length);
    }
    expect(given).toEqual([1, 2, 3]);
    expect(log.slice(-2)).toEqual(['its own end', 'ended']);
  });

  it('fails with what its producer fails with', async () => {
    const failure = new Error('no more');
    const iterator = iterated(liftIterable(start(failure).items))[Symbol.asyncIterator]();
    for (const value of [1, 2, 3]) expect(await iterator.next()).toEqual({ value, done: false });
    await expect(iterator.next()).rejects.toBe(failure);
  });

  it('is ended by the loop that leaves it, and not by its Command', async () => {
    const { items, log } = start();
    const { context, controller } = command();
    const given: unknown[] = [];
    for await (const item of iterated(liftIterable(items, context))) {
      given.push(item);
      controller.abort();
      if (item === 2) break;
    }
    expect(given).toEqual([1, 2]);
    expect(log).toEqual(['made 1', 'made 2', 'ended']);
  });
});

describe('the producer of a lifted iterable', () => {
  it('waits as long as the sink of its Command says, each time', async () => {
    const { items, log } = start();
    const { context, sink } = command();
    const gates = [gate(), gate()];
    sink.drained = gates[0]!.shut;
    const { given } = follow(liftIterable(items, context));
    await turns();
    expect(log).toEqual(['made 1']);
    sink.drained = gates[1]!.shut;
    gates[0]!.open();
    await turns();
    expect(log).toEqual(['made 1', 'made 2']);
    sink.drained = undefined;
    gates[1]!.open();
    await turns();
    expect(given).toEqual([1, 2, 3, 'complete']);
  });

  it('without a Command waits as its taker asks, for that item alone', async () => {
    const { items, log } = start();
    const { shut, open } = gate();
    const given: unknown[] = [];
    liftIterable(items).subscribe((item) => {
      given.push(item);
      if (item === 1) askToWait(shut);
    });
    await turns();
    expect(log).toEqual(['made 1']);
    open();
    await turns();
    expect(given).toEqual([1, 2, 3]);
  });

  it('does not wait for what another taker has asked for', async () => {
    askToWait(new Promise(() => {}));
    const first = follow(liftIterable(start().items));
    await turns();
    expect(first.given).toEqual([1, 2, 3, 'complete']);
    liftIterable(start().items).subscribe(() => askToWait(new Promise(() => {})));
    const second = follow(liftIterable(start().items));
    await turns();
    expect(second.given).toEqual([1, 2, 3, 'complete']);
  });

  it('asks the sink of its Command alone, if it knows that', async () => {
    const given: unknown[] = [];
    liftIterable(start().items, command().context).subscribe((item) => {
      given.push(item);
      askToWait(new Promise(() => {}));
    });
    await turns();
    expect(given).toEqual([1, 2, 3]);
  });
});

describe('an iterable without a subscriber', () => {
  const returned = () => {
    const log: string[] = [];
    const iterable: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        return: async () => {
          log.push('ended');
          return { done: true, value: undefined };
        },
      }),
    };
    return { log, iterable };
  };

  it('is ended with its Command, also one that is over already', async () => {
    for (const isOver of [true, false]) {
      const { context, controller } = command();
      const { iterable, log } = returned();
      if (isOver) controller.abort();
      liftIterable(iterable, context);
      expect(log).toEqual(isOver ? ['ended'] : []);
      controller.abort();
      await turns();
      expect(log).toEqual(['ended']);
    }
  });

  it('may fail as it ends', async () => {
    const { context, controller } = command();
    const iterable = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        return: async () => {
          throw new Error('it cannot be ended');
        },
      }),
    } as AsyncIterable<number>;
    liftIterable(iterable, context);
    controller.abort();
    await turns();
    expect(controller.signal.aborted).toBe(true);
  });

  it('but is subscribed to later, is ended by its subscriber alone', async () => {
    const { context, controller, sink } = command();
    const { items, log } = start();
    sink.drained = new Promise(() => {});
    const { unsubscribe } = follow(liftIterable(items, context));
    await turns();
    controller.abort();
    await turns();
    expect(log).toEqual(['made 1']);
    unsubscribe();
    await turns();
    expect(log).toEqual(['made 1', 'ended']);
  });
});

describe('the scope of what is lifted', () => {
  it('is that in which it was lifted, for its items and its end', async () => {
    const scopes: string[] = [];
    async function* items() {
      try {
        scopes.push(seen());
        yield 1;
        scopes.push(seen());
        yield 2;
      } finally {
        scopes.push(seen());
      }
    }
    const { context, controller } = command();
    const lifted = user.run('lifter', () => liftIterable(items()));
    const { unsubscribe } = user.run('taker', () => follow(lifted.pipe(take(2))));
    await turns();
    unsubscribe();
    expect(scopes).toEqual(['lifter', 'lifter', 'lifter']);
    const untaken = { [Symbol.asyncIterator]: () => (scopes.push(seen()), items()) };
    user.run('lifter', () => liftIterable(untaken, context));
    user.run('closer', () => controller.abort());
    await turns();
    expect(scopes.at(-1)).toBe('lifter');
  });

  it('of an Observable is that in which the handler has made it', () => {
    const scopes: string[] = [];
    const made = user.run('handler', () => keepScope(of(1, 2)));
    user.run('taker', () => made.subscribe(() => scopes.push(seen())));
    expect(scopes).toEqual(['handler', 'handler']);
  });
});

describe('what a handler by pattern gave', () => {
  const handler = {} as MessageHandler;
  const lift = (given: unknown, by = handler) =>
    liftItems(given, by, command().context, (error) => {
      failures.push(error);
      return EMPTY;
    });
  let failures: unknown[] = [];

  it('stays as it is when it is a value', () => {
    for (const value of [undefined, null, 7, 'text', {}, [1]]) expect(lift(value)).toBe(value);
  });

  it('stays an item when it is an Observable in an Observable, whatever that was made of', () => {
    const inner = liftIterable(start().items);
    expect(follow(lift(of(inner)) as Observable<unknown>).given).toEqual([inner, 'complete']);
  });

  it('becomes its items when it is an AsyncIterable, or has some', async () => {
    const failure = new Error('no more');
    failures = [];
    const whole = follow(lift(start(failure).items) as Observable<unknown>);
    const parts = follow(lift(of(0, start().items, 4)) as Observable<unknown>);
    await turns(20);
    expect(whole.given).toEqual([1, 2, 3, 'complete']);
    expect(failures).toEqual([failure]);
    expect(parts.given).toEqual([0, 1, 2, 3, 4, 'complete']);
  });

  it('of several handlers of one event becomes the items of each, without their values', async () => {
    const three = Object.assign(async () => {}, { next: Object.assign(async () => {}, { next: async () => {} }) });
    const joined = { current: start().items, next: { current: 'a value', next: start().items } };
    const { given } = follow(lift(of(joined), three as unknown as MessageHandler) as Observable<unknown>);
    await turns(20);
    expect(given).toEqual([1, 1, 2, 2, 3, 3, 'complete']);
  });
});
