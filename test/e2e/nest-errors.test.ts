// What Nest's exception layer makes of an exception reaches the caller with its shape; nothing else does.
import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  ConflictException,
  Controller,
  Get,
  HttpException,
  Module,
  ValidationPipe,
  type ExceptionFilter,
  type INestApplication,
  type ModuleMetadata,
  type PipeTransform,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, APP_PIPE, NestFactory } from '@nestjs/core';
import { MessagePattern, RpcException, type MicroserviceOptions } from '@nestjs/microservices';
import { IsInt, Min, ValidateNested } from 'class-validator';
import {
  Command,
  CmdStreamError,
  CmdStreamExceptionFilter,
  CmdStreamServer,
  CommandHandler,
  CommandValidationPipe,
  defineContract,
  isRemoteError,
  type CommandServer,
  StreamCommand,
} from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom, tap, throwError } from 'rxjs';
import { errorOf } from '../support/error-of.js';
import { guardLeaks } from '../support/leak-guard.js';
import { CalcResult } from './calc.contract.js';
import { HandMadeClient, NestServer, serverOptions } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

const SECRET = 'the password is 1234';

class ThrowCmd extends Command<CalcResult> {
  constructor(readonly what = '') {
    super();
  }
}

class StreamCmd extends StreamCommand<CalcResult> {
  constructor(readonly what = '') {
    super();
  }
}

class PositiveCmd extends Command<CalcResult> {
  readonly #made = true;

  @IsInt()
  @Min(1, { message: 'N must be positive' })
  readonly N: number;

  constructor(N = 0) {
    super();
    this.N = N;
  }

  /** Works on an instance that a constructor has made. */
  twice(): number {
    return this.#made ? this.N * 2 : 0;
  }
}

const contract = defineContract({ commands: [ThrowCmd, StreamCmd, PositiveCmd], results: [CalcResult] });

const failures: Record<string, unknown> = {
  text: new RpcException('refused'),
  object: new RpcException({ code: 17, details: ['a', { b: 1 }] }),
  conflict: new ConflictException({ reason: 'taken', field: 'name' }),
  teapot: new HttpException('short and stout', 418),
  unknown: new Error(SECRET),
  extended: Object.assign(new Error(SECRET), { query: SECRET, status: 503 }),
  plain: { message: SECRET },
  string: SECRET,
};

@Controller()
class Failing {
  @CommandHandler(ThrowCmd)
  fail({ what }: ThrowCmd): CalcResult {
    throw failures[what];
  }

  @CommandHandler(StreamCmd)
  async *failLater({ what }: StreamCmd) {
    yield new CalcResult(1);
    throw failures[what];
  }

  @CommandHandler(PositiveCmd)
  positive(command: PositiveCmd) {
    return new CalcResult(command.twice());
  }

  @MessagePattern('throw')
  failByPattern(what: string): unknown {
    return throwError(() => failures[what]);
  }

  @Get('conflict')
  conflict(): never {
    throw failures.conflict;
  }
}

const filter = { provide: APP_FILTER, useClass: CmdStreamExceptionFilter };
const INTERNAL = { status: 'error', message: 'Internal server error' };
const httpErrors = {
  conflict: {
    status: 'error',
    statusCode: 409,
    message: 'Conflict Exception',
    details: { reason: 'taken', field: 'name' },
  },
  teapot: { status: 'error', statusCode: 418, message: 'short and stout', details: 'short and stout' },
};

interface Served {
  readonly client: HandMadeClient;
  readonly logger: SpyLogger;
}

async function pure(module: ModuleMetadata = {}, pipe?: PipeTransform): Promise<Served> {
  const server = own(
    await NestServer.listen({
      module: { controllers: [Failing], ...module },
      options: { contract },
      before: (app) => pipe && app.useGlobalPipes(pipe),
    }),
  );
  return { client: clientOf(server.port), logger: server.logger };
}

interface Hybrid {
  readonly app: INestApplication;
  readonly client: HandMadeClient;
}

async function hybrid(providers: Provider[]): Promise<Hybrid> {
  @Module({ controllers: [Failing], providers })
  class HybridModule {}
  const app = await NestFactory.create(HybridModule, { logger: new SpyLogger(), abortOnError: false });
  const strategy = new CmdStreamServer({ ...serverOptions, contract });
  app.connectMicroservice<MicroserviceOptions>({ strategy }, { inheritAppConfig: true });
  own({ destroy: () => app.close() });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return { app, client: clientOf(strategy.unwrap<CommandServer>().address!.port) };
}

function clientOf(port: number): HandMadeClient {
  return own(new HandMadeClient(port, { contract, extension: true }));
}

function remote(payload: unknown): unknown {
  return expect.objectContaining({ code: 'REMOTE', payload, sent: true });
}

describe('an RpcException', () => {
  it.each([
    ['text', { status: 'error', message: 'refused' }],
    ['object', { code: 17, details: ['a', { b: 1 }] }],
  ])('travels as it is (%s)', async (what, payload) => {
    const { client } = await pure();
    const error = await errorOf(client.execute(new ThrowCmd(what)));
    expect(error).toBeInstanceOf(CmdStreamError);
    expect(error).toEqual(remote(payload));
    expect(await errorOf(firstValueFrom(client.send(new ThrowCmd(what))))).toEqual(remote(payload));
    expect(await errorOf(firstValueFrom(client.send('throw', what)))).toEqual(payload);
  });

  it('gives the error of this package its message', async () => {
    const { client } = await pure();
    expect(await errorOf(client.execute(new ThrowCmd('text')))).toMatchObject({
      message: expect.stringMatching(/^refused \(ThrowCmd at 127\.0\.0\.1:\d+\)$/),
    });
  });

  it('comes after the Results before it in a stream', async () => {
    const { client } = await pure();
    const seen: unknown[] = [];
    const results = client.send(new StreamCmd('object')).pipe(tap((result) => seen.push(result)));
    expect(await errorOf(lastValueFrom(results))).toEqual(remote({ code: 17, details: ['a', { b: 1 }] }));
    expect(seen).toEqual([new CalcResult(1)]);
  });
});

describe('an unknown error', () => {
  it.each([
    ['an Error', 'unknown', {}],
    ['an Error with properties', 'extended', {}],
    ['an object', 'plain', {}],
    ['a text', 'string', {}],
    ['an Error behind the filter', 'unknown', { providers: [filter] }],
    ['a text behind the filter', 'string', { providers: [filter] }],
  ])('shows nothing of itself: %s', async (_, what, module) => {
    const { client, logger } = await pure(module);
    const errors = [
      await errorOf(client.execute(new ThrowCmd(what))),
      await errorOf(lastValueFrom(client.send(new StreamCmd(what)))),
    ];
    for (const error of errors) {
      expect(error).toMatchObject({ payload: INTERNAL, message: expect.stringMatching(/^Internal server error \(/) });
      expect(JSON.stringify(error) + String(error)).not.toContain(SECRET);
    }
    expect(await errorOf(firstValueFrom(client.send('throw', what)))).toEqual(INTERNAL);
    expect(logger.lines.length).toBeGreaterThan(0);
  });
});

describe('an error of a Command whose sender wants no answer', () => {
  it.each([
    ['text', [], 'Failing.fail, the handler of the event ThrowCmd, failed: refused'],
    ['unknown', [], SECRET],
    [
      'conflict',
      [filter],
      'Failing.fail, the handler of the event ThrowCmd, failed: ConflictException: Conflict Exception',
    ],
  ] as [string, Provider[], string][])('is logged once (%s)', async (what, providers, line) => {
    const { client, logger } = await pure({ providers });
    await lastValueFrom(client.emit(new ThrowCmd(what)));
    await logger.line(line);
    expect(await client.execute(new PositiveCmd(4))).toEqual(new CalcResult(8));
    expect(logger.lines.filter((logged) => logged.startsWith('error'))).toEqual([`error: ${line}`]);
  });
});

describe('an error of this package that a handler throws', () => {
  it.each([
    ['of another server', new CmdStreamError('REMOTE', SECRET, { payload: { secret: SECRET }, sent: true })],
    ['of a call that failed', new CmdStreamError('OVERLOADED', SECRET)],
    ['that says the server was not asked', new CmdStreamError('SHUTDOWN', SECRET, { payload: { started: false } })],
  ])('is an unknown one to Nest, and to the caller, once logged: %s', async (_, error) => {
    failures.ours = error;
    const { client, logger } = await pure();
    for (const call of [
      client.execute(new ThrowCmd('ours')),
      lastValueFrom(client.send(new StreamCmd('ours'))),
      lastValueFrom(client.send('throw', 'ours')).catch((payload: unknown) =>
        Promise.reject({ code: 'REMOTE', payload }),
      ),
    ])
      await expect(call).rejects.toMatchObject({ code: 'REMOTE', payload: INTERNAL });
    expect(logger.having(SECRET)).toHaveLength(3);
  });
});

describe('an error with a payload, by CmdStreamError.remote()', () => {
  const payloads: [string, unknown][] = [
    ['an object', { reason: 'taken', at: [1, 2] }],
    ['a text', 'taken'],
    ['null', null],
  ];

  it.each(payloads)('travels as it is from a handler and its generator: %s', async (_, payload) => {
    failures.ours = CmdStreamError.remote(payload, { cause: new Error(SECRET) });
    const { client, logger } = await pure();
    expect(await errorOf(client.execute(new ThrowCmd('ours')))).toEqual(remote(payload));
    expect(await errorOf(lastValueFrom(client.send(new StreamCmd('ours'))))).toEqual(remote(payload));
    expect(logger.having('error')).toEqual([]);
  });

  it.each(payloads)('travels from anywhere behind the filter, by pattern too: %s', async (_, payload) => {
    failures.ours = CmdStreamError.remote(payload);
    const refusing: PipeTransform = {
      transform: (value: unknown) => {
        if (value instanceof PositiveCmd) throw CmdStreamError.remote(payload);
        return value;
      },
    };
    const { client, logger } = await pure({ providers: [filter] }, refusing);
    expect(await errorOf(client.execute(new ThrowCmd('ours')))).toEqual(remote(payload));
    expect(await errorOf(client.execute(new PositiveCmd(1)))).toEqual(remote(payload));
    expect(await errorOf(firstValueFrom(client.send('throw', 'ours')))).toEqual(payload);
    expect(logger.having('error')).toEqual([]);
  });

  it('is an RpcException to filters, and what it was', async () => {
    const seen: unknown[] = [];
    @Catch(RpcException)
    class Watching implements ExceptionFilter {
      catch(exception: RpcException) {
        seen.push(exception, exception instanceof CmdStreamError, isRemoteError(exception), exception.message);
        return throwError(() => exception.getError());
      }
    }
    const ours = CmdStreamError.remote({ message: 'taken' });
    failures.ours = ours;
    const { client } = await pure({ providers: [{ provide: APP_FILTER, useClass: Watching }] });
    expect(await errorOf(client.execute(new ThrowCmd('ours')))).toEqual(remote({ message: 'taken' }));
    expect(seen).toEqual([ours, true, true, 'taken']);
    expect(seen[0]).toBe(ours);
  });

  it('has the type of its payload at the caller', async () => {
    failures.ours = CmdStreamError.remote({ reason: 'taken' });
    const { client } = await pure();
    const isReason = (payload: unknown): payload is { reason: string } =>
      typeof (payload as { reason?: unknown } | null)?.reason === 'string';
    const error = await errorOf(client.execute(new ThrowCmd('ours')));
    expect(isRemoteError(error, isReason) && error.payload.reason).toBe('taken');
  });
});

describe('an HttpException', () => {
  it('is an internal error without the filter', async () => {
    const { client } = await pure();
    expect(await errorOf(client.execute(new ThrowCmd('conflict')))).toMatchObject({ payload: INTERNAL });
  });

  it.each(Object.entries(httpErrors))(
    'travels with status and details behind the filter (%s)',
    async (what, payload) => {
      const { client } = await pure({ providers: [filter] });
      expect(await errorOf(client.execute(new ThrowCmd(what)))).toEqual(remote(payload));
      expect(await errorOf(lastValueFrom(client.send(new StreamCmd(what))))).toEqual(remote(payload));
      expect(await errorOf(firstValueFrom(client.send('throw', what)))).toEqual(payload);
    },
  );

  it('leaves RpcExceptions as they are behind the filter', async () => {
    const { client } = await pure({ providers: [filter] });
    expect(await errorOf(client.execute(new ThrowCmd('object')))).toEqual(
      remote({ code: 17, details: ['a', { b: 1 }] }),
    );
  });

  it('is answered to HTTP by Nest itself in a hybrid application', async () => {
    const { app, client } = await hybrid([filter]);
    expect(await errorOf(client.execute(new ThrowCmd('conflict')))).toEqual(remote(httpErrors.conflict));
    const response = await fetch(`${await app.getUrl()}/conflict`, { headers: { connection: 'close' } });
    expect([response.status, await response.json()]).toEqual([409, { reason: 'taken', field: 'name' }]);
  });
});

describe('data that cannot be written', () => {
  it('is refused with the name of its pattern', async () => {
    const { client } = await pure();
    const failure = await errorOf(lastValueFrom(client.send('throw', { n: 10n })));
    expect(failure).toMatchObject({
      code: 'ENCODE_FAILED',
      message: expect.stringMatching(/^the message throw: .*BigInt/),
      sent: false,
    });
  });
});

describe('a Command that is not valid', () => {
  it.each([
    ['CommandValidationPipe', new CommandValidationPipe(), ['N must be positive']],
    ['ValidationPipe', new ValidationPipe({ transform: true }), ['N must be positive']],
  ])('is refused with its messages by %s', async (_, pipe, message) => {
    const { client } = await pure({ providers: [filter] }, pipe);
    expect(await errorOf(client.execute(new PositiveCmd(-1)))).toEqual(
      remote(expect.objectContaining({ statusCode: 400, details: { statusCode: 400, error: 'Bad Request', message } })),
    );
    expect(await client.execute(new PositiveCmd(4))).toEqual(new CalcResult(8));
  });

  it.each(['a microservice', 'a hybrid application'])('is refused by APP_PIPE of %s', async (kind) => {
    const providers = [filter, { provide: APP_PIPE, useClass: CommandValidationPipe }];
    const { client } = kind === 'a microservice' ? await pure({ providers }) : await hybrid(providers);
    expect(await errorOf(client.execute(new PositiveCmd(-1)))).toMatchObject({
      payload: { statusCode: 400, details: { message: ['N must be positive'] } },
    });
    expect(await client.execute(new PositiveCmd(4))).toEqual(new CalcResult(8));
  });

  it('gets what exceptionFactory makes', async () => {
    const exceptionFactory = (errors: readonly { property: string }[]) =>
      new RpcException({ invalid: errors.map(({ property }) => property) });
    const { client } = await pure({}, new CommandValidationPipe({ exceptionFactory }));
    expect(await errorOf(client.execute(new PositiveCmd(0)))).toEqual(remote({ invalid: ['N'] }));
  });
});

describe('CommandValidationPipe', () => {
  const metadata = { type: 'body', metatype: PositiveCmd, data: undefined } as const;

  it('gives back the very instance it was given', async () => {
    const command = new PositiveCmd(3);
    expect(await new CommandValidationPipe().transform(command, metadata)).toBe(command);
  });

  it('lets pass what is no Command, has no rules, or is no payload', async () => {
    const pipe = new CommandValidationPipe({ forbidUnknownValues: true });
    const invalid = new PositiveCmd(0);
    for (const [value, type, metatype] of [
      [{ N: -1 }, 'body', Object],
      [null, 'body', Object],
      [new ThrowCmd(), 'body', ThrowCmd],
      [{ N: -1 }, 'body', ThrowCmd],
      [invalid, 'custom', PositiveCmd],
    ] as const) {
      expect(await pipe.transform(value, { type, metatype })).toBe(value);
    }
    await expect(pipe.transform(invalid, metadata)).rejects.toThrow('Bad Request');
  });

  it('names the path of what is wrong inside', async () => {
    class OuterCmd extends Command<CalcResult> {
      @ValidateNested()
      inner = new PositiveCmd(0);
    }
    const failure = (await errorOf(
      new CommandValidationPipe().transform(new OuterCmd(), metadata) as Promise<unknown>,
    )) as HttpException;
    expect(failure.getResponse()).toMatchObject({ message: ['inner.N must be positive'] });
  });
});
