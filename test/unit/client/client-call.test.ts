// One call from dispatch to its end, with a holder, a sink and a clock of the test's own: it ends once and no more.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CallOutcome } from '../../../lib/instrumentation/instrumentation.js';
import type { KeptBytes } from '../../../lib/client/call/call-bytes.js';
import {
  CallerSink,
  ClientCall,
  type CallHolder,
  type CallNeeds,
  type CallOptions,
} from '../../../lib/client/call/client-call.js';
import { AsyncScope } from '../../../lib/async-scope.js';
import { Deadlines } from '../../../lib/client/call/deadlines.js';
import { SignalListeners } from '../../../lib/client/call/signal-listeners.js';
import { CmdStreamError } from '../../../lib/core.js';

class SumCmd {}

/** A call of which everything that is reported of it is kept, in order. */
class Witnessed {
  readonly all: unknown[][] = [];
  readonly holder: CallHolder;
  readonly call: ClientCall;
  waits: ReturnType<CallHolder['waitsFor']> = { text: 'it waited' };
  onResult: () => void = () => {};
  onNext: (result: unknown) => unknown = () => {};

  constructor(options?: CallOptions, needs: CallNeeds = {}) {
    const tell =
      (what: string) =>
      (...args: unknown[]): void =>
        void this.all.push([what, ...args]);
    this.holder = {
      remove: (_call, reason) => tell('remove')(reason),
      grant: (_call, count) => tell('grant')(count),
      waitsFor: () => (tell('waitsFor')(), this.waits),
    };
    const sink = {
      next: (result: unknown, bytes: number) => (tell('next')(result, bytes), this.onNext(result) as void),
      complete: tell('complete'),
      error: tell('error'),
    };
    const watch = {
      onResult: (_sent: unknown, result: unknown, bytes: number) => (tell('seen')(result, bytes), this.onResult()),
      onEnd: (_sent: unknown, end: CallOutcome) => tell('end')(end),
    };
    this.call = new ClientCall(new SumCmd(), sink, this.holder, options, { watch, ...needs });
  }

  /** What was reported since the last time. */
  take(): unknown[][] {
    return this.all.splice(0);
  }

  keep(): void {
    this.call.kept = { free: () => void this.all.push(['free']) } as unknown as KeptBytes;
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
let deadlines: Deadlines;

beforeEach(() => {
  jest.useFakeTimers();
  deadlines = new Deadlines(new AsyncScope());
});
afterEach(() => void jest.useRealTimers());

describe('the end of a call', () => {
  const ways: [string, (call: ClientCall) => void, unknown[][]][] = [
    ['completed', (call) => call.complete(), [['remove', undefined], ['end', { how: 'completed' }], ['complete']]],
    [
      'failed',
      (call) => call.fail(failed),
      [
        ['remove', undefined],
        ['end', { how: 'failed', error: failed }],
        ['error', failed],
      ],
    ],
    [
      'cancelled',
      (call) => call.cancel(),
      [
        ['remove', 'CANCELLED'],
        ['end', { how: 'cancelled' }],
      ],
    ],
  ];

  it.each(ways)('is reported to its holder, then its observer, then its sink: %s', (_how, end, expected) => {
    const { call, all } = new Witnessed();
    expect(call.isPending).toBe(true);
    end(call);
    expect(all).toEqual(expected);
    expect(call.isPending).toBe(false);
  });

  it.each(ways)('is the only one: nothing that comes after it has an effect once it is %s', (_how, end) => {
    const seen = new Witnessed({ timeoutMs: 50 });
    const controller = new AbortController();
    seen.call.watch(controller.signal, new SignalListeners(), deadlines);
    end(seen.call);
    seen.take();
    for (const [, again] of ways) again(seen.call);
    seen.call.next('late', 1, false);
    seen.call.expire();
    seen.call.sinkFailed(failed);
    seen.call.grant(3);
    controller.abort();
    jest.advanceTimersByTime(100);
    expect(seen.all).toEqual([]);
  });

  it('lets go of what was kept for a repetition, once', () => {
    const seen = new Witnessed();
    seen.keep();
    seen.call.complete();
    seen.call.cancel();
    expect(seen.all.filter(([what]) => what === 'free')).toHaveLength(1);
    expect(seen.call.kept).toBeUndefined();
  });

  it('does not throw when a sink of the user does', () => {
    const throws = (): never => {
      throw new Error('a sink throws');
    };
    const holder = { remove: () => {}, waitsFor: () => ({ text: '' }) };
    const sink = new CallerSink({ next: throws, complete: throws, error: throws });
    expect(() => new ClientCall({}, sink, holder).complete()).not.toThrow();
    expect(() => new ClientCall({}, sink, holder).fail(failed)).not.toThrow();
  });
});

describe('a Result', () => {
  it('goes to the observer and to the sink, with its bytes, and the first one lets go of what was kept', () => {
    const seen = new Witnessed();
    seen.keep();
    seen.call.next('a', 3, false);
    expect(seen.take()).toEqual([['free'], ['seen', 'a', 3], ['next', 'a', 3]]);
    seen.call.next('b', 4, false);
    expect(seen.take()).toEqual([
      ['seen', 'b', 4],
      ['next', 'b', 4],
    ]);
    seen.call.cancel();
  });

  it('ends the call if it is the last, unless the sink fails with it', () => {
    const [good, bad] = [new Witnessed(), new Witnessed()];
    good.call.next('a', 3, true);
    expect(good.take().map(([what]) => what)).toEqual(['seen', 'next', 'remove', 'end', 'complete']);
    bad.onNext = () => {
      throw other;
    };
    bad.call.next('a', 3, true);
    expect(bad.take().slice(2)).toEqual([
      ['remove', undefined],
      ['end', { how: 'failed', error: other }],
      ['error', other],
    ]);
  });

  it('is not given to the sink of a call that the observer has ended', () => {
    const seen = new Witnessed();
    seen.onResult = () => seen.call.cancel();
    seen.call.next('a', 1, false);
    expect(seen.take().map(([what]) => what)).toEqual(['seen', 'remove', 'end']);
  });

  it.each([
    ['an error of this package, which says then that it was sent', failed, 'REMOTE', asSent],
    ['any other error, as it is', other, 'CANCELLED', other],
  ])('that the sink fails on later ends the call with %s', async (_what, reason, abandoned, check) => {
    const seen = new Witnessed();
    seen.onNext = () => Promise.reject(reason);
    seen.call.next('a', 1, false);
    expect(seen.call.isPending).toBe(true);
    seen.take();
    await Promise.resolve();
    await Promise.resolve();
    expect(seen.all[0]).toEqual(['remove', abandoned]);
    const [, error] = seen.all[2]!;
    expect(error).toEqual(check);
    expect(seen.all[1]).toEqual(['end', { how: 'failed', error }]);
  });

  it('that the sink takes with a promise that is kept ends nothing', async () => {
    const seen = new Witnessed();
    seen.onNext = () => Promise.resolve();
    seen.call.next('a', 1, false);
    await Promise.resolve();
    expect(seen.call.isPending).toBe(true);
    seen.call.cancel();
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
      const { call, all } = new Witnessed();
      call.mayHaveRun = mayHaveRun;
      call.fail(given);
      expect(all.at(-1)![1]).toEqual(expected);
      expect(all.at(-1)![1] === given).toBe(expected === given);
    }
  });

  it('names what was sent, and where to if that is known', () => {
    const { call, holder } = new Witnessed();
    expect(call.label).toBe('(SumCmd)');
    call.holder = { ...holder, server: 'calc:1' };
    expect(call.label).toBe('(SumCmd at calc:1)');
  });
});

describe('the time limit', () => {
  it('is none when it is 0', () => {
    const { call } = new Witnessed();
    call.watch(undefined, new SignalListeners(), deadlines);
    expect(jest.getTimerCount()).toBe(0);
    expect([call.timeoutMs, call.remainingMs()]).toEqual([0, 0]);
    jest.advanceTimersByTime(1000);
    expect(call.remainingMs()).toBe(0);
  });

  it('counts down, and is negative when it is over: 0 would be no limit', () => {
    jest.advanceTimersByTime(1000);
    const { call } = new Witnessed({ timeoutMs: 50 });
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
    [2, new CmdStreamError('CONNECT_FAILED', 'not there')],
  ])('ends the call after %s attempts, when what has arrived by then was read', (attempts, cause) => {
    const seen = new Witnessed({ timeoutMs: 50 });
    Object.assign(seen.call, { attempts });
    seen.waits = { text: 'it waited', cause };
    seen.call.watch(undefined, new SignalListeners(), deadlines);
    jest.advanceTimersByTime(49);
    expect(seen.all).toEqual([]);
    jest.advanceTimersToNextTimer();
    expect(seen.all).toEqual([]);
    jest.advanceTimersToNextTimer();
    const [asked, removed, end, last] = seen.take();
    const error = last![1] as CmdStreamError;
    expect([asked, removed, end]).toEqual([['waitsFor'], ['remove', 'TIMEOUT'], ['end', { how: 'timed out', error }]]);
    expect(error).toMatchObject({ code: 'TIMEOUT', sent: attempts > 0 });
    expect(error.message).toBe('SumCmd: no answer within timeoutMs (50): it waited');
    expect(Object.hasOwn(error, 'cause')).toBe(cause !== undefined);
    expect(error.cause).toBe(cause);
  });
});

describe('the signal', () => {
  it('that has aborted already ends the call at once, and is not listened to', () => {
    const seen = new Witnessed();
    const signal = AbortSignal.abort('enough');
    const listen = jest.spyOn(signal, 'addEventListener');
    seen.call.watch(signal, new SignalListeners(), deadlines);
    expect(seen.take()).toEqual([
      ['remove', 'CANCELLED'],
      ['end', { how: 'cancelled', error: 'enough' }],
      ['error', 'enough'],
    ]);
    expect(listen).not.toHaveBeenCalled();
  });

  it('ends the call with its reason when it aborts', () => {
    const seen = new Witnessed();
    const controller = new AbortController();
    seen.call.watch(controller.signal, new SignalListeners(), deadlines);
    expect(seen.call.isPending).toBe(true);
    controller.abort('enough');
    expect(seen.take().at(-1)).toEqual(['error', 'enough']);
  });

  it('is not listened to when the call is over', () => {
    const { call } = new Witnessed();
    const { signal } = new AbortController();
    const stop = jest.spyOn(signal, 'removeEventListener');
    call.watch(signal, new SignalListeners(), deadlines);
    expect(stop).not.toHaveBeenCalled();
    call.complete();
    expect(stop).toHaveBeenCalledTimes(1);
  });
});

describe('what becomes of an attempt', () => {
  function withPermit(needs?: CallNeeds) {
    const said: unknown[] = [];
    const seen = new Witnessed({}, needs);
    const say =
      (what: string) =>
      (...args: unknown[]): void =>
        void said.push([what, ...args]);
    const permit = { succeed: say('succeed'), fail: say('fail'), release: say('release') };
    seen.call.reportTo(permit, (error) => error === failed);
    return { call: seen.call, said };
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

  it('is the same when the breaker throws', () => {
    const { call } = new Witnessed();
    const throws = (): never => {
      throw new Error('a breaker throws');
    };
    call.reportTo({ succeed: throws, fail: throws, release: throws }, () => true);
    expect(() => call.complete()).not.toThrow();
  });
});

describe('a call that is sent again', () => {
  it('has no number, is no stream, and is held where it waits', () => {
    const seen = new Witnessed();
    const { call } = seen;
    Object.assign(call, { seq: 5, isStream: true, attempts: 1 });
    const holder = { ...seen.holder, grant: jest.fn() };
    call.rewind(holder);
    expect(call).toMatchObject({ seq: 0, isStream: false, attempts: 1, isPending: true, holder });
    call.grant(2);
    expect(holder.grant).toHaveBeenCalledWith(call, 2);
    expect(seen.all).toEqual([]);
  });

  it('begins with nothing said, nothing come and nothing done', () => {
    const holder = { remove: () => {}, waitsFor: () => ({ text: '' }) };
    const call = new ClientCall({}, { next: () => {}, complete: () => {}, error: () => {} }, holder);
    expect(call).toMatchObject({
      seq: 0,
      attempts: 0,
      isStream: false,
      mayHaveRun: false,
      credit: 0,
      until: 'answered',
      timeoutMs: 0,
      isPending: true,
    });
    call.next('a Result', 1, false);
    call.complete();
    expect(call.isPending).toBe(false);
  });
});
