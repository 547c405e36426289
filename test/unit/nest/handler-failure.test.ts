// What a caller gets of whatever comes out of Nest's pipeline, and what of it is logged, without a server.
import { describe, expect, it } from '@jest/globals';
import { BadRequestException, ConflictException, HttpException } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { CmdStreamError } from '../../../lib/errors.js';
import { behind, failedFilterOf, failureOf, isLogged, shapedByNest } from '../../../lib/nest/server/handler-failure.js';

const INTERNAL = { status: 'error', message: 'Internal server error' };
const SECRET = 'hunter2';

function raise(): never {
  throw new Error('do not look at it');
}

const everything = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, raise]));

/** As those of other packages may be. */
const foreign = Object.assign(new Error(SECRET), { getResponse: () => SECRET, getStatus: () => 409 });

/** The failure, and what was found to be unknown. */
function shape(error: unknown): readonly [CmdStreamError, readonly unknown[]] {
  const unknown: unknown[] = [];
  return [failureOf(error, (what) => unknown.push(what)), unknown];
}

describe('an error that ends a Command', () => {
  it.each([
    ['REMOTE', false],
    ['NO_HANDLER', false],
  ] as const)('is given on as it is when it is the own word of a server: %s', (code, sent) => {
    const word = new CmdStreamError(code, 'said', { payload: 'said', sent });
    expect(shape(word)).toEqual([word, []]);
    expect(shape(word)[0]).toBe(word);
  });

  it.each([
    new CmdStreamError('REMOTE', SECRET, { payload: SECRET, sent: true }),
    new CmdStreamError('NO_HANDLER', SECRET, { sent: true }),
    new CmdStreamError('TIMEOUT', SECRET),
    new TypeError(SECRET),
  ])('is hidden and reported when it is an Error that says nothing to callers: %p', (error) => {
    const [failure, unknown] = shape(error);
    expect(failure).toMatchObject({ code: 'REMOTE', message: INTERNAL.message, payload: INTERNAL });
    expect(failure.cause).toBe(error);
    expect(unknown).toEqual([error]);
    expect(isLogged(failure)).toBe(true);
  });

  it.each<[string, unknown, unknown, string]>([
    ['a text', 'no', 'no', 'no'],
    ['nothing', undefined, undefined, 'undefined'],
    ['null', null, null, 'null'],
    ['a number', 7, 7, '7'],
    ['an object', { a: 1 }, { a: 1 }, '{ a: 1 }'],
    ['an object with a message', { message: 'no' }, { message: 'no' }, 'no'],
  ])('is the payload itself when a filter has made it: %s', (_, given, payload, message) => {
    const [failure, unknown] = shape(given);
    expect(failure).toMatchObject({ code: 'REMOTE', message, sent: false });
    expect(failure.payload).toEqual(payload);
    expect(failure.cause).toEqual(payload);
    expect(unknown).toEqual([]);
  });

  it.each<[string, Error, unknown, string]>([
    ['with an object', new RpcException({ reason: 'no' }), { reason: 'no' }, "{ reason: 'no' }"],
    ['with a text', new RpcException('no'), { status: 'error', message: 'no' }, 'no'],
    ['with null', new RpcException(null as never), { status: 'error', message: null }, ''],
    ['with a number', new RpcException(7 as never), { status: 'error', message: 7 }, ''],
    [
      'with an HttpException',
      new RpcException(new ConflictException('sold out')),
      {
        name: 'ConflictException',
        message: 'sold out',
        status: 409,
        response: { statusCode: 409, message: 'sold out', error: 'Conflict' },
      },
      'sold out',
    ],
    ['with another RpcException', new RpcException(new RpcException({ reason: 'no' })), { reason: 'no' }, ''],
    [
      'that is its own error',
      Object.assign(new RpcException('no'), {
        getError(this: Error) {
          return this;
        },
      }),
      { status: 'error', message: 'no' },
      'no',
    ],
  ])('is what an RpcException says, %s', (_, error, payload, message) => {
    const [failure, unknown] = shape(error);
    expect(failure).toMatchObject({ code: 'REMOTE', message: expect.stringContaining(message) as unknown });
    expect(failure.payload).toEqual(payload);
    expect(failure.cause).toBe(error);
    expect(unknown).toEqual([]);
    expect(isLogged(failure)).toBe(false);
  });

  it.each<[string, Error]>([
    ['an RpcException with an Error', new RpcException(new Error(SECRET))],
    ['an RpcException that fails when it is asked', Object.assign(new RpcException('no'), { getError: raise })],
    ['an Error with the methods of an HttpException', foreign],
    ['an Error with the method of an RpcException', Object.assign(new Error(SECRET), { getError: () => SECRET })],
    ['an HttpException that fails when it is asked', Object.assign(new ConflictException(), { getStatus: raise })],
  ])('says nothing of %s', (_, error) => {
    const [failure, unknown] = shape(error);
    expect(failure.payload).toEqual(INTERNAL);
    expect(unknown).toEqual([error]);
  });

  it('says what an HttpException says', () => {
    expect(shape(new ConflictException('sold out'))[0].payload).toMatchObject({ status: 409, message: 'sold out' });
  });
});

describe('what a filter has made of an exception', () => {
  it('is the payload, with the exception behind it that no JSON shows', () => {
    const exception = new ConflictException('sold out');
    const payload = behind({ status: 'error' }, exception);
    expect(JSON.stringify(payload)).toBe('{"status":"error"}');
    const [failure] = shape(payload);
    expect(failure).toMatchObject({ code: 'REMOTE', message: 'sold out', payload: { status: 'error' } });
    expect(failure.cause).toBe(exception);
  });

  it('may be made anew of the same payload', () => {
    const [first, second] = [new ConflictException('first'), new ConflictException('second')];
    expect(shape(behind(behind({}, first), second))[0].message).toBe('second');
  });

  it('lists the reasons of a validation error', () => {
    expect(shape(behind({}, new BadRequestException(['a is empty', 'b is long'])))[0].message).toBe(
      'a is empty; b is long',
    );
    expect(shape(behind({}, new HttpException('no text', 400)))[0].message).toBe('no text');
    const untold = Object.assign(new ConflictException('still a text'), { getResponse: raise });
    expect(shape(behind({}, untold))[0].message).toBe('still a text');
  });

  it('is the payload alone where it is of no HttpException', () => {
    expect(shape(behind({ message: 'no' }, new Error(SECRET)))[0].message).toBe('no');
  });

  it('may fail when it is asked', () => {
    const odd = new Proxy({}, everything);
    expect(shape(odd)[0]).toMatchObject({ code: 'REMOTE', message: 'a value that cannot be shown' });
  });
});

describe('an exception that comes too late for the exception layer', () => {
  it.each<[string, unknown, unknown, boolean]>([
    ['an HttpException', new ConflictException('sold out'), INTERNAL, true],
    ['an RpcException', new RpcException('no'), { status: 'error', message: 'no' }, false],
  ])('is shaped as there, and logged unless the layer does: %s', async (_, exception, payload, isLoggedHere) => {
    const logged: unknown[] = [];
    const shaped = firstValueFrom(shapedByNest(exception, (what) => logged.push(what)));
    await expect(shaped).rejects.toEqual(payload);
    expect(logged).toEqual(isLoggedHere ? [exception] : []);
  });
});

describe('what was logged already', () => {
  const remote = (payload: unknown) => new CmdStreamError('REMOTE', '', { payload });

  it.each<[string, unknown, boolean]>([
    ['what the layer makes of unknown errors', remote({ ...INTERNAL }), true],
    ['the same of another code', new CmdStreamError('INTERNAL', '', { payload: { ...INTERNAL } }), false],
    ['the same outside an error', { ...INTERNAL }, false],
    ['another message', remote({ status: 'error', message: 'no' }), false],
    ['another status', remote({ status: 409, message: INTERNAL.message }), false],
    ['no payload', remote(undefined), false],
    ['null', remote(null), false],
    ['a payload that fails when it is asked', remote(new Proxy({}, everything)), false],
    ['another Error', new Error(INTERNAL.message), false],
    ['nothing', undefined, false],
  ])('is distinguished from what was not: %s', (_, error, expected) => {
    expect(isLogged(error)).toBe(expected);
  });
});

describe('a failed exception filter', () => {
  const layer = '    at RpcProxy.handleError (f.js:1:1)\n    at RpcExceptionsHandler.invokeCustomFilters (f.js:2:2)';
  const frames = (...lines: string[]) => ({ stack: ['Error: no', ...lines, ...layer.split('\n')].join('\n') });

  it.each([
    ['its method', ['    at helper (f.js:1:1)', '    at HttpOnly.catch (f.js:3:3)'], 'HttpOnly'],
    ['its asynchronous method', ['    at async $Own_1.catch (f.js:3:3)'], '$Own_1'],
    ['an inherited method', ['    at Own.handle [as catch] (f.js:3:3)'], 'Own'],
    ['the nearest to the layer', ['    at Inner.catch (f.js:1:1)', '    at Outer.catch (f.js:3:3)'], 'Outer'],
    ['a promise', ['    at Promise.catch (<anonymous>)'], undefined],
    ['a filter that used a promise', ['    at Promise.catch (<anonymous>)', '    at Own.catch (f.js:3:3)'], 'Own'],
    ['something else', ['    at helper (f.js:1:1)', '    at Own.catches (f.js:3:3)'], undefined],
    ['nothing', [], undefined],
  ])('is known by the stack: %s', (_, lines, name) => {
    expect(failedFilterOf(frames(...lines))).toBe(name);
  });

  it('is none without the layer, or behind it', () => {
    expect(failedFilterOf({ stack: 'Error: no\n    at Own.catch (f.js:3:3)' })).toBeUndefined();
    const stack = `Error: no\n${layer}\n    at Own.catch (f.js:3:3)`;
    expect(failedFilterOf({ stack })).toBeUndefined();
    for (const error of [undefined, null, 'text', {}, { stack: 7 }, new Error('no')])
      expect(failedFilterOf(error)).toBeUndefined();
  });
});
