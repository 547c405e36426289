// The global filter for Commands must not be felt where HTTP is answered: what Nest's own filter says, byte for byte.
import { describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  Controller,
  ForbiddenException,
  Get,
  Header,
  HttpException,
  Module,
  Res,
  type INestApplication,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { CmdStreamExceptionFilter, CmdStreamServer, CommandHandler, type CommandServer } from 'nestjs-cmd-stream';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult } from './calc.contract.js';
import { HandMadeClient, serverOptions } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

const SECRET = 'the password is 1234';

@Controller()
class Failing {
  @Get('details')
  details(): never {
    throw new BadRequestException({ field: 'name', problem: 'empty' });
  }

  @Get('text')
  text(): never {
    throw new HttpException('short and stout', 418);
  }

  @Get('unknown')
  unknown(): never {
    throw new Error(SECRET);
  }

  @Get('shaped')
  shaped(): never {
    throw Object.assign(new Error('too much'), { expose: true, status: 413, statusCode: 413 });
  }

  @Get('typed')
  @Header('Content-Type', 'text/csv')
  typed(): never {
    throw new ForbiddenException();
  }

  @Get('begun')
  begun(@Res() response: { write(text: string): void }): never {
    response.write('the beginning');
    throw new Error(SECRET);
  }

  @CommandHandler(AddCmd)
  add(): CalcResult {
    throw new ForbiddenException();
  }
}

interface Hybrid {
  readonly app: INestApplication;
  readonly logger: SpyLogger;
  readonly client: HandMadeClient;
}

async function listen(filter?: CmdStreamExceptionFilter, providers: Provider[] = []): Promise<Hybrid> {
  @Module({ controllers: [Failing], providers })
  class HybridModule {}
  const logger = new SpyLogger();
  const app = await NestFactory.create(HybridModule, { logger });
  if (filter) app.useGlobalFilters(filter);
  const strategy = new CmdStreamServer(serverOptions);
  app.connectMicroservice<MicroserviceOptions>({ strategy }, { inheritAppConfig: true });
  own({ destroy: () => app.close() });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const { port } = strategy.unwrap<CommandServer>().address!;
  return { app, logger, client: own(new HandMadeClient(port, { extension: true })) };
}

async function answers({ app }: Hybrid): Promise<unknown[]> {
  const url = await app.getUrl();
  const asked = ['details', 'text', 'unknown', 'shaped', 'typed', 'begun', 'no-such-route'].map(async (path) => {
    const response = await fetch(`${url}/${path}`, { headers: { connection: 'close' } });
    return [path, response.status, response.headers.get('content-type'), await response.text()];
  });
  return Promise.all(asked);
}

describe('CmdStreamExceptionFilter in an application that serves HTTP', () => {
  it.each([
    ['made by hand', new CmdStreamExceptionFilter(), []],
    ['as APP_FILTER', undefined, [{ provide: APP_FILTER, useClass: CmdStreamExceptionFilter }]],
  ] as [string, CmdStreamExceptionFilter | undefined, Provider[]][])(
    'answers HTTP as Nest does, and Commands with status and details: %s',
    async (_, filter, providers) => {
      const expected = await answers(await listen());
      const hybrid = await listen(filter, providers);
      expect(await answers(hybrid)).toEqual(expected);
      expect(JSON.stringify(expected)).not.toContain(SECRET);
      expect(hybrid.logger.having(SECRET).length).toBe(2);
      await expect(hybrid.client.execute(new AddCmd())).rejects.toMatchObject({
        code: 'REMOTE',
        payload: { statusCode: 403, message: 'Forbidden' },
      });
    },
  );
});

/** A reply as Fastify has it, and what was done with it. */
class Reply {
  readonly done: unknown[] = [];
  sent = false;
  readonly raw = { end: () => this.done.push('end') };
  getHeader = (): unknown => undefined;

  header(name: string, value: string): this {
    this.done.push([name, value]);
    return this;
  }

  status(code: number): this {
    this.done.push(code);
    return this;
  }

  send(body: unknown): this {
    this.done.push(body);
    return this;
  }
}

function hostOf(type: string, response: unknown): ExecutionContextHost {
  const host = new ExecutionContextHost([{}, response]);
  host.setType(type);
  return host;
}

describe('CmdStreamExceptionFilter made by hand', () => {
  it('answers through a reply of Fastify', () => {
    const reply = new Reply();
    new CmdStreamExceptionFilter().catch(new ForbiddenException(), hostOf('http', reply));
    expect(reply.done).toEqual([403, { statusCode: 403, message: 'Forbidden' }]);
  });

  it('ends a reply of Fastify that has begun', () => {
    const reply = Object.assign(new Reply(), { sent: true });
    new CmdStreamExceptionFilter().catch(new ForbiddenException(), hostOf('http', reply));
    expect(reply.done).toEqual(['end']);
  });

  it.each(['ws', 'graphql'])('leaves what is neither HTTP nor a Command to others: %s', (type) => {
    const failure = new ForbiddenException();
    expect(() => new CmdStreamExceptionFilter().catch(failure, hostOf(type, {}))).toThrow(failure);
  });
});
