// Connections that take no new calls, with sessions and a clock of the test's own: each of them ends, and is waited
// for.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { DrainingSessions } from '../../../lib/client/group/draining-sessions.js';
import type { ClientSession } from '../../../lib/client/session/client-session.js';
import { Ticker } from '../../../lib/connection/ticker.js';
import { CmdStreamError } from '../../../lib/core.js';
import { turns } from '../../support/deadline.js';

const LEFT_TO_SERVER_MS = 5000;

class FakeSession {
  readonly calls: string[] = [];
  isIdle: () => void = () => {};
  socketClosed: () => void = () => {};
  readonly #closed = new Promise<void>((resolve) => (this.socketClosed = resolve));

  close({ code }: CmdStreamError): void {
    this.calls.push(`close: ${code}`);
  }

  end({ code }: CmdStreamError): void {
    this.calls.push(`end: ${code}`);
  }

  destroy({ code }: CmdStreamError): void {
    this.calls.push(`destroy: ${code}`);
  }

  whenIdle(callback: () => void): void {
    this.isIdle = callback;
  }

  closed(): Promise<void> {
    return this.#closed;
  }
}

const fake = (): FakeSession & ClientSession => new FakeSession() as never;
let draining: DrainingSessions;

/** The timers of the connections end after those that count the time. */
async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await turns();
}

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  draining = new DrainingSessions(new Ticker(new AsyncScope()));
});
afterEach(() => void jest.useRealTimers());

describe('a connection that was replaced', () => {
  it('takes no more calls, and ends as soon as it is idle', () => {
    const session = fake();
    draining.addReplaced(session);
    expect(session.calls).toEqual(['close: CONNECTION_LOST']);
    expect([draining.size, [...draining]]).toEqual([1, [session]]);
    session.isIdle();
    expect(session.calls.slice(1)).toEqual(['end: CLOSED']);
    expect(draining.onEnd(session)).toBe(true);
    expect([draining.size, jest.getTimerCount()]).toEqual([0, 0]);
  });

  it('is found while it drains: calls that it gives back may end the client', () => {
    const session = fake();
    session.close = () => void session.calls.push(`draining: ${draining.size}`);
    draining.addReplaced(session);
    expect(session.calls).toEqual(['draining: 1']);
  });

  it('is not ended when its server has ended it before it was idle', () => {
    const session = fake();
    draining.addReplaced(session);
    expect(draining.onEnd(session)).toBe(true);
    session.isIdle();
    expect(session.calls).toEqual(['close: CONNECTION_LOST']);
  });
});

describe('a connection whose server drains', () => {
  it('is left to the server for some seconds when it is idle, and ends then', async () => {
    const session = fake();
    draining.addDraining(session);
    await pass(60_000);
    session.isIdle();
    await pass(LEFT_TO_SERVER_MS - 1);
    expect(session.calls).toEqual([]);
    await pass(1);
    expect(session.calls).toEqual(['end: CLOSED']);
  });

  it('is not ended when the server has ended it, be it before or after it was idle', async () => {
    const [early, late] = [fake(), fake()];
    for (const session of [early, late]) draining.addDraining(session);
    expect(draining.onEnd(early)).toBe(true);
    early.isIdle();
    late.isIdle();
    expect([draining.onEnd(late), draining.onEnd(late)]).toEqual([true, false]);
    expect(jest.getTimerCount()).toBe(0);
    await pass(LEFT_TO_SERVER_MS);
    expect([early.calls, late.calls]).toEqual([[], []]);
  });
});

describe('connections that have ended', () => {
  it('are waited for until all their sockets are closed', async () => {
    const sessions = [fake(), fake()];
    for (const session of sessions) draining.onEnd(session);
    let isClosed = false;
    const closed = draining.closed().then(() => (isClosed = true));
    sessions[0]!.socketClosed();
    await turns();
    expect(isClosed).toBe(false);
    sessions[1]!.socketClosed();
    await closed;
  });

  it('are destroyed as long as their sockets are not closed, and no more', async () => {
    const [first, second] = [fake(), fake()];
    for (const session of [first, second]) draining.onEnd(session);
    first.socketClosed();
    await turns();
    draining.destroy(new CmdStreamError('CLOSED', 'over'));
    expect([first.calls, second.calls]).toEqual([[], ['destroy: CLOSED']]);
    second.socketClosed();
    await draining.closed();
    draining.destroy(new CmdStreamError('CLOSED', 'over'));
    expect(second.calls).toHaveLength(1);
  });
});
