// Who listens to the signal of a Command: when it aborts, with which reason, and that what listeners fail with ends
// nothing. (Jest fails a test that an uncaught exception or an unhandled rejection happens in.)
/* oxlint-disable unicorn/prefer-add-event-listener -- `onabort` is one of the ways to listen */
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { setTimeout as later } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import type { CommandContext } from '../../../lib/core.js';
import { turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { Item, openStage, PlayCmd } from '../../support/stage.js';

const own = guardLeaks();
const failure = new Error('a listener fails');

function fail(): never {
  throw failure;
}

/** Runs a Command that never answers, lets `listen` listen to its signal, and cancels it. */
async function cancelled(listen: (signal: AbortSignal) => void) {
  let context: CommandContext | undefined;
  const { calc, client } = await openStage(own, (_, given) => {
    context = given;
    listen(given.signal);
    return new Promise(() => {});
  });
  const controller = new AbortController();
  const call = client.execute(new PlayCmd(), { signal: controller.signal }).catch(() => {});
  await until('it runs', () => context !== undefined);
  controller.abort();
  await call;
  const { signal } = context!;
  await until('it is aborted', () => signal.aborted);
  await turns();
  return { calc, client, signal };
}

describe('a listener of the signal that fails', () => {
  const ways: [string, (signal: AbortSignal) => void][] = [
    ['throws', (signal) => signal.addEventListener('abort', fail)],
    ['rejects', (signal) => signal.addEventListener('abort', async () => fail())],
    ['is an object and throws', (signal) => signal.addEventListener('abort', { handleEvent: fail })],
    ['is an object and rejects', (signal) => signal.addEventListener('abort', { handleEvent: async () => fail() })],
    ['is onabort and throws', (signal) => (signal.onabort = fail)],
    ['is onabort and rejects', (signal) => (signal.onabort = (async () => fail()) as never)],
    ['listens once', (signal) => signal.addEventListener('abort', fail, { once: true })],
  ];

  it.each(ways)('is reported, and others are notified: it %s', async (_how, listen) => {
    const targets: unknown[] = [];
    const { calc, signal } = await cancelled((given) => {
      listen(given);
      given.addEventListener('abort', function (this: unknown, event) {
        targets.push(this, event.target);
      });
    });
    expect(calc.errors).toEqual([failure]);
    expect(targets).toEqual([signal, signal]);
  });
});

describe('the signal of a Command', () => {
  it('is an AbortSignal for whatever takes one', async () => {
    const called: unknown[] = [];
    const { signal } = await cancelled((given) => {
      expect(given).toBeInstanceOf(AbortSignal);
      later(60_000, undefined, { signal: given }).catch((error: Error) => called.push(error.name));
      void once(given, 'abort').then(() => called.push('once'));
      AbortSignal.any([given, new AbortController().signal]).addEventListener('abort', () => called.push('any'));
      fetch('http://127.0.0.1:1', { signal: given }).catch(() => called.push('fetch'));
    });
    await until('all are called', () => called.length === 4);
    expect(called).toEqual(expect.arrayContaining(['AbortError', 'once', 'any', 'fetch']));
    expect(signal.reason).toMatchObject({ code: 'CANCELLED' });
  });

  it('takes away listeners by their own names, and calls one that was added twice once', async () => {
    const called: string[] = [];
    const gone = (): void => void called.push('gone');
    const twice = (): void => void called.push('twice');
    await cancelled((signal) => {
      signal.addEventListener('abort', gone);
      signal.addEventListener('abort', twice);
      signal.addEventListener('abort', twice);
      signal.removeEventListener('abort', gone);
      signal.onabort = gone;
      signal.onabort = null;
    });
    expect(called).toEqual(['twice']);
  });

  it('takes no listener, and complains of what is none, as Node does', async () => {
    const called: unknown[] = [];
    await cancelled((signal) => {
      for (const name of ['addEventListener', 'removeEventListener'] as const) {
        for (const nothing of [null, undefined]) signal[name]('abort', nothing as never);
      }
      for (const wrong of ['text', 5, true]) {
        const add = (): void => signal.addEventListener('abort', wrong as never);
        expect(add).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }) as unknown as Error);
      }
      signal.addEventListener('abort', () => called.push('listener'));
    });
    expect(called).toEqual(['listener']);
  });

  it('knows listeners that capture from those that do not, and those that are added again from before', async () => {
    const called: string[] = [];
    const both = (): void => void called.push('both');
    const half = (): void => void called.push('half');
    const again = (): void => void called.push(`again in ${scope.getStore()}`);
    const scope = new AsyncLocalStorage<string>();
    await cancelled((signal) => {
      signal.addEventListener('abort', both, true);
      signal.addEventListener('abort', both);
      signal.addEventListener('abort', half, { capture: true });
      signal.addEventListener('abort', half);
      signal.removeEventListener('abort', half);
      scope.run('the first', () => signal.addEventListener('abort', again));
      signal.removeEventListener('abort', again);
      scope.run('the second', () => signal.addEventListener('abort', again, { once: true }));
      const controller = new AbortController();
      signal.addEventListener('abort', () => called.push('gone'), { signal: controller.signal });
      controller.abort();
    });
    expect(called.toSorted()).toEqual(['again in the second', 'both', 'both', 'half']);
  });

  it.each([
    [['abort', 'other'], 'abort'],
    [['abort', 'other'], 'other'],
    [['other', 'abort'], 'abort'],
    [['other', 'abort'], 'other'],
  ])('lets one function listen to %j, and takes it away from "%s" alone', async (types, removed) => {
    const events: string[] = [];
    const listener = ({ type }: Event): void => void events.push(type);
    const { signal } = await cancelled((given) => {
      for (const type of types) given.addEventListener(type, listener);
      given.removeEventListener(removed, listener);
    });
    signal.dispatchEvent(new Event('other'));
    expect(events).toEqual(removed === 'abort' ? ['other'] : ['abort']);
    for (const type of types) signal.removeEventListener(type, listener);
    for (const type of types) signal.dispatchEvent(new Event(type));
    expect(events).toHaveLength(1);
  });

  it.each(['once', 'signal'])(
    'calls a listener in the scope it was added in last, after Node took it away: %s',
    async (way) => {
      const called: unknown[] = [];
      const scope = new AsyncLocalStorage<string>();
      const listener = (): void => void called.push(scope.getStore());
      await cancelled((signal) => {
        const ending = new AbortController();
        const options = way === 'once' ? { once: true } : { signal: ending.signal };
        scope.run('the first', () => signal.addEventListener('abort', listener, options));
        if (way === 'once') signal.dispatchEvent(new Event('abort'));
        else ending.abort();
        scope.run('the second', () => signal.addEventListener('abort', listener));
        scope.run('the third', () => signal.addEventListener('abort', listener));
      });
      expect(called).toEqual(way === 'once' ? ['the first', 'the second'] : ['the second']);
    },
  );

  it('keeps nothing of listeners that were taken away, or never were there', async () => {
    const listeners: WeakRef<() => void>[] = [];
    let context: CommandContext | undefined;
    const { client } = await openStage(own, (_, given) => {
      context = given;
      for (let n = 0; n < 100; n++) {
        const listener = (): void => void n;
        listeners.push(new WeakRef(listener));
        if (n % 2 === 0) given.signal.addEventListener('abort', listener);
        given.signal.removeEventListener('abort', listener);
      }
      return new Promise(() => {});
    });
    client.execute(new PlayCmd()).catch(() => {});
    await until('it runs', () => listeners.length === 100);
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    await until('they are forgotten', () => {
      collectGarbage();
      return listeners.every((listener) => listener.deref() === undefined);
    });
    expect(context!.signal.aborted).toBe(false);
  });

  it('is distinguished by its reason: each Command has its own', async () => {
    const reasons: unknown[] = [];
    const { client } = await openStage(own, ({ name }, { signal }) => {
      signal.addEventListener('abort', () => reasons.push(signal.reason));
      return name === 'answer' ? new Item(1) : new Promise(() => {});
    });
    await client.execute(new PlayCmd('answer'));
    await client.execute(new PlayCmd('answer'));
    await expect(client.execute(new PlayCmd(), { timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    await until('both are notified', () => reasons.length === 3);
    expect(reasons).toMatchObject([{ code: 'ANSWERED' }, { code: 'ANSWERED' }, { code: 'TIMEOUT' }]);
    expect(reasons[0]).not.toBe(reasons[1]);
  });

  it('is not aborted before the answer is on its way, and then tells what still runs', async () => {
    const seen: unknown[] = [];
    let stillRunning = (): void => {};
    const { calc, client } = await openStage(own, async (_, { signal }) => {
      seen.push(signal.aborted);
      void once(signal, 'abort').then(() => (seen.push(signal.reason), stillRunning()));
      await turns(2);
      seen.push(signal.aborted);
      return new Item(1);
    });
    const stopped = new Promise<void>((resolve) => (stillRunning = resolve));
    await client.execute(new PlayCmd());
    await stopped;
    expect(seen).toEqual([false, false, expect.objectContaining({ code: 'ANSWERED' })]);
    expect(calc.server.inFlight).toBe(0);
  });
});
