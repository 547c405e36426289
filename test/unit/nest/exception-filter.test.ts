// What the global filter makes of whatever was thrown, called as Nest calls it, without an application.
import { describe, expect, it, jest } from '@jest/globals';
import { BadRequestException, ConflictException, HttpException, Logger } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { RpcException } from '@nestjs/microservices';
import { CmdStreamExceptionFilter } from 'nestjs-cmd-stream';
import { lastValueFrom, type Observable } from 'rxjs';
import { CmdStreamError } from '../../../lib/errors.js';

const INTERNAL = { status: 'error', message: 'Internal server error' };

function raise(): never {
  throw new Error('do not look at it');
}

/** A logger shows these of an Error, and fails with what is no text. */
function isShowable(line: unknown): boolean {
  if (!(line instanceof Error)) return true;
  const { name, message, stack } = line;
  return [name, message, stack].every((part) => typeof part === 'string');
}

/** What the caller gets, and what was logged, as it was given to the logger. */
async function caught(exception: unknown, relayRemote = false, args: unknown[] = []) {
  const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
  const host = new ExecutionContextHost(args);
  host.setType('rpc');
  try {
    const made = new CmdStreamExceptionFilter({ relayRemote }).catch(exception, host) as Observable<unknown>;
    const sent = await lastValueFrom(made, { defaultValue: 'nothing' }).catch((payload: unknown) => payload);
    return { sent, logged: error.mock.calls.map(([what]) => what as unknown) };
  } finally {
    error.mockRestore();
  }
}

describe('the caller of a Command', () => {
  it.each<[string, unknown, unknown]>([
    [
      'an HttpException',
      new ConflictException('sold out'),
      {
        status: 'error',
        statusCode: 409,
        message: 'sold out',
        details: { statusCode: 409, message: 'sold out', error: 'Conflict' },
      },
    ],
    [
      'a list of reasons',
      new BadRequestException(['a', 'b']),
      expect.objectContaining({
        statusCode: 400,
        details: expect.objectContaining({ message: ['a', 'b'] }) as unknown,
      }),
    ],
    [
      'details that no JSON can be made of',
      new HttpException({ n: 1n }, 400),
      { status: 'error', statusCode: 400, message: 'Http Exception', details: undefined },
    ],
    ['an RpcException with an object', new RpcException({ reason: 'no' }), { reason: 'no' }],
    ['an RpcException with a text', new RpcException('no'), { status: 'error', message: 'no' }],
  ])('learns what is meant for it, and nothing is logged: %s', async (_, exception, payload) => {
    expect(await caught(exception)).toEqual({ sent: payload, logged: [] });
  });

  it.each<[string, unknown]>([
    ['an Error', new TypeError('a secret')],
    ['an object', { reason: 'a secret' }],
    ['an Error whose name is none', Object.assign(new Error('a secret'), { name: 7 })],
    ['an Error whose message is none', Object.assign(new Error('x'), { message: ['a secret'] })],
    ['an Error whose stack is none', Object.assign(new Error('a secret'), { stack: [{}] })],
    ['an RpcException that fails when it is asked', Object.assign(new RpcException('a secret'), { getError: raise })],
    ['an HttpException that fails when it is asked', Object.assign(new ConflictException(), { getStatus: raise })],
    ['an Error that fails when it is asked', Object.defineProperty(new Error('x'), 'code', { get: raise })],
    ['nothing', undefined],
    ['null', null],
    ['a text', 'a secret'],
  ])('learns nothing of %s, which is logged as far as it can be shown', async (_, exception) => {
    const { sent, logged } = await caught(exception);
    expect(sent).toEqual(INTERNAL);
    expect(logged.filter((line) => !isShowable(line))).toEqual([]);
  });

  it('gets nothing when the handler gave up as it was asked to', async () => {
    const reason = new Error('no answer is wanted any more');
    expect(await caught(reason, false, [AbortSignal.abort(reason)])).toEqual({ sent: 'nothing', logged: [] });
  });

  it('learns what a handler, guard or pipe has said by CmdStreamError.remote()', async () => {
    const error = CmdStreamError.remote({ reason: 'no' });
    expect(await caught(error)).toEqual({ sent: error, logged: [] });
  });

  it('learns what another server has said only with relayRemote', async () => {
    const remote = new CmdStreamError('REMOTE', 'failed', { payload: { reason: 'no' }, sent: true });
    expect((await caught(remote, true)).sent).toEqual({ reason: 'no' });
    expect((await caught(remote)).sent).toEqual(INTERNAL);
    expect((await caught(new CmdStreamError('TIMEOUT', 'late'), true)).sent).toEqual(INTERNAL);
  });
});

describe('the caller of anything else', () => {
  it.each(['ws', 'graphql'])('gets the exception as it is, logged unless it is meant for clients: %s', (type) => {
    const logged = jest.spyOn(Logger, 'error').mockReturnValue();
    const host = new ExecutionContextHost([]);
    host.setType(type);
    const [meant, unknown] = [new ConflictException('sold out'), new Error('a secret')];
    for (const exception of [meant, unknown])
      expect(() => new CmdStreamExceptionFilter().catch(exception, host)).toThrow(exception);
    expect(logged.mock.calls).toEqual([[unknown, 'CmdStreamExceptionFilter']]);
    logged.mockRestore();
  });
});
