// What a gateway answers, or relays, of the error of another server: by what the error says, without a gateway.
import { describe, expect, it } from '@jest/globals';
import { BadRequestException } from '@nestjs/common';
import { CmdStreamErrorCode } from '../../../lib/error-codes.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { httpStatusOf, remotePayload } from '../../../lib/error-status.js';
import { httpAnswerTo } from '../../../lib/nest/http-answer.js';

function raise(): never {
  throw new Error('do not look at it');
}

const everything = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, raise]));

function remote(payload: unknown): CmdStreamError {
  return new CmdStreamError('REMOTE', 'failed', { payload, sent: true });
}

/** Status and body of the answer; undefined: there is none. */
function answer(error: unknown): unknown {
  const exception = httpAnswerTo(error);
  return exception && [exception.getStatus(), exception.getResponse()];
}

const details = { statusCode: 409, message: 'sold out', error: 'Conflict' };
const conflict = { status: 'error', statusCode: 409, message: 'sold out', details };

describe('the answer over HTTP', () => {
  it.each<[CmdStreamErrorCode, number, string]>([
    ['TIMEOUT', 504, 'Gateway Timeout'],
    ['CIRCUIT_OPEN', 503, 'Service Unavailable'],
    ['CONNECT_FAILED', 503, 'Service Unavailable'],
    ['OVERLOADED', 503, 'Service Unavailable'],
    ['CONNECTION_LOST', 502, 'Bad Gateway'],
    ['NO_HANDLER', 501, 'Not Implemented'],
    ['CANCELLED', 499, 'Client Closed Request'],
  ])('to %s is %d, with the error as its cause', (code, status, text) => {
    const error = new CmdStreamError(code, 'a secret', { payload: conflict });
    expect(answer(error)).toEqual([status, text]);
    expect(httpAnswerTo(error)!.cause).toBe(error);
  });

  it("has the status of httpStatusOf() and a text for any code, and is Nest's own where that is 500", () => {
    for (const code of Object.values(CmdStreamErrorCode).filter((each) => each !== 'REMOTE')) {
      const error = new CmdStreamError(code, 'a secret', { payload: conflict });
      const status = httpStatusOf(error);
      const text: unknown = expect.stringMatching(/^[A-Z][A-Za-z ]+$/);
      expect([code, answer(error)]).toEqual([code, status === 500 ? undefined : [status, text]]);
    }
  });

  it.each<[string, unknown, unknown]>([
    ['the details where they are an object', conflict, [409, details]],
    ['the details where they are a list', { ...conflict, details: ['a', 'b'] }, [409, ['a', 'b']]],
    ['the message where they are null', { ...conflict, details: null }, [409, 'sold out']],
    ['the message where they are a text', { ...conflict, details: 'text' }, [409, 'sold out']],
    ['the message where there are none', { statusCode: 404, message: 'no such thing' }, [404, 'no such thing']],
    ['a word where there is no message', { statusCode: 404 }, [404, 'Error']],
    ['a word where the message is no text', { statusCode: 404, message: ['a'] }, [404, 'Error']],
    ['the least status', { statusCode: 400, message: 'a' }, [400, 'a']],
    ['the greatest status', { statusCode: 599, message: 'a' }, [599, 'a']],
    ['no status', { message: 'a' }, undefined],
    ['a status that is no error', { statusCode: 399, message: 'a' }, undefined],
    ['a status that is none', { statusCode: 600, message: 'a' }, undefined],
    ['half a status', { statusCode: 400.5, message: 'a' }, undefined],
    ['the text of a status', { statusCode: '404', message: 'a' }, undefined],
    ['an Error, which is never meant for a caller', Object.assign(new Error('no'), { statusCode: 404 }), undefined],
    ['nothing', undefined, undefined],
    ['null', null, undefined],
    ['a text', 'text', undefined],
    ['what fails when it is asked', new Proxy({}, everything), undefined],
    ['details that fail when they are asked', { ...conflict, details: new Proxy({}, everything) }, undefined],
  ])('to what another server has said has %s', (_, payload, expected) => {
    expect(answer(remote(payload))).toEqual(expected);
  });

  it.each<[string, unknown, unknown]>([
    ['what its filter has made', conflict, [409, details]],
    ['the same without details', { ...conflict, details: undefined }, [409, 'sold out']],
    ['another status word', { ...conflict, status: 'failed' }, undefined],
    ['no status of an error', { ...conflict, statusCode: 200 }, undefined],
    ['no message', { ...conflict, message: undefined }, undefined],
    ['a message that is no text', { ...conflict, message: ['a'] }, undefined],
    ['an Error that looks like it', Object.assign(new Error('sold out'), conflict), undefined],
    ['an exception of Nest', new BadRequestException(), undefined],
    ['nothing', undefined, undefined],
    ['null', null, undefined],
    ['a text', 'text', undefined],
    ['what fails when it is asked', new Proxy({}, everything), undefined],
  ])('to an error by pattern is for what its filter has made alone: %s', (_, error, expected) => {
    expect(answer(error)).toEqual(expected);
    expect(remotePayload(error)).toEqual(expected && { payload: error });
  });
});

describe('what is relayed', () => {
  it.each([[conflict], ['text'], [undefined], [null], [0]])(
    'is what another server has said, anything: %p',
    (payload) => {
      expect(remotePayload(remote(payload))).toStrictEqual({ payload });
    },
  );

  it('is nothing of another code', () => {
    expect(remotePayload(new CmdStreamError('INTERNAL', 'failed', { payload: conflict }))).toBeUndefined();
    expect(remotePayload(new CmdStreamError('TIMEOUT', 'late'))).toBeUndefined();
  });
});
