// How a host becomes the addresses of one connection: whose turn it is, and what counts of what a resolver does.
import { describe, expect, it } from '@jest/globals';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { turnedLookup } from '../../../lib/connection/dial.js';
import { turns } from '../../support/deadline.js';

type Answer = [error: unknown, found: unknown, family?: number | undefined];

/** All that is answered to one question. */
async function answersOf(lookup: LookupFunction, turn = 0, all = true): Promise<Answer[]> {
  const answers: Answer[] = [];
  turnedLookup(lookup, turn)('calc.internal', { all, hints: 3 }, (...answer) => void answers.push(answer));
  await turns(2);
  return answers;
}

/** A resolver that finds this, whatever it is. */
const finding =
  (found: unknown): LookupFunction =>
  (_host, _options, callback) =>
    callback(null, found as LookupAddress[]);

const failing =
  (error: unknown): LookupFunction =>
  (_host, _options, callback) =>
    callback(error as Error, []);

const at = (...addresses: string[]): LookupAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
const four = '192.0.2.1';
const traps: ProxyHandler<object> = {
  get() {
    throw new Error('it is not looked at');
  },
};

describe('the addresses of a host', () => {
  const mixed = at('192.0.2.1', '2001:db8::1', '192.0.2.2', '2001:db8::2', '192.0.2.3');

  it.each([
    [0, ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1', '2001:db8::2']],
    [1, ['192.0.2.2', '192.0.2.3', '192.0.2.1', '2001:db8::2', '2001:db8::1']],
    [2, ['192.0.2.3', '192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2']],
    [3, ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::2', '2001:db8::1']],
    [7, ['192.0.2.2', '192.0.2.3', '192.0.2.1', '2001:db8::2', '2001:db8::1']],
  ])('take turns among those of their kind: %d', async (turn, addresses) => {
    expect(await answersOf(finding(mixed), turn)).toEqual([[null, at(...addresses)]]);
    const [first] = at(...addresses);
    expect(await answersOf(finding(mixed), turn, false)).toEqual([[null, first!.address, first!.family]]);
  });

  it('come kind by kind as the resolver has it', async () => {
    const [[, found] = []] = await answersOf(finding(mixed.toReversed()), 0);
    expect(found).toEqual(at('192.0.2.3', '192.0.2.2', '192.0.2.1', '2001:db8::2', '2001:db8::1'));
    const [[, other] = []] = await answersOf(finding(mixed.slice(1)), 1);
    expect(other).toEqual(at('2001:db8::2', '2001:db8::1', '192.0.2.3', '192.0.2.2'));
  });

  it('are asked for all at once, with whatever else is wanted', async () => {
    const asked: unknown[] = [];
    const lookup: LookupFunction = (host, options, callback) => {
      asked.push(host, options);
      callback(null, at(four));
    };
    for (const all of [true, false]) await answersOf(lookup, 0, all);
    expect(asked).toEqual(['calc.internal', { all: true, hints: 3 }, 'calc.internal', { all: true, hints: 3 }]);
  });

  it.each([
    ['one alone', four],
    ['one of the wrong kind', [{ address: four, family: 6 }]],
    [
      'one among what is none',
      [null, undefined, 5, {}, { address: 'nowhere' }, { address: four }, new Proxy({}, traps)],
    ],
  ])('are what looks like one: %s', async (_what, found) => {
    expect(await answersOf(finding(found))).toEqual([[null, at(four)]]);
  });
});

describe('a name that cannot be resolved', () => {
  it.each([
    ['no entries', []],
    ['nothing', undefined],
    ['no address', 'nowhere'],
    ['what throws when it is looked at', new Proxy([], traps)],
    ['an entry that throws when it is looked at', [new Proxy({}, traps)]],
  ])('is one of which the resolver gives %s', async (_what, found) => {
    const answers = await answersOf(finding(found));
    expect(answers).toEqual([[new Error('the resolver has no address for calc.internal'), []]]);
  });

  const own = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });

  it('has the error of the resolver, given, thrown or rejected with', async () => {
    const throwing: LookupFunction = () => {
      throw own;
    };
    for (const lookup of [failing(own), throwing, () => Promise.reject(own)]) {
      const [answer, ...others] = await answersOf(lookup);
      expect(others).toEqual([]);
      expect(answer![0]).toBe(own);
      expect(answer![1]).toEqual([]);
    }
  });

  it.each([undefined, null])('has an error although the resolver rejects with %s', async (nothing) => {
    expect(await answersOf(() => Promise.reject(nothing))).toEqual([[new Error('the resolver failed'), []]]);
  });

  it('has an error that Node understands, whatever the resolver gives', async () => {
    const withCode = { code: 'EAI_AGAIN', message: 'later' };
    const asFunction = Object.assign(() => {}, { stack: 'text', message: 'a function' });
    for (const [given, message, code] of [
      ['no such name', 'no such name', undefined],
      [withCode, 'later', 'EAI_AGAIN'],
      [{ code: 5, message: 'a number' }, 'a number', undefined],
      [asFunction, 'a function', undefined],
    ] as const) {
      const [[error] = []] = await answersOf(failing(given));
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject({ message, cause: given });
      expect(Object.hasOwn(error as Error, 'code')).toBe(code !== undefined);
      expect((error as { code?: unknown }).code).toBe(code);
    }
    const [[hidden] = []] = await answersOf(failing(new Proxy(new Error('no'), traps)));
    expect(hidden).toMatchObject({ message: 'a value that cannot be shown' });
  });
});

describe('the first word of a resolver', () => {
  it('counts, whatever it says after that', async () => {
    const lookup: LookupFunction = async (_host, _options, callback) => {
      callback(null, at(four));
      callback(null, at('192.0.2.2'));
      callback(new Error('no such name'), []);
      throw new Error('no such name');
    };
    for (let round = 0; round < 2; round++) expect(await answersOf(lookup)).toEqual([[null, at(four)]]);
  });

  it('counts, be it an error', async () => {
    const lookup: LookupFunction = (_host, _options, callback) => {
      callback(new Error('no such name'), []);
      setImmediate(() => callback(null, at(four)));
    };
    expect(await answersOf(lookup)).toEqual([[new Error('no such name'), []]]);
  });
});
