// Errors of another server, caught in a gateway or in a service between: what their callers get to see of them.
import { describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  ConflictException,
  Controller,
  Get,
  Module,
  type INestApplication,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { MessagePattern, RpcException, type MicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamError,
  CmdStreamExceptionFilter,
  CmdStreamServer,
  Command,
  CommandHandler,
  defineContract,
  Result,
  type CmdStreamExceptionFilterOptions,
  type CommandServer,
  type CmdStreamErrorCode,
} from 'nestjs-cmd-stream';
import { lastValueFrom } from 'rxjs';
import { errorOf } from '../support/error-of.js';
import { guardLeaks } from '../support/leak-guard.js';
import { HandMadeClient, NestServer, serverOptions } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

const SECRET = 'hunter2';
const INTERNAL = { status: 'error', message: 'Internal server error' };

class Done extends Result {}
class PayCmd extends Command<Done> {}
class BuyCmd extends Command<Done> {}

const contract = defineContract({ commands: [PayCmd, BuyCmd], results: [Done] });

let thrown: unknown;

/** The last server. */
@Controller()
class Bank {
  @CommandHandler(PayCmd)
  pay(): Done {
    throw thrown;
  }

  @MessagePattern('pay')
  payByPattern(): never {
    throw thrown;
  }
}

let bank: HandMadeClient;

/** Between: a gateway to HTTP, and a service. */
@Controller()
class Shop {
  @Get('command')
  command() {
    return bank.execute(new PayCmd());
  }

  @Get('pattern')
  pattern() {
    return bank.send('pay', {});
  }

  @Get('throw')
  throw(): never {
    throw thrown;
  }

  @CommandHandler(BuyCmd)
  buy() {
    return bank.execute(new PayCmd());
  }

  @MessagePattern('buy')
  buyByPattern() {
    return bank.send('pay', {});
  }
}

interface Between {
  readonly app: INestApplication;
  readonly logger: SpyLogger;
  readonly client: HandMadeClient;
}

function filter(options?: CmdStreamExceptionFilterOptions): CmdStreamExceptionFilter {
  return new CmdStreamExceptionFilter(options);
}

/** The service between, behind which the bank is. */
async function between(given: CmdStreamExceptionFilter | undefined, providers: Provider[] = []): Promise<Between> {
  const server = own(
    await NestServer.listen({
      module: { controllers: [Bank] },
      options: { contract },
      before: (app) => app.useGlobalFilters(filter()),
    }),
  );
  bank = own(new HandMadeClient(server.port, { contract, extension: true }));
  @Module({ controllers: [Shop], providers })
  class ShopModule {}
  const logger = new SpyLogger();
  const app = await NestFactory.create(ShopModule, { logger });
  if (given) app.useGlobalFilters(given);
  const strategy = new CmdStreamServer({ ...serverOptions, contract });
  app.connectMicroservice<MicroserviceOptions>({ strategy }, { inheritAppConfig: true });
  own({ destroy: () => app.close() });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const { port } = strategy.unwrap<CommandServer>().address!;
  return { app, logger, client: own(new HandMadeClient(port, { contract, extension: true })) };
}

async function get({ app }: Between, path: string): Promise<unknown[]> {
  const response = await fetch(`${await app.getUrl()}/${path}`, { headers: { connection: 'close' } });
  return [response.status, await response.json()];
}

const unknown500 = [500, { statusCode: 500, message: 'Internal server error' }];

describe('a gateway with CmdStreamExceptionFilter', () => {
  it.each([
    ['made by hand', filter(), []],
    ['a provider', undefined, [{ provide: APP_FILTER, useClass: CmdStreamExceptionFilter }]],
  ])('answers as the next server would have over HTTP when the filter is %s', async (_, given, providers) => {
    const gateway = await between(given, providers);
    const answers: [unknown, number, unknown][] = [
      [new ConflictException('sold out'), 409, { statusCode: 409, message: 'sold out', error: 'Conflict' }],
      [new BadRequestException(['a', 'b']), 400, { statusCode: 400, message: ['a', 'b'], error: 'Bad Request' }],
      [new ConflictException({ reason: 'taken' }), 409, { reason: 'taken' }],
    ];
    for (const [exception, status, body] of answers) {
      thrown = exception;
      for (const path of ['command', 'pattern']) expect(await get(gateway, path)).toEqual([status, body]);
    }
    expect(gateway.logger.errors).toEqual([]);
  });

  it('answers a statusCode without details with the message', async () => {
    thrown = new RpcException({ statusCode: 404, message: 'no such thing' });
    expect(await get(await between(filter()), 'command')).toEqual([404, { statusCode: 404, message: 'no such thing' }]);
  });

  it.each([
    new Error(SECRET),
    new RpcException({ reason: SECRET }),
    new RpcException({ statusCode: 200, message: SECRET }),
  ])('answers 500 where the next server has said no status, and logs it: %p', async (exception) => {
    thrown = exception;
    const gateway = await between(filter());
    expect(await get(gateway, 'command')).toEqual(unknown500);
    expect(gateway.logger.having('(PayCmd at ')).toHaveLength(1);
  });

  it.each<[CmdStreamErrorCode, number, string]>([
    ['TIMEOUT', 504, 'Gateway Timeout'],
    ['CIRCUIT_OPEN', 503, 'Service Unavailable'],
    ['CONNECT_FAILED', 503, 'Service Unavailable'],
    ['OVERLOADED', 503, 'Service Unavailable'],
    ['CONNECTION_LOST', 502, 'Bad Gateway'],
    ['QUEUE_FULL', 503, 'Service Unavailable'],
    ['INTERNAL', 500, 'Internal server error'],
    ['ENCODE_FAILED', 500, 'Internal server error'],
  ])('answers %s with %d, shows nothing of it, and logs it once', async (code, statusCode, message) => {
    thrown = new CmdStreamError(code, SECRET, { payload: { statusCode: 418, message: SECRET } });
    const gateway = await between(filter());
    expect(await get(gateway, 'throw')).toEqual([statusCode, { statusCode, message }]);
    expect(gateway.logger.errors).toEqual([expect.stringContaining(SECRET)]);
  });

  it('gives on plain data only', async () => {
    const cause = Object.assign(new Error(SECRET), { config: SECRET, toJSON: () => ({ config: SECRET }) });
    thrown = new CmdStreamError('REMOTE', '', {
      payload: { statusCode: 409, message: 'no', details: { cause, n: 1 } },
    });
    expect(await get(await between(filter()), 'throw')).toEqual([409, { cause: {}, n: 1 }]);
  });

  it.each([99, 399, 600, 409.5, '409', null])('takes no status from a statusCode of %p', async (statusCode) => {
    thrown = new CmdStreamError('REMOTE', '', { payload: { statusCode, message: SECRET } });
    expect(await get(await between(filter()), 'throw')).toEqual(unknown500);
  });
});

describe('a service that calls another', () => {
  const details = { statusCode: 409, message: 'sold out', error: 'Conflict' };
  const conflict = { status: 'error', statusCode: 409, message: 'sold out', details };

  it.each([undefined, {}, { relayRemote: false }])(
    'says nothing of its errors with the options %p',
    async (options) => {
      thrown = new ConflictException('sold out');
      const service = await between(filter(options));
      expect(await errorOf(service.client.execute(new BuyCmd()))).toMatchObject({ code: 'REMOTE', payload: INTERNAL });
      expect(await errorOf(lastValueFrom(service.client.send('buy', {})))).toEqual(INTERNAL);
      expect(service.logger.errors).toHaveLength(2);
    },
  );

  it.each([
    [new ConflictException('sold out'), conflict],
    [new RpcException({ reason: 'refused' }), { reason: 'refused' }],
    [new Error(SECRET), INTERNAL],
  ])('relays what it has said with relayRemote: %p', async (exception, payload) => {
    thrown = exception;
    const { client } = await between(filter({ relayRemote: true }));
    expect(await errorOf(client.execute(new BuyCmd()))).toMatchObject({ code: 'REMOTE', payload });
  });

  it('relays by pattern what its filter has made, and nothing that may be anything', async () => {
    const { client } = await between(filter({ relayRemote: true }));
    thrown = new ConflictException('sold out');
    expect(await errorOf(lastValueFrom(client.send('buy', {})))).toEqual(conflict);
    thrown = new RpcException({ reason: SECRET });
    expect(await errorOf(lastValueFrom(client.send('buy', {})))).toEqual(INTERNAL);
  });

  it('relays no error of its own way to the other', async () => {
    const service = await between(filter({ relayRemote: true }));
    bank.destroy();
    expect(await errorOf(service.client.execute(new BuyCmd()))).toMatchObject({ code: 'REMOTE', payload: INTERNAL });
    expect(service.logger.errors).toHaveLength(1);
  });
});

it('CmdStreamExceptionFilter refuses options that it does not know', () => {
  expect(() => new CmdStreamExceptionFilter({ relay: true } as never)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  );
});
