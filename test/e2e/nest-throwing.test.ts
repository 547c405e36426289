// A handler that throws anything, in any way: the process and other connections are unharmed, and where onPlainError
// maps it the other Commands of its connection too. (Jest fails a test in which anything is uncaught or unhandled.)
import { describe, expect, it } from '@jest/globals';
import { Controller, HttpException, type Type } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import {
  CommandHandler,
  type CmdStreamServerOptions,
  type HandlerReturn,
  type HandlerReturnOf,
} from 'nestjs-cmd-stream';
import { concat, of, throwError } from 'rxjs';
import {
  ADD_2_3,
  addFrame,
  countFrame,
  countResultFrame,
  failFrame,
  GREETING,
  SUM_5,
  sumFrame,
} from '../support/calc-frames.js';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoResult, FailCmd, StrayCmd } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

const thrown: [string, unknown][] = [
  ['an Error', new Error('intentional failure')],
  ['a string', 'intentional failure'],
  ['undefined', undefined],
  ['null', null],
  ['an RpcException', new RpcException('intentional failure')],
  ['an RpcException with an object', new RpcException({ code: 'intentional failure' })],
  ['an HttpException', new HttpException('intentional failure', 418)],
  ['an object without a prototype', Object.create(null)],
];

type Fail = (error: unknown) => HandlerReturn<CalcResult>;

const ways: [string, Fail][] = [
  ['thrown', (reason) => raise(reason)],
  ['a rejected promise', async (reason) => raise(reason)],
  [
    'a rejected promise later',
    async (reason) => {
      await turns(1);
      raise(reason);
    },
  ],
  ['an error of an Observable', (reason) => throwError(() => reason)],
  ['an error of a promised Observable', async (reason) => throwError(() => reason)],
  [
    'thrown inside a generator',
    async function* (reason): AsyncGenerator<CalcResult> {
      if (reason !== neverThrown) raise(reason);
      yield new CalcResult();
    },
  ],
  ['thrown by next()', (error) => ({ [Symbol.asyncIterator]: () => ({ next: () => raise(error) }) })],
  ['thrown by an iterable', (error) => ({ [Symbol.asyncIterator]: () => raise(error) })],
];

const neverThrown = Symbol('never thrown');

function raise(error: unknown): never {
  throw error;
}

const cases = thrown.flatMap(([what, error]) => ways.map(([how, fail]) => ({ what, how, fail: () => fail(error) })));

function failing(fail: () => HandlerReturn<CalcResult>): Type {
  @Controller()
  class FailController {
    @CommandHandler(AddCmd)
    add({ A, B }: AddCmd) {
      return new CalcResult(A + B);
    }

    @CommandHandler(FailCmd)
    fail() {
      return fail() as HandlerReturnOf<FailCmd>;
    }
  }
  return FailController;
}

async function serve(controller: Type, options: Partial<CmdStreamServerOptions> = {}): Promise<NestServer> {
  return own(await NestServer.listen({ module: { controllers: [controller] }, options }));
}

const mapped = { onPlainError: () => new CalcResult(-1) };

describe('a failing handler without onPlainError', () => {
  it.each(cases)('costs its connection only, with a line in the log, when $what is $how', async ({ fail }) => {
    const server = await serve(failing(fail));
    const [peer, other] = [own(await server.connect()), own(await server.connect())];
    peer.write(ADD_2_3 + failFrame(2));
    await peer.ends();
    expect([GREETING, GREETING + SUM_5]).toContain(peer.hex);
    expect(await server.logger.line('HANDLER_ERROR')).toMatch(/^warn: connection of 127\.0\.0\.1:\d+ ended: HANDLER_/);
    other.write(ADD_2_3);
    await other.receives(GREETING + SUM_5);
    expect(server.logger.having('HANDLER_ERROR')).toHaveLength(1);
  });

  it('says in the log what the handler said, if it said it to the client', async () => {
    const server = await serve(failing(() => Promise.reject(new RpcException('out of eggs'))));
    const peer = own(await server.connect());
    peer.write(failFrame(1));
    await peer.ends();
    expect(await server.logger.line('HANDLER_ERROR')).toContain(
      'FailController.fail, the handler of FailCmd, failed: out of eggs',
    );
  });
});

describe('a failing handler with onPlainError', () => {
  it.each(cases)('costs its Command only when $what is $how', async ({ fail }) => {
    const server = await serve(failing(fail), mapped);
    const peer = own(await server.connect());
    peer.write(failFrame(1));
    await peer.receives(GREETING + sumFrame(1, -1));
    peer.write(addFrame(2, 2, 3));
    await peer.receives(GREETING + sumFrame(1, -1) + sumFrame(2, 5));
    expect(server.logger.having('HANDLER_ERROR')).toEqual([]);
    expect(server.core.inFlight).toBe(0);
  });
});

describe('a stream that fails in the middle', () => {
  const streams: [string, () => HandlerReturn<CountResult>][] = [
    [
      'an Observable',
      () =>
        concat(
          of(new CountResult(1)),
          throwError(() => new Error('in the middle')),
        ),
    ],
    [
      'a generator',
      async function* () {
        yield new CountResult(1);
        await turns(1);
        throw new Error('in the middle');
      },
    ],
  ];

  function streaming(stream: () => HandlerReturn<CountResult>): Type {
    @Controller()
    class Streaming {
      @CommandHandler(CountCmd)
      count() {
        return stream() as HandlerReturnOf<CountCmd>;
      }
    }
    return Streaming;
  }

  it.each(streams)('has sent what came before it, then the mapped Result: %s', async (_, stream) => {
    const server = await serve(streaming(stream), mapped);
    const peer = own(await server.connect());
    peer.write(countFrame(1, 9));
    await peer.receives(GREETING + countResultFrame(1, 1, false) + sumFrame(1, -1));
  });

  it.each(streams)('has sent what came before it, then the end of the connection: %s', async (_, stream) => {
    const server = await serve(streaming(stream));
    const peer = own(await server.connect());
    peer.write(countFrame(1, 9));
    await peer.receives(GREETING + countResultFrame(1, 1, false));
    await peer.ends();
    await server.logger.line('HANDLER_ERROR');
  });
});

describe('a Result that cannot be sent', () => {
  class Stray extends CalcResult {}
  const results: [string, unknown, string][] = [
    ['of a class outside the contract', new Stray(1), 'RESULT_NOT_IN_CONTRACT'],
    ['that is no object', 5, 'RESULT_NOT_IN_CONTRACT'],
    ['that is a Command', new StrayCmd(), 'RESULT_NOT_IN_CONTRACT'],
    ['that is null', null, 'RESULT_NOT_IN_CONTRACT'],
    ['that refers to itself', circular(), 'ENCODE_FAILED'],
    ['that is too large', new EchoResult('x'.repeat(2000)), 'FRAME_TOO_LARGE'],
  ];

  function circular(): CountResult {
    const result: CountResult & { itself?: unknown } = new CountResult(1, true);
    result.itself = result;
    return result;
  }

  it.each(results)('fails its Command as the handler would: one %s', async (_, result, code) => {
    const errors: unknown[] = [];
    const options: Partial<CmdStreamServerOptions> = {
      maxResultBytes: 1024,
      onPlainError: (error) => {
        errors.push(error);
        return new CalcResult(-1);
      },
    };
    const server = await serve(
      failing(() => result as CalcResult),
      options,
    );
    const peer = own(await server.connect());
    peer.write(failFrame(1) + addFrame(2, 2, 3));
    await until('both are answered', () => peer.received.length === (GREETING + sumFrame(1, -1) + SUM_5).length / 2);
    expect(peer.hex).toContain(sumFrame(1, -1));
    expect(peer.hex).toContain(sumFrame(2, 5));
    expect(errors).toEqual([expect.objectContaining({ code })]);
  });

  it.each(['in an Observable', 'in a generator'])(
    'does so in the middle of a stream, and stops it: %s',
    async (where) => {
      let stopped = 0;
      async function* generate(): AsyncGenerator<CalcResult> {
        try {
          yield new Stray(1);
          yield new CalcResult(2);
        } finally {
          stopped++;
        }
      }
      const stream = () => (where === 'in a generator' ? generate() : of(new Stray(1), new CalcResult(2)));
      const server = await serve(failing(stream), mapped);
      const peer = own(await server.connect());
      peer.write(failFrame(1));
      await peer.receives(GREETING + sumFrame(1, -1));
      await until('the Command has ended', () => server.core.inFlight === 0);
      expect(peer.hex).toBe(GREETING + sumFrame(1, -1));
      if (where === 'in a generator') await until('the generator is stopped', () => stopped === 1);
    },
  );
});

describe('onPlainError', () => {
  it.each<[string, NonNullable<CmdStreamServerOptions['onPlainError']>]>([
    ['throws', () => raise(new Error('the mapping fails'))],
    ['gives what is no Result', () => 'sorry'],
    ['gives nothing', () => undefined],
  ])('that %s ends the connection of the peer, and both reasons are logged', async (_, onPlainError) => {
    const server = await serve(
      failing(() => Promise.reject(new Error('intentional failure'))),
      { onPlainError },
    );
    const [peer, other] = [own(await server.connect()), own(await server.connect())];
    peer.write(failFrame(1));
    await peer.ends();
    await server.logger.line('HANDLER_ERROR');
    expect(server.logger.having('error: intentional failure')).toHaveLength(1);
    other.write(ADD_2_3);
    await other.receives(GREETING + SUM_5);
  });
});

describe('a handler that fails after its last Result', () => {
  it('harms nothing', async () => {
    const stream = () =>
      concat(
        of(new CalcResult(1)),
        throwError(() => new Error('too late')),
      );
    const server = await serve(failing(stream));
    const peer = own(await server.connect());
    peer.write(failFrame(1));
    await peer.receives(GREETING + sumFrame(1, 1));
    peer.write(addFrame(2, 2, 3));
    await peer.receives(GREETING + sumFrame(1, 1) + sumFrame(2, 5));
  });
});

describe('a handler that gives what cannot be sent', () => {
  const faults: [string, string, () => HandlerReturn<CalcResult>, RegExp][] = [
    ['RESULT_NOT_IN_CONTRACT', 'Stray', () => new Stray() as never, /Stray is not in the contract's `results`/],
    ['ENCODE_FAILED', 'a Map', () => new EchoResult({ a: new Map() } as never) as never, /EchoResult.* is a Map/],
  ];
  class Stray {}

  it.each(faults)('is named to its caller and in the log: %s', async (code, _what, give, reason) => {
    const server = await serve(failing(give));
    const client = own(new HandMadeClient(server.port, { extension: true }));
    const named = /^FailController\.fail, the handler of FailCmd, gave what cannot be sent: /;
    const error = await client.execute(new FailCmd()).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code, message: expect.stringMatching(named) });
    expect(error).toMatchObject({ message: expect.stringMatching(reason) });
    expect(await server.logger.line('gave what cannot be sent')).toMatch(/^error: FailController\.fail, the handler/);
    expect(server.logger.having('gave what cannot be sent')).toHaveLength(1);
  });
});
