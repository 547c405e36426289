// What is thrown may be anything, also what throws when it is looked at: it costs its call only, and the log says so.
import type { LookupFunction } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  ConflictException,
  Controller,
  HttpException,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { EventPattern, MessagePattern, RpcException } from '@nestjs/microservices';
import {
  CmdStreamError,
  CmdStreamExceptionFilter,
  CommandHandler,
  type CmdStreamServerOptions,
} from 'nestjs-cmd-stream';
import { firstValueFrom, lastValueFrom, throwError, type Observable } from 'rxjs';
import { CalcServer } from '../support/calc-server.js';
import { until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, calcContract, CalcResult, CountCmd, CountResult, FailCmd } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

const INTERNAL = { status: 'error', message: 'Internal server error' };

function raise(): never {
  throw new Error('do not look at it');
}

function withStack(descriptor: PropertyDescriptor): Error {
  return Object.defineProperty(new Error('odd'), 'stack', descriptor);
}

class Untold extends RpcException {
  override getError(): string {
    return raise();
  }
}

class Unanswered extends HttpException {
  override getStatus(): number {
    return raise();
  }

  override getResponse(): string {
    return raise();
  }
}

const everything = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, raise]));
const mine = new CmdStreamError('REMOTE', 'odd', { payload: 'mine' });

const odd: Readonly<Record<string, unknown>> = {
  'an Error whose stack is call sites': withStack({ value: [{}, {}] }),
  'an Error whose stack is a number': withStack({ value: 42 }),
  'an Error whose stack throws': withStack({ get: raise }),
  'an Error whose fields throw': Object.defineProperties(new Error('odd'), {
    name: { get: raise },
    message: { get: raise },
    code: { get: raise },
    cause: { get: raise },
  }),
  'a Proxy that throws at everything': new Proxy(new Error('odd'), everything),
  'a Proxy of an error of this package': new Proxy(mine, { get: raise }),
  'an error of this package whose payload throws': Object.defineProperty(
    new CmdStreamError('REMOTE', 'odd', { payload: 'mine' }),
    'payload',
    { get: raise },
  ),
  'an object whose fields throw': Object.defineProperty({}, 'message', { enumerable: true, get: raise }),
  'an RpcException that says nothing': new Untold('odd'),
  'an HttpException that says nothing': new Unanswered('odd', 409),
  'a revoked Proxy': revoked(),
  'a function with a toString of its own': Object.assign(() => {}, { toString: raise }),
};

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable(new Error('odd'), {});
  revoke();
  return proxy;
}

let thrown: unknown;

@Catch()
class ThrowingFilter implements ExceptionFilter {
  catch(): never {
    throw thrown;
  }
}

@Catch()
class GivingFilter implements ExceptionFilter {
  catch(): Observable<never> {
    return throwError(() => thrown);
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

  @CommandHandler(CountCmd)
  @UseFilters(GivingFilter)
  count(): Observable<CountResult> {
    return fail();
  }

  @CommandHandler(FailCmd)
  fail(): CalcResult {
    throw thrown;
  }

  @MessagePattern('filter')
  @UseFilters(GivingFilter)
  filtered(): never {
    return fail();
  }

  @MessagePattern('handler')
  handler(): never {
    throw thrown;
  }

  @MessagePattern('Observable')
  observable(): unknown {
    return throwError(() => thrown);
  }

  @MessagePattern('generator')
  async *generator() {
    yield 1;
    throw thrown;
  }

  @MessagePattern('value')
  value(): unknown {
    return thrown;
  }

  @EventPattern<string>('event')
  @UseFilters(GivingFilter)
  event(): void {
    return fail();
  }

  @MessagePattern('sound')
  sound(): string {
    return 'sound';
  }
}

async function serve(options: Partial<CmdStreamServerOptions> = {}, filter = false): Promise<NestServer> {
  const before: NonNullable<Parameters<typeof NestServer.listen>[0]['before']> = (app) =>
    filter && app.useGlobalFilters(new CmdStreamExceptionFilter({ relayRemote: true }));
  return own(await NestServer.listen({ module: { controllers: [Failing] }, options, before }));
}

function isSettled(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'a value',
    () => 'an error',
  );
}

const names = Object.keys(odd);
const errors = names.filter((name) => /^an (Error|RpcException)/.test(name));

describe('an odd thing that is thrown', () => {
  it.each(names)('fails its call only, and is logged, from a filter: %s', async (name) => {
    thrown = odd[name];
    const server = await serve();
    const client = own(new HandMadeClient(server.port, { extension: true }));
    expect(await isSettled(client.execute(new AddCmd(1, 2)))).toBe('an error');
    expect(await isSettled(lastValueFrom(client.send(new CountCmd(1))))).toBe('an error');
    expect(await isSettled(firstValueFrom(client.send('filter', 1)))).toBe('an error');
    await lastValueFrom(client.emit('event', 1));
    expect(await firstValueFrom(client.send('sound', 1))).toBe('sound');
    await until('all have ended', () => server.core.inFlight === 0);
  });

  it.each(names)('fails its call only from a handler, with the filter and without: %s', async (name) => {
    thrown = odd[name];
    for (const filter of [false, true]) {
      const server = await serve({}, filter);
      const client = own(new HandMadeClient(server.port, { extension: true }));
      expect(await isSettled(client.execute(new FailCmd()))).toBe('an error');
      for (const pattern of ['handler', 'Observable', 'generator'])
        expect(await isSettled(lastValueFrom(client.send(pattern, 1)))).toBe('an error');
      await isSettled(firstValueFrom(client.send('value', 1)));
      expect(await firstValueFrom(client.send('sound', 1))).toBe('sound');
      expect(server.core.inFlight).toBe(0);
    }
  });

  it.each(errors)('is the unknown error, logged once, where it is an Error past all filters: %s', async (name) => {
    thrown = odd[name];
    const server = await serve();
    const client = own(new HandMadeClient(server.port, { extension: true }));
    await expect(client.execute(new AddCmd(1, 2))).rejects.toMatchObject({ code: 'REMOTE', payload: INTERNAL });
    expect(server.logger.lines.filter((line) => line.startsWith('error'))).toHaveLength(1);
  });

  it.each(names)('costs a plain peer its connection at most: %s', async (name) => {
    thrown = odd[name];
    for (const options of [{}, { onPlainError: () => new CalcResult(-1) }]) {
      const server = await serve(options);
      const plain = own(new HandMadeClient(server.port));
      await isSettled(plain.execute(new AddCmd(1, 2)));
      await until('it has ended', () => server.core.inFlight === 0);
      expect(server.core.status).toBe('connected');
    }
  });

  it.each(names)('is what the caller gave up with: %s', async (name) => {
    const server = await serve();
    const client = own(new HandMadeClient(server.port, { extension: true }));
    const given: unknown = odd[name];
    const signal = AbortSignal.abort(given);
    const failed = await client
      .execute(new AddCmd(1, 2), { signal })
      .catch((error: unknown) => Object.is(error, given));
    expect(failed).toBe(true);
  });

  it.each(names)('is why there is no connection, when a resolver fails with it: %s', async (name) => {
    const lookup: LookupFunction = (_host, _options, answer) => answer(odd[name] as Error, []);
    const client = own(new HandMadeClient(1, { host: 'somewhere.test', lookup, reconnect: false }));
    await expect(client.execute(new AddCmd(1, 2))).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it.each(names)('is no more than an error, when the Invoker itself fails with it: %s', async (name) => {
    const failureOf = (): never => {
      throw odd[name];
    };
    const calc = own(await CalcServer.start({ contract: calcContract, invoker: { invoke: fail, failureOf } }));
    const client = own(new HandMadeClient(calc.port, { extension: true }));
    await expect(client.execute(new AddCmd(1, 2))).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(calc.server.inFlight).toBe(0);
  });
});

describe('CmdStreamExceptionFilter', () => {
  const answers: unknown[] = [];
  const adapter = {
    isHeadersSent: () => false,
    reply: (_response: unknown, _body: unknown, status: number) => answers.push(status),
    end: () => {},
  };
  const host = {
    getType: () => 'http',
    getArgByIndex: () => ({}),
  } as unknown as ArgumentsHost;

  it.each(names)('answers over HTTP whatever was thrown: %s', (name) => {
    answers.length = 0;
    const filter = new CmdStreamExceptionFilter();
    Object.assign(filter, { adapterHost: { httpAdapter: adapter } });
    filter.catch(odd[name], host);
    expect(answers).toEqual([500]);
  });

  it('answers what is sound as it is', () => {
    answers.length = 0;
    const filter = new CmdStreamExceptionFilter();
    Object.assign(filter, { adapterHost: { httpAdapter: adapter } });
    filter.catch(new ConflictException(), host);
    expect(answers).toEqual([409]);
  });
});
