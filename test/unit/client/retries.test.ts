// Calls that are sent again: after which pause, how often, and what becomes of those that wait for it.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { ClientCall } from '../../../lib/client/call/client-call.js';
import { Retries } from '../../../lib/client/group/retries.js';
import { retryDefaults, type ResolvedRetryOptions } from '../../../lib/client/client-options.js';
import { RecordingSink } from '../../support/recording-sink.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

class Stage {
  readonly sent: number[] = [];
  readonly sink = new RecordingSink();
  readonly call: ClientCall;
  readonly retries: Retries;
  #pausedAt = 0;

  constructor(options: ResolvedRetryOptions | false = retryDefaults, maxPausing = 10) {
    this.retries = new Retries(new AsyncScope(), options, maxPausing, (call) => {
      call.attempts++;
      this.sent.push(performance.now() - this.#pausedAt);
    });
    const home = {
      forget: (call: ClientCall) => this.retries.delete(call),
      grant: () => {},
      waitsFor: () => ({ text: '' }),
    };
    this.call = new ClientCall({}, this.sink, home);
    this.call.attempts = 1;
  }

  /** Sends the call again as long as it may be; gives the pauses. */
  pauses(again: (call: ClientCall) => boolean): number[] {
    for (this.#pausedAt = performance.now(); again(this.call); this.#pausedAt = performance.now()) {
      jest.advanceTimersToNextTimer();
    }
    return this.sent;
  }
}

describe('a call that was lost', () => {
  it('is sent three times in all by the defaults, after up to 100 and up to 200 ms', () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const stage = new Stage();
    expect(stage.pauses((call) => stage.retries.lost(call))).toEqual([50, 100]);
    expect(stage.call.attempts).toBe(3);
  });

  it('is sent again after a pause that doubles up to maxDelayMs', () => {
    jest.spyOn(Math, 'random').mockReturnValue(1);
    const stage = new Stage({ maxAttempts: 7, delayMs: 10, maxDelayMs: 100 });
    expect(stage.pauses((call) => stage.retries.lost(call))).toEqual([10, 20, 40, 80, 100, 100]);
  });

  it.each([false, { ...retryDefaults, maxAttempts: 1 }] as const)('is never sent again with %j', (options) => {
    const stage = new Stage(options);
    expect(stage.retries.lost(stage.call)).toBe(false);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('a call that was refused', () => {
  it.each([retryDefaults, false] as const)(
    'is sent six times in all, whatever is said of lost ones (%j)',
    (options) => {
      const stage = new Stage(options);
      expect(stage.pauses((call) => stage.retries.refused(call))).toEqual([10, 20, 40, 80, 160]);
      expect(stage.call.attempts).toBe(6);
    },
  );
});

describe('a call that waits to be sent again', () => {
  it('is counted, and sent no more when its caller gives it up', () => {
    const stage = new Stage();
    stage.retries.refused(stage.call);
    expect(stage.retries.size).toBe(1);
    stage.call.cancel();
    expect(stage.retries.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is not counted any more once it is sent, nor sent a second time, and waits again in a second round', () => {
    const stage = new Stage();
    for (let round = 1; round <= 2; round++) {
      stage.retries.refused(stage.call);
      expect([stage.retries.size, stage.retries.has(stage.call)]).toEqual([1, true]);
      jest.runAllTimers();
      expect([stage.retries.size, stage.retries.has(stage.call)]).toEqual([0, false]);
      expect(stage.sent).toHaveLength(round);
    }
    stage.retries.fail(new Error('closed'));
    expect(stage.call.isPending).toBe(true);
  });

  it('fails when the client ends', () => {
    const stage = new Stage();
    stage.retries.refused(stage.call);
    const error = new Error('closed');
    stage.retries.fail(error);
    expect(stage.sink.ends).toEqual([{ error }]);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('calls that wait to be sent again', () => {
  it('are as many as may, and one more when one of them is sent', () => {
    const { call, retries } = new Stage(retryDefaults, 2);
    const others = [1, 2, 3].map(() => Object.assign(new Stage().call, { attempts: 1 }));
    expect([retries.refused(call), retries.lost(others[0]!)]).toEqual([true, true]);
    expect([retries.refused(others[1]!), retries.lost(others[2]!), retries.size]).toEqual([false, false, 2]);
    jest.advanceTimersToNextTimer();
    expect([retries.refused(others[1]!), retries.size]).toEqual([true, 2]);
    retries.delete(others[1]!);
    expect([retries.lost(others[2]!), retries.size]).toEqual([true, 2]);
    retries.fail(new Error('over'));
    expect(retries.size).toBe(0);
  });
});
