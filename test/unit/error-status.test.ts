// Which status of HTTP and of gRPC an error has, for all codes and for what a payload says.
import { describe, expect, it } from '@jest/globals';
import { CmdStreamErrorCode } from '../../lib/error-codes.js';
import { grpcStatusOf, httpStatusOf } from '../../lib/error-status.js';
import { CmdStreamError } from '../../lib/errors.js';

function raise(): never {
  throw new Error('do not look at it');
}

const everything = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, raise]));
const statusesOf = (error: unknown) => [httpStatusOf(error), grpcStatusOf(error)];

describe('the statuses of an error', () => {
  it('are some of an error for any code', () => {
    const codes = Object.values(CmdStreamErrorCode);
    const found = new Set(codes.map((code) => statusesOf(new CmdStreamError(code, 'x')).join(' ')));
    expect([...found].toSorted()).toEqual([
      '499 1',
      '500 13',
      '500 2',
      '500 8',
      '501 12',
      '502 14',
      '503 14',
      '503 8',
      '504 4',
    ]);
  });

  it.each<[CmdStreamErrorCode, number, number]>([
    ['INVALID_OPTION', 500, 13],
    ['NO_HANDLER', 501, 12],
    ['FRAME_TOO_LARGE', 500, 8],
    ['BAD_PAYLOAD', 500, 13],
    ['CONNECT_FAILED', 503, 14],
    ['CONNECTION_LOST', 502, 14],
    ['SHUTDOWN', 503, 14],
    ['TIMEOUT', 504, 4],
    ['CANCELLED', 499, 1],
    ['QUEUE_FULL', 503, 8],
    ['CIRCUIT_OPEN', 503, 14],
    ['OVERLOADED', 503, 14],
    ['INTERNAL', 500, 13],
    ['REMOTE', 500, 2],
  ])('of %s are %d and %d', (code, http, grpc) => {
    expect(statusesOf(new CmdStreamError(code, 'x'))).toEqual([http, grpc]);
  });

  it('are those of the code where another one than REMOTE has a payload', () => {
    expect(statusesOf(new CmdStreamError('INTERNAL', 'x', { payload: { statusCode: 404 } }))).toEqual([500, 13]);
  });

  it.each([
    [400, 3],
    [401, 16],
    [403, 7],
    [404, 5],
    [405, 12],
    [408, 4],
    [409, 10],
    [410, 5],
    [416, 11],
    [418, 9],
    [422, 3],
    [429, 8],
    [499, 1],
    [500, 13],
    [501, 12],
    [502, 14],
    [503, 14],
    [504, 4],
    [599, 13],
  ])('of REMOTE are what its payload says: %d is %d of gRPC', (statusCode, grpc) => {
    expect(statusesOf(CmdStreamError.remote({ statusCode }))).toEqual([statusCode, grpc]);
    expect(statusesOf({ status: 'error', statusCode, message: 'by pattern' })).toEqual([statusCode, grpc]);
  });

  it.each<[string, unknown]>([
    ['no payload', undefined],
    ['null', null],
    ['a text', 'no'],
    ['no status of an error', { statusCode: 399 }],
    ['no status at all', { statusCode: 600 }],
    ['half a status', { statusCode: 400.5 }],
    ['the text of a status', { statusCode: '404' }],
    ['an Error, which is never meant for a caller', Object.assign(new Error('no'), { statusCode: 404 })],
    ['what fails when it is asked', new Proxy({}, everything)],
  ])('of REMOTE are 500 and UNKNOWN for %s', (_, payload) => {
    expect(statusesOf(new CmdStreamError('REMOTE', 'x', { payload }))).toEqual([500, 2]);
  });

  it.each<[string, unknown]>([
    ['an Error', new Error('x')],
    ['nothing', undefined],
    ['null', null],
    ['a text', 'no'],
    ['a payload with a status that no filter has made', { statusCode: 404 }],
    [
      'an Error that looks like the payload of a filter',
      Object.assign(new Error('x'), { status: 'error', statusCode: 4 }),
    ],
    ['what fails when it is asked', new Proxy({}, everything)],
  ])('are 500 and UNKNOWN of what is no error of this package: %s', (_, error) => {
    expect(statusesOf(error)).toEqual([500, 2]);
  });
});
