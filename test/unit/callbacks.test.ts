// Code of the user that is notify something, or must answer at once: what it fails with reaches whom it concerns, and nobody else.
import { describe, expect, it } from '@jest/globals';
import { atOnce, forgive, isPromiseLike, tell, notify } from '../../lib/callbacks.js';
import { turns } from '../support/deadline.js';

const fault = new Error('a mistake');

function raise(): never {
  throw fault;
}

async function reject(): Promise<never> {
  throw fault;
}

/** The object with a member `then`. */
function withThen(object: object, member: unknown = () => {}): object {
  // oxlint-disable-next-line unicorn/no-thenable
  return Object.assign(object, { then: member });
}

describe('who is notify something', () => {
  it('gets what it is notify', () => {
    const heard: unknown[] = [];
    tell(raise, (...args: unknown[]) => heard.push(args), 1, 'two');
    expect(heard).toEqual([[1, 'two']]);
  });

  it('may be nobody', () => {
    expect(() => tell(raise, undefined, 1)).not.toThrow();
  });

  it.each([
    ['now', raise],
    ['by a promise', reject],
  ])('fails for `report` alone: %s', async (_when, callback) => {
    const reported: unknown[] = [];
    let calls = 0;
    const counted = (): unknown => {
      calls++;
      return callback();
    };
    tell((error) => reported.push(error), counted);
    notify(counted);
    expect(calls).toBe(2);
    await turns();
    expect(reported).toEqual([fault]);
  });

  it.each([[undefined], [null], [7], ['text'], [{}]])('may give %p, which is not waited for', (given) => {
    const reported: unknown[] = [];
    tell(
      (error) => reported.push(error),
      () => given,
    );
    expect(reported).toEqual([]);
  });
});

describe('a promise', () => {
  it.each([
    ['a promise', Promise.resolve(1), true],
    ['a thenable', withThen({}), true],
    ['a function with a then', withThen(raise.bind(undefined)), true],
    ['a then that is no function', withThen({}, true), false],
    ['an object', {}, false],
    ['null', null, false],
    ['undefined', undefined, false],
    ['a number', 7, false],
  ])('is notify from anything else, and forgiven: %s', (_what, value, expected) => {
    expect(isPromiseLike(value)).toBe(expected);
    expect(forgive(value)).toBe(expected);
  });

  it('that is forgiven may reject', async () => {
    expect(forgive(reject())).toBe(true);
    const asked: unknown[][] = [];
    expect(forgive(withThen({}, (...args: unknown[]) => asked.push(args)))).toBe(true);
    expect(asked).toEqual([[undefined, expect.any(Function)]]);
    await turns();
  });
});

describe('who must answer at once', () => {
  it.each([[undefined], [null], [0], ['text'], [false], [{ a: 1 }], [raise]])('gives what it gave: %p', (given) => {
    expect(atOnce('BAD_PAYLOAD', 'it', given)).toBe(given);
  });

  it('gives no promise, which may reject', async () => {
    for (const given of [Promise.resolve(1), reject(), withThen({})]) {
      expect(() => atOnce('BAD_PAYLOAD', 'decode()', given)).toThrow(
        expect.objectContaining({
          code: 'BAD_PAYLOAD',
          message: 'decode() must answer at once, and gave a promise',
        }),
      );
    }
    await turns();
  });

  // Only an object is asked: a function, such as a type, is what was wanted.
  it('may give a function that has a method then', () => {
    const given = withThen(() => {}, raise);
    expect(atOnce('BAD_PAYLOAD', 'it', given)).toBe(given);
  });
});
