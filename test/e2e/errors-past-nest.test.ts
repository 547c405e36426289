// Errors that get past Nest's exception layer: the caller learns nothing of them, the log everything, once.
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  ConflictException,
  Controller,
  UseFilters,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { MessagePattern, RpcException, type Serializer } from '@nestjs/microservices';
import { CmdStreamError, CmdStreamExceptionFilter, CommandHandler, liftIterable } from 'nestjs-cmd-stream';
import { map, concatWith, firstValueFrom, lastValueFrom, tap, throwError, type Observable } from 'rxjs';
import { until } from '../support/deadline.js';
import { errorOf } from '../support/error-of.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, CountCmd, CountResult } from './calc.contract.js';
import { HandMadeClient, NestServer, type NestServerSetup } from './nest-server.js';

const own = guardLeaks();

const SECRET = 'hunter2';
const INTERNAL = { status: 'error', message: 'Internal server error' };

/** An error as those of axios and of databases are. */
function leaky(): Error {
  return Object.assign(new TypeError(`connect postgres://user:${SECRET}@db`), {
    config: { headers: { authorization: SECRET } },
    toJSON: () => ({ config: SECRET }),
  });
}

let thrown: unknown;
let makeError = (): unknown => thrown;

@Catch()
class ThrowingFilter implements ExceptionFilter {
  catch(): never {
    throw makeError();
  }
}

@Catch()
class RejectingFilter implements ExceptionFilter {
  async catch(): Promise<never> {
    await Promise.resolve();
    throw makeError();
  }
}

@Catch()
class GivingFilter implements ExceptionFilter {
  catch(): Observable<never> {
    return throwError(() => thrown);
  }
}

@Catch()
class HttpOnlyFilter implements ExceptionFilter {
  catch(_exception: unknown, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<{ status(code: number): void }>().status(500);
  }
}

class FailingAfterwards implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(concatWith(throwError(() => thrown)));
  }
}

class Doubling implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((item: number) => item * 2));
  }
}

function fail(): never {
  throw new Error('the original error');
}

@Controller()
class Failing {
  @CommandHandler(AddCmd)
  @UseFilters(ThrowingFilter)
  add(): CalcResult {
    return fail();
  }

  @MessagePattern('throwing filter')
  @UseFilters(ThrowingFilter)
  throwing(): never {
    return fail();
  }

  @MessagePattern('throwing filter of an Observable')
  @UseFilters(ThrowingFilter)
  throwingLater(): unknown {
    return throwError(() => new Error('the original error'));
  }

  @MessagePattern('rejecting filter')
  @UseFilters(RejectingFilter)
  rejecting(): never {
    return fail();
  }

  @MessagePattern('giving filter')
  @UseFilters(GivingFilter)
  giving(): never {
    return fail();
  }

  @MessagePattern('HTTP-only filter')
  @UseFilters(HttpOnlyFilter)
  httpOnly(): never {
    return fail();
  }

  @CommandHandler(CountCmd)
  @UseFilters(HttpOnlyFilter)
  count(): Observable<CountResult> {
    return fail();
  }

  @MessagePattern('interceptor')
  @UseInterceptors(FailingAfterwards)
  intercepted(): string {
    return 'a value';
  }

  @MessagePattern('generator')
  async *generator() {
    yield 1;
    throw thrown;
  }

  @MessagePattern('generator behind an interceptor')
  @UseInterceptors(FailingAfterwards)
  async *interceptedGenerator() {
    yield 1;
  }

  @MessagePattern('lifted generator')
  @UseInterceptors(Doubling)
  lifted() {
    return liftIterable(this.#items());
  }

  async *#items() {
    yield 1;
    yield 2;
    throw new ConflictException('sold out');
  }

  @MessagePattern('throw')
  throw(): never {
    throw thrown;
  }
}

afterEach(() => {
  makeError = () => thrown;
});

async function serve(setup: Partial<NestServerSetup> = {}): Promise<[HandMadeClient, NestServer]> {
  const server = own(await NestServer.listen({ module: { controllers: [Failing] }, ...setup }));
  return [own(new HandMadeClient(server.port, { extension: true })), server];
}

const patterns = [
  'throwing filter',
  'throwing filter of an Observable',
  'rejecting filter',
  'giving filter',
  'interceptor',
  'generator',
  'generator behind an interceptor',
];

describe('an Error past the exception layer of Nest', () => {
  it.each(patterns)('is the unknown error to its caller, and one line in the log: %s', async (pattern) => {
    thrown = leaky();
    const [client, server] = await serve();
    expect(await errorOf(lastValueFrom(client.send(pattern, {})))).toEqual(INTERNAL);
    expect(server.logger.errors).toEqual([expect.stringContaining(SECRET)]);
  });

  it('is the unknown error to the caller of a Command', async () => {
    thrown = leaky();
    const [client, server] = await serve();
    const error = await errorOf(client.execute(new AddCmd(2, 3)));
    expect(error).toMatchObject({ code: 'REMOTE', payload: INTERNAL });
    expect(inspect(error, { depth: 9 })).not.toContain(SECRET);
    expect(server.logger.errors).toEqual([expect.stringContaining(SECRET)]);
  });

  it('is the unknown error to onPlainError, and logged all the same', async () => {
    thrown = leaky();
    const mapped: unknown[] = [];
    const onPlainError = (error: unknown) => {
      mapped.push(error);
      return new CalcResult(-1);
    };
    const [, server] = await serve({ options: { onPlainError } });
    const plain = own(new HandMadeClient(server.port));
    expect(await plain.execute(new AddCmd(2, 3))).toEqual(new CalcResult(-1));
    expect(mapped).toEqual([INTERNAL]);
    expect(server.logger.errors).toEqual([expect.stringContaining(SECRET)]);
  });

  it.each([
    ['an RpcException', new RpcException({ reason: 'refused' }), { reason: 'refused' }],
    ['an RpcException with a text', new RpcException('refused'), { status: 'error', message: 'refused' }],
    ['an RpcException around another', new RpcException(new RpcException('no')), { status: 'error', message: 'no' }],
  ])('says what it says to callers, unlogged, when it is %s', async (_, exception, payload) => {
    thrown = exception;
    const [client, server] = await serve();
    for (const pattern of patterns) expect(await errorOf(lastValueFrom(client.send(pattern, {})))).toEqual(payload);
    expect(server.logger.errors).toEqual([]);
  });

  it('says what it says to callers when a filter has made it a REMOTE', async () => {
    thrown = new CmdStreamError('REMOTE', '', { payload: { mine: true } });
    const [client] = await serve();
    for (const pattern of ['throwing filter', 'giving filter'])
      expect(await errorOf(lastValueFrom(client.send(pattern, {})))).toEqual({ mine: true });
  });

  it.each(patterns)('says nothing when it is the error of another server, logged once: %s', async (pattern) => {
    thrown = new CmdStreamError('REMOTE', SECRET, { payload: { secret: SECRET }, sent: true });
    const [client, server] = await serve();
    expect(await errorOf(lastValueFrom(client.send(pattern, {})))).toEqual(INTERNAL);
    expect(server.logger.errors).toHaveLength(1);
  });

  it.each([new ConflictException('sold out'), 'a text', { config: SECRET }])(
    'is no more than Nest would let through when a generator throws it: %p',
    async (exception) => {
      thrown = exception;
      const [client, server] = await serve();
      expect(await errorOf(lastValueFrom(client.send('generator', {})))).toEqual(INTERNAL);
      expect(server.logger.errors).toHaveLength(1);
    },
  );

  it('passes through a serializer as the unknown error', async () => {
    thrown = leaky();
    const serializer: Serializer = { serialize: (packet: object) => ({ ...packet, wrapped: true }) };
    const [client, server] = await serve({ options: { serializer } });
    expect(await errorOf(lastValueFrom(client.send('generator', {})))).toEqual(INTERNAL);
    expect(server.logger.errors).toHaveLength(1);
  });

  it('is the unknown error when a serializer throws it', async () => {
    const serializer: Serializer = {
      serialize(packet: { err?: unknown }) {
        if (packet.err === undefined) throw leaky();
        return packet;
      },
    };
    const [client, server] = await serve({ options: { serializer } });
    expect(await errorOf(lastValueFrom(client.send('interceptor', {})))).toEqual(INTERNAL);
    expect(server.logger.errors).toEqual([expect.stringContaining(SECRET)]);
  });
});

describe('liftIterable()', () => {
  it('lets the items and errors of a generator by pattern pass interceptors and filters', async () => {
    const [client] = await serve({ before: (app) => app.useGlobalFilters(new CmdStreamExceptionFilter()) });
    const items: unknown[] = [];
    const error = await errorOf(
      lastValueFrom(client.send('lifted generator', {}).pipe(tap((item) => items.push(item)))),
    );
    expect(items).toEqual([2, 4]);
    expect(error).toMatchObject({ statusCode: 409, message: 'sold out' });
  });
});

describe('an exception filter that fails itself', () => {
  it.each([
    ['throwing filter', 'ThrowingFilter'],
    ['throwing filter of an Observable', 'ThrowingFilter'],
  ])('is named in the line of the log: %s', async (pattern, name) => {
    makeError = () => new TypeError('no such table');
    const [client, server] = await serve();
    await errorOf(lastValueFrom(client.send(pattern, {})));
    expect(server.logger.errors).toEqual([
      expect.stringContaining(`the exception filter ${name} has failed itself: no such`),
    ]);
  });

  it('is named with the remedy when it is for HTTP only', async () => {
    const [client, server] = await serve();
    expect(await errorOf(lastValueFrom(client.send('HTTP-only filter', {})))).toEqual(INTERNAL);
    expect(await errorOf(lastValueFrom(client.send(new CountCmd(1))))).toMatchObject({ payload: INTERNAL });
    const line = expect.stringMatching(/^error: the exception filter HttpOnlyFilter .* not a function.*super\.catch/);
    expect(server.logger.errors).toEqual([line, line]);
  });

  it('is named for an event', async () => {
    const [client, server] = await serve();
    await lastValueFrom(client.emit(new CountCmd(1)));
    await until('it is logged', () => server.logger.errors.length > 0);
    expect(server.logger.errors).toEqual([expect.stringContaining('the exception filter HttpOnlyFilter')]);
  });
});

describe('a promise of a library whose method catch throws', () => {
  class QueryPromise {
    catch(): never {
      throw new Error('the database is down');
    }
  }

  it('is no exception filter', async () => {
    const serializer: Serializer = { serialize: () => new QueryPromise().catch() };
    makeError = () => thrown;
    const [client, server] = await serve({ options: { serializer } });
    expect(await errorOf(firstValueFrom(client.send('interceptor', {})))).toEqual(INTERNAL);
    expect([...new Set(server.logger.errors)]).toEqual(['error: the database is down']);
  });
});

describe('an Error in what is meant for a caller', () => {
  it.each([
    ['an RpcException', new RpcException({ why: 'refused', cause: leaky(), all: [leaky()] }), { cause: {}, all: [{}] }],
    [
      'an HttpException behind the filter',
      new ConflictException({ reason: 'taken', errors: [leaky()], deep: { cause: leaky() } }),
      { statusCode: 409, details: { reason: 'taken', errors: [{}], deep: { cause: {} } } },
    ],
    [
      'an HttpException in an RpcException',
      new RpcException(new ConflictException({ cause: leaky() }, { cause: leaky() })),
      { status: 409, response: { cause: {} } },
    ],
  ])('keeps its fields to itself: %s', async (_, exception, payload) => {
    const serializer: Serializer = { serialize: (packet: object) => packet };
    for (const options of [{}, { serializer }]) {
      thrown = exception;
      const [client] = await serve({ options, before: (app) => app.useGlobalFilters(new CmdStreamExceptionFilter()) });
      const error = await errorOf(firstValueFrom(client.send('throw', {})));
      expect(error).toMatchObject(payload);
      expect(JSON.stringify(error)).not.toContain(SECRET);
    }
  });

  it('is the unknown error, with its line in the log, when it is all there is', async () => {
    thrown = new RpcException(leaky());
    const [client, server] = await serve();
    expect(await errorOf(firstValueFrom(client.send('throw', {})))).toEqual(INTERNAL);
    expect(server.logger.errors).toEqual([expect.stringContaining(SECRET)]);
  });
});
