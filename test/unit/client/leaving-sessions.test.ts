// Connections that take no new calls, with sessions and a clock of the test's own: each of them ends, and is waited for.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import type { ClientSession } from '../../../lib/client/session/client-session.js';
import { DrainingSessions } from '../../../lib/client/group/draining-sessions.js';
import { CmdStreamError } from '../../../lib/core.js';
import { turns } from '../../support/deadline.js';

const PATIENCE_MS = 5000;

class FakeSession {
  idle: () => void = () => {};
  readonly notify: string[] = [];
  socketClosed: () => void = () => {};
  readonly #closed = new Promise<void>((resolve) => (this.socketClosed = resolve));

  whenIdle(callback: () => void): void {
    this.idle = callback;
  }

  leave({ code }: CmdStreamError): void {
    this.notify.push(`leaves: ${code}`);
  }

  end({ code }: CmdStreamError): void {
    this.notify.push(`ends: ${code}`);
  }

  destroy({ code }: CmdStreamError): void {
    this.notify.push(`destroyed: ${code}`);
  }

  closed(): Promise<void> {
    return this.#closed;
  }
}

const fake = (): FakeSession & ClientSession => new FakeSession() as never;
let leaving: DrainingSessions;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  leaving = new DrainingSessions(new AsyncScope());
});
afterEach(() => void jest.useRealTimers());

describe('a connection that was replaced', () => {
  it('leaves, and ends as soon as it is idle, once', () => {
    const session = fake();
    leaving.replaced(session);
    expect(session.notify).toEqual(['leaves: CONNECTION_LOST']);
    expect([leaving.size, [...leaving]]).toEqual([1, [session]]);
    session.idle();
    expect(session.notify.slice(1)).toEqual(['ends: CLOSED']);
    expect(leaving.onEnd(session)).toBe(true);
    session.idle();
    jest.advanceTimersByTime(PATIENCE_MS);
    expect(session.notify.slice(1)).toEqual(['ends: CLOSED']);
    expect(leaving.size).toBe(0);
  });

  it('is not ended when its server has ended it before it was idle', () => {
    const session = fake();
    leaving.replaced(session);
    expect(leaving.onEnd(session)).toBe(true);
    session.idle();
    expect(session.notify).toEqual(['leaves: CONNECTION_LOST']);
  });
});

describe('a connection whose server drains', () => {
  it('is left to the server for some seconds when it is idle, and ends then', () => {
    const session = fake();
    leaving.drains(session);
    jest.advanceTimersByTime(PATIENCE_MS);
    session.idle();
    jest.advanceTimersByTime(PATIENCE_MS - 1);
    expect(session.notify).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(session.notify).toEqual(['ends: CLOSED']);
  });

  it('is not ended when the server has ended it', () => {
    const session = fake();
    leaving.drains(session);
    session.idle();
    expect(leaving.onEnd(session)).toBe(true);
    expect(leaving.onEnd(session)).toBe(false);
    jest.advanceTimersByTime(PATIENCE_MS);
    expect(session.notify).toEqual([]);
  });
});

it('a connection that does not leave is left alone', () => {
  const session = fake();
  leaving.drains(fake());
  expect(jest.getTimerCount()).toBe(0);
  expect(leaving.onEnd(session)).toBe(false);
  expect(session.notify).toEqual([]);
});

describe('connections that have ended', () => {
  it('are waited for until all their sockets are closed', async () => {
    const sessions = [fake(), fake()];
    for (const session of sessions) leaving.onEnd(session);
    let isClosed = false;
    const closed = leaving.closed().then(() => (isClosed = true));
    sessions[0]!.socketClosed();
    await turns();
    expect(isClosed).toBe(false);
    sessions[1]!.socketClosed();
    await closed;
  });

  it('are destroyed as long as their sockets are not closed, and no more', async () => {
    const [first, second] = [fake(), fake()];
    for (const session of [first, second]) leaving.onEnd(session);
    first.socketClosed();
    await turns();
    leaving.destroy(new CmdStreamError('CLOSED', 'over'));
    expect([first.notify, second.notify]).toEqual([[], ['destroyed: CLOSED']]);
    second.socketClosed();
    await leaving.closed();
    leaving.destroy(new CmdStreamError('CLOSED', 'over'));
    expect(second.notify).toHaveLength(1);
  });
});
