// What waits for a connection, or to be sent again: how long, how much of it, and in which order it goes on.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { ClientCall } from '../../../lib/client/call/client-call.js';
import {
  retryDefaults,
  WaitingRoom,
  type ResolvedRetryOptions,
  type WaitingRoomConfig,
  queueDefaults,
} from '../../../lib/client/group/waiting-room.js';
import { Ticker } from '../../../lib/connection/ticker.js';
import { CmdStreamError } from '../../../lib/core.js';
import { turns } from '../../support/deadline.js';

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const LIMIT_MS = 5000;
/** The timer that counts the time. */
const TICKERS_OWN = 1;
const closed = new CmdStreamError('CLOSED', 'closed');
const absent = new CmdStreamError('CONNECT_FAILED', 'absent');

class Stage {
  readonly room: WaitingRoom;
  /** What has become of calls and callers, by name. */
  readonly news: string[] = [];
  /** When calls were sent, in milliseconds from now. */
  readonly sentAt: number[] = [];
  whyNotOpen: CmdStreamError | undefined;
  onSubmit: (name: unknown) => void = () => {};
  onFailure: () => void = () => {};
  readonly #start = performance.now();

  constructor(config: Partial<WaitingRoomConfig> = {}) {
    const all = {
      ticker: new Ticker(new AsyncScope()),
      callBytes: { keepUnwritten: () => {} } as never,
      queue: { timeoutMs: LIMIT_MS, maxCommands: 1000 },
      mostPending: 1000,
      retry: retryDefaults,
      losses: { lost: 0, unsent: 0 },
      ...config,
    };
    const submit = (call: ClientCall): void => {
      call.attempts++;
      this.news.push(String(call.command));
      this.sentAt.push(performance.now() - this.#start);
      this.onSubmit(call.command);
    };
    this.room = new WaitingRoom(all, submit, () => this.whyNotOpen);
  }

  call(name = 'call'): ClientCall {
    const error = (reason: unknown): void => {
      this.news.push(`${name}: ${(reason as Error).message}`);
      this.onFailure();
    };
    const call = new ClientCall(name, { next: () => {}, complete: () => {}, error }, this.room);
    call.attempts = 1;
    return call;
  }

  add(...names: string[]): ClientCall[] {
    const calls = names.map((name) => this.call(name));
    for (const call of calls) this.room.add(call);
    return calls;
  }

  async connect(name: string, timeoutMs = 0): Promise<void> {
    await this.room.connect(timeoutMs).then(
      () => this.news.push(name),
      ({ code, message }: CmdStreamError) => this.news.push(`${name}: ${code} ${message}`),
    );
  }
}

describe('calls that wait for a connection', () => {
  it('go on in order of arrival', () => {
    const stage = new Stage();
    stage.add('a', 'b', 'c');
    expect([stage.room.pending, stage.room.isAwaiting]).toEqual([3, true]);
    stage.room.release();
    expect(stage.news).toEqual(['a', 'b', 'c']);
    expect([stage.room.pending, stage.room.isAwaiting, jest.getTimerCount()]).toEqual([0, false, 0]);
  });

  it('wait anew when the connection is lost while others go on', () => {
    const stage = new Stage();
    stage.add('a', 'b');
    stage.onSubmit = (name) => name === 'a' && stage.add('later');
    stage.room.release();
    expect([stage.news, stage.room.pending]).toEqual([['a', 'b'], 1]);
    jest.advanceTimersByTime(LIMIT_MS + 1);
    expect(stage.news.slice(2)).toEqual(['later: no connection within queue.timeoutMs (5000)']);
  });

  it('do not go on when their caller has given them up, be it while others go on', () => {
    const stage = new Stage();
    const [, b, c] = stage.add('a', 'b', 'c');
    stage.onSubmit = () => c!.cancel();
    b!.cancel();
    stage.room.release();
    expect(stage.news).toEqual(['a']);
  });

  it('fail together when they wait in vain, and those do not that were given up meanwhile', () => {
    const stage = new Stage();
    const [, b] = stage.add('a', 'b', 'c');
    stage.onFailure = () => b!.cancel();
    stage.room.failAwaiting(absent);
    expect(stage.news).toEqual(['a: absent', 'c: absent']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('fail each after its own time, the oldest first, and say why there is no connection', () => {
    const stage = new Stage();
    stage.add('a', 'b');
    jest.advanceTimersByTime(2000);
    stage.add('c');
    jest.advanceTimersByTime(2999);
    expect(stage.news).toEqual([]);
    stage.whyNotOpen = absent;
    jest.advanceTimersByTime(2);
    const reason = 'no connection within queue.timeoutMs (5000): absent';
    expect(stage.news).toEqual([`a: ${reason}`, `b: ${reason}`]);
    jest.advanceTimersByTime(1990);
    expect(stage.room.pending).toBe(1);
    jest.advanceTimersByTime(20);
    expect(stage.news.slice(2)).toEqual([`c: ${reason}`]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('wait for ever without a limit, and keep the process alive meanwhile', () => {
    const stage = new Stage({ queue: { ...queueDefaults, timeoutMs: 0 } });
    stage.add('a');
    expect(jest.getTimerCount()).toBe(1 + TICKERS_OWN);
    jest.advanceTimersByTime(3_600_001);
    expect([stage.news, stage.room.pending]).toEqual([[], 1]);
    stage.room.release();
    expect(stage.news).toEqual(['a']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('are as many as may', () => {
    const stage = new Stage({ queue: { ...queueDefaults, maxCommands: 2 } });
    const [first] = stage.add('a', 'b');
    expect(stage.room.isFull).toBe(true);
    stage.whyNotOpen = absent;
    expect(() => stage.add('c')).toThrow(expect.objectContaining({ code: 'QUEUE_FULL', cause: absent }));
    first!.cancel();
    expect(stage.room.isFull).toBe(false);
    stage.add('d');
    expect(stage.room.pending).toBe(2);
  });

  it('do not wait when what they hold cannot be kept, or keeping it has ended them', () => {
    const keepUnwritten = jest.fn((call: ClientCall) => call.cancel());
    const stage = new Stage({ callBytes: { keepUnwritten } as never });
    stage.add('a');
    expect(stage.room.pending).toBe(0);
    keepUnwritten.mockImplementation(() => {
      throw absent;
    });
    expect(() => stage.add('b')).toThrow(absent);
    expect([stage.room.pending, jest.getTimerCount()]).toEqual([0, 0]);
  });
});

describe('callers of connect()', () => {
  it('have the connection after the calls, in order', async () => {
    const stage = new Stage();
    const callers = [stage.connect('first'), stage.connect('second')];
    stage.add('call');
    expect([stage.room.pending, stage.room.isAwaiting]).toEqual([1, true]);
    stage.room.release();
    await Promise.all(callers);
    expect(stage.news).toEqual(['call', 'first', 'second']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('wait for their own time, or for queue.timeoutMs if that is shorter, and no timer is left', async () => {
    const stage = new Stage();
    const callers = [stage.connect('no time of its own'), stage.connect('long', 60_000), stage.connect('short', 500)];
    jest.advanceTimersByTime(499);
    await turns();
    expect(stage.news).toEqual([]);
    jest.advanceTimersByTime(2);
    await callers[2];
    expect(stage.news).toEqual(['short: TIMEOUT no connection within timeoutMs (500)']);
    jest.advanceTimersByTime(LIMIT_MS);
    await Promise.all(callers);
    const error = 'CONNECT_TIMEOUT no connection within queue.timeoutMs (5000)';
    expect(stage.news.slice(1)).toEqual([`no time of its own: ${error}`, `long: ${error}`]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('have their own time where there is no other limit', async () => {
    const stage = new Stage({ queue: { ...queueDefaults, timeoutMs: 0 } });
    const callers = [stage.connect('patient'), stage.connect('short', 500)];
    jest.advanceTimersByTime(60_000);
    await callers[1];
    expect(stage.news).toEqual(['short: TIMEOUT no connection within timeoutMs (500)']);
    stage.room.fail(closed);
    await callers[0];
    expect(stage.news[1]).toBe('patient: CLOSED closed');
  });

  it.each([
    [0, 1024],
    [1025, 1025],
  ])('are at most, where %i Commands may wait, %i', async (maxCommands, most) => {
    const stage = new Stage({ queue: { ...queueDefaults, maxCommands } });
    for (let n = 0; n < most; n++) stage.room.connect(0).catch(() => {});
    await expect(stage.room.connect(0)).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    stage.room.failAwaiting(absent);
    expect(stage.room.isAwaiting).toBe(false);
  });
});

/** Has the call sent again as long as that is done; gives when. */
function resent(stage: Stage, resend: (call: ClientCall) => boolean): number[] {
  // What follows at once takes no time here.
  jest.spyOn(globalThis, 'setImmediate').mockImplementation(((next: () => void) => next()) as never);
  const call = stage.call();
  while (resend(call)) {
    const { length } = stage.sentAt;
    while (stage.sentAt.length === length) jest.advanceTimersByTime(1);
  }
  return stage.sentAt;
}

describe('a call that was lost', () => {
  const lost = (stage: Stage): number[] => resent(stage, (call) => stage.room.resendLost(call));

  it('is sent three times in all by the defaults, after up to 100 and up to 200 ms', () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    expect(lost(new Stage())).toEqual([50, 150]);
  });

  it('is sent again after a pause that doubles up to maxDelayMs', () => {
    jest.spyOn(Math, 'random').mockReturnValue(1);
    const retry = { maxAttempts: 7, delayMs: 10, maxDelayMs: 100 };
    expect(lost(new Stage({ retry }))).toEqual([10, 30, 70, 150, 250, 350]);
  });

  it('has a pause, however short, even where none is asked for', () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    expect(lost(new Stage())).toEqual([1, 2]);
  });

  it.each([false, { ...retryDefaults, maxAttempts: 1 }] as const)('is never sent again with %j', (retry) => {
    expect(lost(new Stage({ retry }))).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('a call that was refused', () => {
  it.each([retryDefaults, false] as (ResolvedRetryOptions | false)[])(
    'is sent six times in all, whatever is said of lost ones (%j)',
    (retry) => {
      const stage = new Stage({ retry });
      expect(resent(stage, (call) => stage.room.resendRefused(call))).toEqual([10, 30, 70, 150, 310]);
    },
  );
});

describe('calls that wait to be sent again', () => {
  it('are counted, but wait for no connection, and are not sent when their caller gives them up', () => {
    const stage = new Stage();
    const call = stage.call();
    stage.room.resendRefused(call);
    expect([stage.room.pending, stage.room.isAwaiting]).toEqual([1, false]);
    stage.room.release();
    stage.room.failAwaiting(absent);
    expect([stage.news, stage.room.waitsFor(call)]).toEqual([[], { text: 'it was about to be sent again' }]);
    call.cancel();
    expect([stage.room.pending, jest.getTimerCount()]).toEqual([0, 0]);
  });

  it('are sent once, and may wait again in a second round', () => {
    const stage = new Stage();
    const call = stage.call();
    for (let round = 1; round <= 2; round++) {
      expect(stage.room.resendRefused(call)).toBe(true);
      jest.advanceTimersByTime(1000);
      expect([stage.room.pending, stage.news.length, jest.getTimerCount()]).toEqual([0, round, 0]);
    }
    stage.room.fail(closed);
    expect(call.isPending).toBe(true);
  });

  it('are as many as may, and one more when one of them is sent or given up', () => {
    const stage = new Stage({ mostPending: 2 });
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => stage.call(name)) as [
      ClientCall,
      ClientCall,
      ClientCall,
      ClientCall,
    ];
    const { room } = stage;
    expect([room.resendRefused(a), room.resendLost(b)]).toEqual([true, true]);
    expect([room.resendRefused(c), room.resendLost(d), room.pending]).toEqual([false, false, 2]);
    a.cancel();
    expect([room.resendRefused(c), room.pending]).toEqual([true, 2]);
    jest.advanceTimersByTime(1000);
    expect([room.resendLost(d), room.pending]).toEqual([true, 1]);
  });
});

describe('the one timer', () => {
  it('is one however many wait for whatever, and none when nothing waits', () => {
    const stage = new Stage();
    const calls = Array.from({ length: 500 }, (_, n) => stage.call(String(n)));
    for (const [n, call] of calls.entries()) {
      if (n % 2 === 0) stage.room.add(call);
      else stage.room.resendLost(call);
      void stage.room.connect(n).catch(() => {});
    }
    expect(jest.getTimerCount()).toBe(1 + TICKERS_OWN);
    for (const call of calls) call.cancel();
    stage.room.failAwaiting(absent);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('serves each when its time is over, in whatever order they came and others left', () => {
    const stage = new Stage({ retry: { maxAttempts: 2, delayMs: 1000, maxDelayMs: 1000 } });
    const random = jest.spyOn(Math, 'random');
    const pauses = Array.from({ length: 200 }, (_, n) => 1 + ((n * 7919) % 997));
    const calls = pauses.map((pauseMs) => {
      const call = stage.call(String(pauseMs));
      random.mockReturnValue(pauseMs / 1000);
      stage.room.resendLost(call);
      return call;
    });
    for (const call of calls) if (Number(call.command) % 3 === 0) call.cancel();
    jest.advanceTimersByTime(1000);
    const left = pauses.filter((pauseMs) => pauseMs % 3 !== 0).toSorted((a, b) => a - b);
    expect(stage.news).toEqual(left.map(String));
  });
});

describe('when the client ends', () => {
  it('everything that waits fails', async () => {
    const stage = new Stage();
    stage.add('a');
    stage.room.resendRefused(stage.call('b'));
    const caller = stage.connect('c');
    stage.room.fail(closed);
    await caller;
    expect(stage.news).toEqual(['a: closed', 'b: closed', 'c: CLOSED closed']);
    expect([stage.room.pending, jest.getTimerCount()]).toEqual([0, 0]);
  });

  it('tells who asked when no call waits any more', () => {
    const stage = new Stage();
    const [a, b] = stage.add('a', 'b');
    const onIdle = jest.fn();
    stage.room.whenIdle(onIdle);
    a!.cancel();
    expect(onIdle).not.toHaveBeenCalled();
    b!.cancel();
    expect(onIdle).toHaveBeenCalledTimes(1);
  });
});
