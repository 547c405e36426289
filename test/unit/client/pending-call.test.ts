// One call from dispatch to its end, with a home, a sink and a clock of the test's own: it ends once, however often it is notified.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallOutcome } from '../../../lib/client/call/call-outcome.js';
import type { KeptBytes } from '../../../lib/client/call/kept-bytes.js';
import { ClientCall, type CallHome, type CallNeeds, type CallOptions } from '../../../lib/client/call/client-call.js';
import { SignalListeners } from '../../../lib/client/call/signal-listeners.js';
import { CmdStreamError } from '../../../lib/core.js';

class SumCmd {}

/** A call of which everything that is notified of it is kept, in order. */
class Told {
  readonly all: unknown[][] = [];
  readonly home: CallHome;
  readonly call: ClientCall;
  waits: ReturnType<CallHome['waitsFor']> = { text: 'it waited' };
  onResult: () => void = () => {};
  onNext: (result: unknown) => unknown = () => {};

  constructor(options?: CallOptions, needs: CallNeeds = {}) {
    const tell =
      (what: string) =>
      (...args: unknown[]): void =>
        void this.all.push([what, ...args]);
    this.home = {
      forget: (_call, abandoned) => tell('forget')(abandoned),
      grant: (_call, count) => tell('grant')(count),
      waitsFor: () => (tell('waitsFor')(), this.waits),
    };
    const sink = {
      next: (result: unknown, bytes: number) => (tell('next')(result, bytes), this.onNext(result) as void),
      complete: tell('complete'),
      error: tell('error'),
    };
    const observer = {
      onResult: (_sent: unknown, result: unknown, bytes: number) => (tell('seen')(result, bytes), this.onResult()),
      onEnd: (_sent: unknown, end: CallOutcome) => tell('end')(end),
    };
    this.call = new ClientCall(new SumCmd(), sink, this.home, options, { observer, ...needs });
  }

  /** What was notified since the last time. */
  take(): unknown[][] {
    return this.all.splice(0);
  }

  keep(): void {
    this.call.kept = { release: () => void this.all.push(['release']) } as unknown as KeptBytes;
  }
}

const failed = new CmdStreamError('REMOTE', 'it has failed', { payload: 7 });
const asSent: unknown = expect.objectContaining({
  code: 'REMOTE',
  message: 'it has failed',
  sent: true,
  payload: 7,
  cause: failed,
});
const other = new Error('not mine');

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('the end of a call', () => {
  const ways: [string, (call: ClientCall) => void, unknown[][]][] = [
    ['completed', (call) => call.complete(), [['forget', undefined], ['end', { how: 'completed' }], ['complete']]],
    [
      'failed',
      (call) => call.fail(failed),
      [
        ['forget', undefined],
        ['end', { how: 'failed', error: failed }],
        ['error', failed],
      ],
    ],
    [
      'cancelled',
      (call) => call.cancel(),
      [
        ['forget', 'CANCELLED'],
        ['end', { how: 'cancelled' }],
      ],
    ],
  ];

  it.each(ways)('is reported to its home, then its observer, then its sink: %s', (_how, end, expected) => {
    const { call, all } = new Told();
    expect(call.isPending).toBe(true);
    end(call);
    expect(all).toEqual(expected);
    expect(call.isPending).toBe(false);
  });

  it.each(ways)('is the only one: nothing that comes after it has an effect once it is %s', (_how, end) => {
    const notify = new Told({ timeoutMs: 50 });
    const controller = new AbortController();
    notify.call.watch(controller.signal, new SignalListeners());
    end(notify.call);
    expect(jest.getTimerCount()).toBe(0);
    notify.take();
    for (const [, again] of ways) again(notify.call);
    notify.call.next('late', 1);
    notify.call.expire();
    notify.call.sinkFailed(failed);
    notify.call.grant(3);
    controller.abort();
    jest.advanceTimersByTime(100);
    expect(notify.all).toEqual([]);
  });

  it('lets go of what was kept for a repetition, once', () => {
    const notify = new Told();
    notify.keep();
    notify.call.complete();
    notify.call.cancel();
    expect(notify.all.filter(([what]) => what === 'release')).toHaveLength(1);
    expect(notify.call.kept).toBeUndefined();
  });

  it('is none of the caller’s trouble when the sink throws', () => {
    const throws = (): never => {
      throw new Error('a sink throws');
    };
    const home = { forget: () => {}, grant: () => {}, waitsFor: () => ({ text: '' }) };
    const sink = { next: throws, complete: throws, error: throws };
    expect(() => new ClientCall({}, sink, home).complete()).not.toThrow();
    expect(() => new ClientCall({}, sink, home).fail(failed)).not.toThrow();
  });
});

describe('a Result', () => {
  it('goes to the observer and to the sink, with its bytes, and the first one lets go of what was kept', () => {
    const notify = new Told();
    notify.keep();
    expect(notify.call.hasResults).toBe(false);
    notify.call.next('a', 3);
    expect(notify.take()).toEqual([['release'], ['seen', 'a', 3], ['next', 'a', 3]]);
    expect(notify.call.hasResults).toBe(true);
    // A later one has nothing to let go of.
    notify.keep();
    notify.call.next('b', 4);
    expect(notify.take()).toEqual([
      ['seen', 'b', 4],
      ['next', 'b', 4],
    ]);
    notify.call.cancel();
  });

  it('is not given to the sink of a call that the observer has ended', () => {
    const notify = new Told();
    notify.onResult = () => notify.call.cancel();
    notify.call.next('a', 1);
    expect(notify.take().map(([what]) => what)).toEqual(['seen', 'forget', 'end']);
  });

  it.each([
    ['an error of this package, which says then that it was sent', failed, 'REMOTE', asSent],
    ['any other error, as it is', other, 'CANCELLED', other],
  ])('that the sink fails on later ends the call with %s', async (_what, reason, abandoned, check) => {
    const notify = new Told();
    notify.onNext = () => Promise.reject(reason);
    notify.call.next('a', 1);
    expect(notify.call.isPending).toBe(true);
    notify.take();
    await Promise.resolve();
    await Promise.resolve();
    expect(notify.all[0]).toEqual(['forget', abandoned]);
    const [, error] = notify.all[2]!;
    expect(error).toEqual(check);
    expect(notify.all[1]).toEqual(['end', { how: 'failed', error }]);
  });

  it('that the sink takes with a promise that is kept ends nothing', async () => {
    const notify = new Told();
    notify.onNext = () => Promise.resolve();
    notify.call.next('a', 1);
    await Promise.resolve();
    expect(notify.call.isPending).toBe(true);
    notify.call.cancel();
  });
});

describe('an error', () => {
  const sent = new CmdStreamError('REMOTE', 'sent', { sent: true });

  it('of a later attempt says that the Command was sent, when an earlier one may have been executed', () => {
    for (const [given, mayHaveRun, expected] of [
      [failed, true, asSent],
      [failed, false, failed],
      [sent, true, sent],
      ['no error', true, 'no error'],
    ] as const) {
      const { call, all } = new Told();
      call.mayHaveRun = mayHaveRun;
      call.fail(given);
      expect(all.at(-1)![1]).toEqual(expected);
      expect(all.at(-1)![1] === given).toBe(expected === given);
    }
  });

  it('names what was sent, and where to if that is known', () => {
    const { call, home } = new Told();
    expect(call.label).toBe('(SumCmd)');
    call.moveTo({ ...home, server: 'calc:1' });
    expect(call.label).toBe('(SumCmd at calc:1)');
    expect(call.home.server).toBe('calc:1');
  });
});

describe('the time limit', () => {
  it('is none when it is 0', () => {
    const { call } = new Told();
    call.watch(undefined, new SignalListeners());
    expect(jest.getTimerCount()).toBe(0);
    expect([call.timeoutMs, call.remainingMs()]).toEqual([0, 0]);
    jest.advanceTimersByTime(1000);
    expect(call.remainingMs()).toBe(0);
  });

  it('counts down, and is negative when it is over: 0 would be no limit', () => {
    jest.advanceTimersByTime(1000);
    const { call } = new Told({ timeoutMs: 50 });
    expect(call.remainingMs()).toBe(50);
    jest.advanceTimersByTime(20);
    expect(call.remainingMs()).toBe(30);
    jest.advanceTimersByTime(30);
    expect(call.remainingMs()).toBe(-1);
    jest.advanceTimersByTime(30);
    expect(call.remainingMs()).toBe(-30);
  });

  it.each([
    [0, undefined],
    [1, undefined],
    [2, new CmdStreamError('CONNECT_FAILED', 'nobody there')],
  ])('ends the call after %s attempts, when what has arrived by then was read', (attempts, cause) => {
    const notify = new Told({ timeoutMs: 50 });
    Object.assign(notify.call, { attempts });
    notify.waits = { text: 'it waited', cause };
    notify.call.watch(undefined, new SignalListeners());
    jest.advanceTimersByTime(49);
    expect(notify.all).toEqual([]);
    jest.advanceTimersToNextTimer();
    expect(notify.all).toEqual([]);
    jest.advanceTimersToNextTimer();
    const [asked, forgotten, end, last] = notify.take();
    const error = last![1] as CmdStreamError;
    expect([asked, forgotten, end]).toEqual([
      ['waitsFor'],
      ['forget', 'TIMEOUT'],
      ['end', { how: 'timed out', error }],
    ]);
    expect(error).toMatchObject({ code: 'TIMEOUT', sent: attempts > 0 });
    expect(error.message).toBe('SumCmd: no answer within timeoutMs (50): it waited');
    expect(Object.hasOwn(error, 'cause')).toBe(cause !== undefined);
    expect(error.cause).toBe(cause);
  });

  it('holds no timer of a call that is over', () => {
    const { call } = new Told({ timeoutMs: 50 });
    call.watch(undefined, new SignalListeners());
    expect(jest.getTimerCount()).toBe(1);
    call.complete();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('the signal', () => {
  it('that has aborted already ends the call at once, and nobody listens to it', () => {
    const notify = new Told();
    const signal = AbortSignal.abort('enough');
    const listen = jest.spyOn(signal, 'addEventListener');
    notify.call.watch(signal, new SignalListeners());
    expect(notify.take()).toEqual([
      ['forget', 'CANCELLED'],
      ['end', { how: 'cancelled', error: 'enough' }],
      ['error', 'enough'],
    ]);
    expect(listen).not.toHaveBeenCalled();
  });

  it('ends the call with its reason when it aborts', () => {
    const notify = new Told();
    const controller = new AbortController();
    notify.call.watch(controller.signal, new SignalListeners());
    expect(notify.call.isPending).toBe(true);
    controller.abort('enough');
    expect(notify.take().at(-1)).toEqual(['error', 'enough']);
  });

  it('is not listened to when the call is over', () => {
    const { call } = new Told();
    const { signal } = new AbortController();
    const stop = jest.spyOn(signal, 'removeEventListener');
    call.watch(signal, new SignalListeners());
    expect(stop).not.toHaveBeenCalled();
    call.complete();
    expect(stop).toHaveBeenCalledTimes(1);
  });
});

describe('what becomes of an attempt', () => {
  function withPermit(needs?: CallNeeds) {
    const said: unknown[] = [];
    const notify = new Told({}, needs);
    const say =
      (what: string) =>
      (...args: unknown[]): void =>
        void said.push([what, ...args]);
    const permit = { succeed: say('succeed'), fail: say('fail'), release: say('release') };
    notify.call.reportTo(permit, (error) => error === failed);
    return { call: notify.call, said };
  }

  it.each<[string, (call: ClientCall) => void, unknown[]]>([
    ['success', (call) => call.complete(), ['succeed']],
    ['a failure', (call) => call.fail(failed), ['fail', failed]],
    ['nothing when the caller gives up', (call) => call.cancel(), ['release']],
    ['nothing when it was never sent', (call) => call.fail(new CmdStreamError('CLOSED', 'closed')), ['release']],
    [
      'success with an error of the application',
      (call) => call.fail(new CmdStreamError('REMOTE', 'no', { sent: true })),
      ['succeed'],
    ],
  ])('is reported to its circuit breaker once: %s', (_what, end, expected) => {
    const { call, said } = withPermit();
    end(call);
    call.report({ how: 'completed' });
    expect(said).toEqual([expected]);
  });

  it('is nothing when it was only written', () => {
    const { call, said } = withPermit({ until: 'written' });
    call.complete();
    expect(said).toEqual([['release']]);
  });

  it('is reported anew in a second round, and only to who asked last', () => {
    const { call, said } = withPermit();
    call.report({ how: 'failed', error: failed });
    const reports: CallOutcome[] = [];
    call.onReport(() => said.push('who asked first'));
    call.onReport((end) => reports.push(end));
    call.complete();
    expect(said).toEqual([['fail', failed]]);
    expect(reports).toEqual([{ how: 'completed' }]);
  });

  it('is nobody’s trouble when the breaker throws', () => {
    const { call } = new Told();
    const throws = (): never => {
      throw new Error('a breaker throws');
    };
    call.reportTo({ succeed: throws, fail: throws, release: throws }, () => true);
    expect(() => call.complete()).not.toThrow();
  });
});

describe('a call that is sent again', () => {
  it('has no number, is no stream, and is at home where it waits', () => {
    const notify = new Told();
    const { call } = notify;
    Object.assign(call, { seq: 5, isStream: true, attempts: 1 });
    const home = { ...notify.home, grant: jest.fn() };
    call.rewind(home);
    expect(call).toMatchObject({ seq: 0, isStream: false, attempts: 1, isPending: true, home });
    call.grant(2);
    expect(home.grant).toHaveBeenCalledWith(call, 2);
    expect(notify.all).toEqual([]);
  });

  it('begins with nothing said, nothing come and nothing done', () => {
    const home = { forget: () => {}, grant: () => {}, waitsFor: () => ({ text: '' }) };
    const call = new ClientCall({}, { next: () => {}, complete: () => {}, error: () => {} }, home);
    expect(call).toMatchObject({
      seq: 0,
      attempts: 0,
      isStream: false,
      hasResults: false,
      mayHaveRun: false,
      credit: 0,
      until: 'answered',
      timeoutMs: 0,
      isPending: true,
    });
    call.next('nobody watches', 1);
    call.complete();
    expect(call.isPending).toBe(false);
  });
});
