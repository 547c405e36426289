// When a connection has become too old, and what becomes of the attempt to open its successor, in time of the test's
// own.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import type { ConnectAttempt } from '../../../lib/client/group/connect-attempt.js';
import { ConnectionRenewal } from '../../../lib/client/group/connection-renewal.js';
import { Ticker } from '../../../lib/connection/ticker.js';
import { CmdStreamError } from '../../../lib/core.js';
import { turns } from '../../support/deadline.js';

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const gone = new CmdStreamError('CONNECTION_LOST', 'gone');
const ticker = (): Ticker => new Ticker(new AsyncScope());

async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await turns();
}

/** A renewal, and what becomes of its attempts. */
class Stage {
  readonly news: string[] = [];
  readonly renewal: ConnectionRenewal;
  mayRenew = true;
  fail: () => void = () => {};

  constructor(maxConnectionAgeMs = 1000) {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    this.renewal = new ConnectionRenewal({ ticker: ticker(), maxConnectionAgeMs }, (onFailed) => {
      this.fail = onFailed;
      const note = (what: string) => () => void this.news.push(what);
      const attempt = { begin: note('begun'), succeed: note('succeeded'), abandon: note('abandoned') };
      return this.mayRenew ? (attempt as unknown as ConnectAttempt) : undefined;
    });
  }
}

describe('the age of a connection', () => {
  it('is spread by 10 %, so that many do not become too old together', async () => {
    const ages: number[] = [];
    const clock = ticker();
    const start = performance.now();
    for (let n = 0; n < 500; n++) {
      const config = { ticker: clock, maxConnectionAgeMs: 60_000 };
      const renewal: ConnectionRenewal = new ConnectionRenewal(config, () => {
        ages.push(performance.now() - start);
        renewal.end(gone);
        return undefined;
      });
      renewal.begin();
    }
    for (let n = 0; n < 280; n++) await pass(250);
    expect(ages.length).toBeGreaterThanOrEqual(500);
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(54_000);
    expect(Math.max(...ages.slice(0, 500))).toBeLessThanOrEqual(66_250);
    expect(Math.max(...ages) - Math.min(...ages)).toBeGreaterThan(9000);
  });

  it('has no limit when there is none, and keeps no timer then', () => {
    new Stage(0).renewal.begin();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('begins anew with each connection, and ends with the last one', async () => {
    const { renewal, news } = new Stage();
    renewal.begin();
    await pass(800);
    renewal.begin();
    await pass(800);
    expect(news).toEqual([]);
    renewal.end(gone);
    expect(jest.getTimerCount()).toBe(0);
    await pass(10_000);
    expect(news).toEqual([]);
  });
});

describe('the attempt to open a successor', () => {
  it('is begun once, and its success begins a new age', async () => {
    const { renewal, news } = new Stage();
    renewal.begin();
    await pass(999);
    expect([renewal.attempt, news]).toEqual([undefined, []]);
    await pass(1);
    expect([renewal.attempt === undefined, news]).toEqual([false, ['begun']]);
    await pass(60_000);
    expect(news).toEqual(['begun']);
    renewal.begin();
    expect([renewal.attempt, news]).toEqual([undefined, ['begun', 'succeeded']]);
    await pass(1000);
    expect(news.slice(2)).toEqual(['begun']);
  });

  it('is made again 5 s after it has failed, or could not be made', async () => {
    const stage = new Stage();
    stage.renewal.begin();
    await pass(1000);
    stage.fail();
    stage.mayRenew = false;
    expect(stage.renewal.attempt).toBeUndefined();
    await pass(5000);
    expect(stage.news).toEqual(['begun']);
    stage.mayRenew = true;
    await pass(4999);
    expect(stage.news).toEqual(['begun']);
    await pass(1);
    expect(stage.news).toEqual(['begun', 'begun']);
  });

  it('is abandoned when there is nothing left to replace', async () => {
    const { renewal, news } = new Stage();
    renewal.begin();
    await pass(1000);
    renewal.end(gone);
    renewal.end(gone);
    expect([renewal.attempt, news]).toEqual([undefined, ['begun', 'abandoned']]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
