// When the host of a server is looked up, and what becomes of the answers, with a clock and a resolver of the test.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { LookupAddress } from 'node:dns';
import { AsyncScope } from '../../../lib/async-scope.js';
import {
  HostLookup,
  lookupOf,
  MOST_ADDRESSES,
  ofOneFamily,
  type Endpoint,
  type FoundAddresses,
} from '../../../lib/client/group/host-lookup.js';
import { Ticker } from '../../../lib/connection/ticker.js';
import { turns } from '../../support/deadline.js';

const four = (...last: readonly number[]): LookupAddress[] =>
  last.map((one) => ({ address: `192.0.2.${one}`, family: 4 }));
const addressesOf = (found: readonly LookupAddress[]): readonly string[] => found.map(({ address }) => address);

class Stage {
  /** What answers each lookup that has begun. */
  readonly asked: ((error: Error | null, found: LookupAddress[]) => void)[] = [];
  readonly news: FoundAddresses[] = [];
  readonly tested: HostLookup;

  constructor(resolveIntervalMs = 30_000) {
    const scope = new AsyncScope();
    const config = {
      scope,
      ticker: new Ticker(scope),
      resolveIntervalMs,
      resolver: ((_host: string, _options: object, callback: never) => void this.asked.push(callback)) as never,
    };
    this.tested = new HostLookup('calc.internal', config, (found) => void this.news.push(found));
  }

  /** An attempt that asks; gives what it is answered. */
  ask(signal = new AbortController().signal): unknown[] {
    const answers: unknown[] = [];
    this.tested.lookupFor(signal)('calc.internal', { all: true }, (error, found) => void answers.push(error, found));
    return answers;
  }

  async answer(found: LookupAddress[], error: Error | null = null, at = this.asked.length - 1): Promise<void> {
    this.asked[at]!(error, found);
    await turns();
  }

  get found(): readonly string[] {
    return addressesOf(this.tested.found);
  }
}

/** One whose first connection is open. */
async function watching(found = four(1, 2)): Promise<Stage> {
  const stage = new Stage();
  stage.ask();
  await stage.answer(found);
  stage.tested.watch();
  return stage;
}

/** Step by step: what stands still for more than a second is not counted. */
const pass = async (ms: number): Promise<void> => {
  for (let left = ms; left > 0; left -= 250) {
    jest.advanceTimersByTime(Math.min(left, 250));
    await turns(2);
  }
};

const chance = { value: 0 };

beforeEach(() => {
  chance.value = 0;
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate'] });
  jest.spyOn(Math, 'random').mockImplementation(() => chance.value);
  jest.advanceTimersByTime(100_000);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

describe('a host', () => {
  it('is looked up again and again while a connection is open, from beginning to beginning', async () => {
    const stage = await watching();
    await pass(29_500);
    expect(stage.asked).toHaveLength(1);
    await pass(1_000);
    expect(stage.asked).toHaveLength(2);
    await stage.answer(four(1, 2));
    await pass(30_000);
    expect(stage.asked).toHaveLength(3);
    stage.tested.rest();
    await pass(120_000);
    expect(stage.asked).toHaveLength(3);
  });

  it('is looked up at most one part in ten earlier', async () => {
    chance.value = 0.999;
    const stage = await watching();
    await pass(26_500);
    expect(stage.asked).toHaveLength(1);
    await pass(1_000);
    expect(stage.asked).toHaveLength(2);
  });

  it('is looked up soon after a loss, and once a second however many there are', async () => {
    const stage = await watching();
    await pass(5_000);
    for (let loss = 0; loss < 10; loss++) stage.tested.refresh();
    await pass(250);
    expect(stage.asked).toHaveLength(2);
    await stage.answer(four(1, 2));
    for (let loss = 0; loss < 3; loss++) {
      stage.tested.refresh();
      await pass(250);
    }
    expect(stage.asked).toHaveLength(2);
    await pass(500);
    expect(stage.asked).toHaveLength(3);
    await stage.answer(four(1));
    expect(stage.found).toEqual(['192.0.2.1']);
  });

  it('is not looked up after a loss while no connection is open: the attempts ask', async () => {
    const stage = new Stage();
    stage.tested.refresh();
    await pass(60_000);
    expect(stage.asked).toHaveLength(0);
  });

  it('is looked up once for attempts that ask at a time', async () => {
    const stage = new Stage();
    const answers = [stage.ask(), stage.ask()];
    expect(stage.asked).toHaveLength(1);
    await stage.answer(four(1));
    const found = [{ address: '192.0.2.1', family: 4, key: '192.0.2.1' }];
    expect(answers).toEqual([
      [null, found],
      [null, found],
    ]);
    stage.ask();
    expect(stage.asked).toHaveLength(2);
  });
});

describe('a resolver that', () => {
  it('fails takes no address away, and fails those that know none', async () => {
    const error = new Error('no such name');
    const stage = new Stage();
    const first = stage.ask();
    await stage.answer([], error);
    expect(first).toEqual([error, []]);
    expect(stage.news).toEqual([{ added: [], gone: [], error }]);
    stage.ask();
    await stage.answer(four(1, 2));
    const later = stage.ask();
    await stage.answer([], error);
    expect(addressesOf(later[1] as LookupAddress[])).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(stage.found).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(stage.news.slice(1)).toEqual([
      { added: ['192.0.2.1', '192.0.2.2'], gone: [], error: undefined },
      { added: [], gone: [], error },
    ]);
  });

  it('is slow is waited for a second where addresses are known', async () => {
    const stage = await watching(four(1));
    const answer = stage.ask();
    await pass(750);
    expect(answer).toEqual([]);
    await pass(500);
    expect(addressesOf(answer[1] as LookupAddress[])).toEqual(['192.0.2.1']);
    await stage.answer(four(2));
    expect(answer).toHaveLength(2);
    expect(stage.found).toEqual(['192.0.2.2']);
  });

  it('keeps silent is asked anew after five seconds, and all who wait get the first answer', async () => {
    const stage = new Stage();
    const first = stage.ask();
    await pass(4_500);
    stage.ask();
    expect(stage.asked).toHaveLength(1);
    await pass(1_000);
    const last = stage.ask();
    expect(stage.asked).toHaveLength(2);
    await stage.answer(four(1));
    expect(addressesOf(first[1] as LookupAddress[])).toEqual(['192.0.2.1']);
    expect(last).toEqual(first);
  });

  it('answers an earlier question later has said nothing', async () => {
    const stage = new Stage();
    stage.ask();
    await pass(6_000);
    stage.ask();
    await stage.answer(four(2));
    await stage.answer(four(1), null, 0);
    expect(stage.found).toEqual(['192.0.2.2']);
    expect(stage.news).toHaveLength(1);
  });

  it('answers an attempt that was given up reaches no one', async () => {
    const stage = new Stage();
    const attempt = new AbortController();
    const answer = stage.ask(attempt.signal);
    attempt.abort();
    await stage.answer(four(1));
    expect(answer).toEqual([]);
    expect(stage.found).toEqual(['192.0.2.1']);
  });
});

describe('the addresses that are found', () => {
  it('are each one, however they are written', async () => {
    const stage = new Stage();
    stage.ask();
    await stage.answer([
      { address: '2001:DB8:0:0::1', family: 6 },
      { address: '2001:db8::1', family: 6 },
      ...four(1, 1),
    ]);
    expect(stage.tested.found.map(({ key }) => key)).toEqual(['2001:db8::1', '192.0.2.1']);
    expect(stage.tested.endpointAt('2001:db8::1')).toBe(stage.tested.found[0]);
    expect(stage.tested.endpointAt('192.0.2.9')).toEqual({ address: '192.0.2.9', family: 4, key: '192.0.2.9' });
    for (const none of [undefined, '', 'a path']) expect(stage.tested.endpointAt(none)).toBeUndefined();
  });

  it('are reported when they have changed', async () => {
    const stage = await watching(four(1, 2));
    stage.ask();
    await stage.answer(four(3, 2));
    expect(stage.news.at(-1)).toEqual({ added: ['192.0.2.3'], gone: ['192.0.2.1'], error: undefined });
    stage.ask();
    await stage.answer(four(2, 3));
    expect(stage.news.at(-1)).toEqual({ added: [], gone: [], error: undefined });
  });

  it('are no more than can be used; those in use stay, the others are taken by chance', async () => {
    const many = Array.from({ length: 300 }, (_, n) => ({ address: `198.51.${n >> 8}.${n & 255}`, family: 4 }));
    chance.value = 0.5;
    const stage = new Stage();
    stage.ask();
    await stage.answer(many);
    expect(stage.found).toEqual([...many.slice(150), ...many.slice(0, 106)].map(({ address }) => address));
    const used = new Set(stage.found);
    stage.ask();
    await stage.answer(many.toReversed());
    expect(new Set(stage.found)).toEqual(used);
    expect(used.size).toBe(MOST_ADDRESSES);
  });
});

describe('the addresses that are used', () => {
  const both = [...four(1, 2), { address: '2001:db8::1', family: 6 }].map((one) => ({ ...one, key: one.address }));

  it.each([
    [4, ['192.0.2.1', '192.0.2.2']],
    [6, ['2001:db8::1']],
    [undefined, ['192.0.2.1', '192.0.2.2']],
  ])('are those of the family of what is open: %s', (family, addresses) => {
    expect(addressesOf(ofOneFamily(both, family))).toEqual(addresses);
  });

  it('are those of the other family when there are no more of that', () => {
    expect(addressesOf(ofOneFamily(both.slice(0, 2), 6))).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(ofOneFamily([], 4)).toEqual([]);
  });

  it('are one where a connection keeps to it', () => {
    const endpoint: Endpoint = both[1]!;
    const answers: unknown[] = [];
    lookupOf(endpoint)('calc.internal', { all: true }, (...answer) => void answers.push(...answer));
    expect(answers).toEqual([null, [endpoint]]);
  });
});
