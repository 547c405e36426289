// Which errors count as failures of a server.
import { describe, expect, it } from '@jest/globals';
import { isFailure } from '../../../lib/client/failure.js';
import { errorMeanings, type CmdStreamErrorCode } from '../../../lib/error-codes.js';
import { CmdStreamError } from '../../../lib/errors.js';

const isCodeFailure = (code: string): boolean =>
  isFailure(new CmdStreamError(code as CmdStreamErrorCode, 'it went wrong'));
const isRemoteFailure = (payload: unknown): boolean => isFailure(new CmdStreamError('REMOTE', 'refused', { payload }));

const failures = [
  ['VARINT_OVERFLOW', 'NEGATIVE_LENGTH', 'PROTOCOL_ERROR'],
  ['SERVER_INFO_MISMATCH', 'SERVER_INFO_TOO_LARGE', 'CONTRACT_MISMATCH'],
  ['CONNECT_FAILED', 'CONNECT_TIMEOUT', 'HANDSHAKE_TIMEOUT', 'TLS_ERROR', 'MAX_CONNECTIONS'],
  [
    'CONNECTION_LOST',
    'PEER_CLOSED',
    'PEER_RESET',
    'KEEPALIVE_TIMEOUT',
    'RECEIVE_TIMEOUT',
    'IDLE_TIMEOUT',
    'FRAME_TIMEOUT',
    'WRITE_STALL_TIMEOUT',
    'SEND_BUFFER_FULL',
    'MEMORY_PRESSURE',
    'PING_FLOOD',
    'TOO_MANY_CONTROL_FRAMES',
  ],
  ['HANDLER_ERROR', 'SHUTDOWN', 'TIMEOUT', 'INTERNAL', 'OVERLOADED'],
].flat();

describe('a failure', () => {
  it('is what a loss, a refused connection, silence and an overloaded or broken server end a call with', () => {
    expect(Object.keys(errorMeanings).filter(isCodeFailure).toSorted()).toEqual(failures.toSorted());
  });

  it.each([
    ['an HttpException of 500', { status: 'error', statusCode: 500, message: 'broken', details: 'broken' }],
    ['an HttpException of 503', { status: 'error', statusCode: 503, message: 'later', details: 'later' }],
    ['a status that is a number', { status: 502 }],
  ])('is %s that travelled', (_, payload) => {
    expect(isRemoteFailure(payload)).toBe(true);
  });

  it.each([
    ['an HttpException of 400', { status: 'error', statusCode: 400, message: 'bad', details: ['A is no number'] }],
    ['a status of 499', { status: 499 }],
    ['a status that is a text', { status: '500' }],
    ['an RpcException of a text', 'no such account'],
    ['nothing', undefined],
    ['null', null],
  ])('is not %s that travelled', (_, payload) => {
    expect(isRemoteFailure(payload)).toBe(false);
  });

  it('is the time limit of a signal, not another reason to abort', () => {
    expect(isFailure(new DOMException('too late', 'TimeoutError'))).toBe(true);
    expect(isFailure(AbortSignal.abort().reason)).toBe(false);
    expect(isFailure(new Error('changed my mind'))).toBe(false);
  });

  it.each([
    ['text', 'ECONNRESET'],
    ['undefined', undefined],
    ['an error of Node', Object.assign(new Error('reset'), { code: 'ECONNRESET' })],
    ['a code without its class', { code: 'TIMEOUT' }],
  ])('is not %s that was thrown', (_, thrown) => {
    expect(isFailure(thrown)).toBe(false);
  });

  it('is not what throws when it is asked', () => {
    const refuse = (): never => {
      throw new Error('no');
    };
    const hostile = new Proxy({}, { get: refuse, getPrototypeOf: refuse });
    expect(isFailure(hostile)).toBe(false);
    expect(isRemoteFailure(hostile)).toBe(false);
  });
});

it('an exception that Nest does not know is a failure, and what says its own mind about itself is none', () => {
  expect(isRemoteFailure({ status: 'error', message: 'Internal server error' })).toBe(true);
  expect(isRemoteFailure({ status: 'error', message: 'no such order' })).toBe(false);
});
