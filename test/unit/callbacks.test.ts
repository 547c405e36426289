// Code of the user that is informed or must answer synchronously: its failure goes to `report` and never to the caller.
import { describe, expect, it } from '@jest/globals';
import { callSafely, ignoreRejection, isPromiseLike, notify, requireSync } from '../../lib/callbacks.js';
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

describe('a callback', () => {
  it('gets the arguments', () => {
    const received: unknown[] = [];
    callSafely(raise, (...args: unknown[]) => received.push(args), 1, 'two');
    expect(received).toEqual([[1, 'two']]);
  });

  it('may be missing', () => {
    expect(() => callSafely(raise, undefined, 1)).not.toThrow();
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
    callSafely((error) => reported.push(error), counted);
    notify(counted);
    expect(calls).toBe(2);
    await turns();
    expect(reported).toEqual([fault]);
  });

  it.each([[undefined], [null], [7], ['text'], [{}]])('may give %p, which is not waited for', (given) => {
    const reported: unknown[] = [];
    callSafely(
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
  ])('is distinguished from anything else, and its rejection ignored: %s', (_what, value, expected) => {
    expect(isPromiseLike(value)).toBe(expected);
    expect(ignoreRejection(value)).toBe(expected);
  });

  it('whose rejection is ignored may reject', async () => {
    expect(ignoreRejection(reject())).toBe(true);
    const asked: unknown[][] = [];
    expect(ignoreRejection(withThen({}, (...args: unknown[]) => asked.push(args)))).toBe(true);
    expect(asked).toEqual([[undefined, expect.any(Function)]]);
    await turns();
  });
});

describe('a function that must answer synchronously', () => {
  it.each([[undefined], [null], [0], ['text'], [false], [{ a: 1 }], [raise]])('gives what it gave: %p', (given) => {
    expect(requireSync('BAD_PAYLOAD', 'it', given)).toBe(given);
  });

  it('gives no promise, which may reject', async () => {
    for (const given of [Promise.resolve(1), reject(), withThen({})]) {
      expect(() => requireSync('BAD_PAYLOAD', 'decode()', given)).toThrow(
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
    expect(requireSync('BAD_PAYLOAD', 'it', given)).toBe(given);
  });
});
