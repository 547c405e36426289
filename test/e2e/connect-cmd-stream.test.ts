// A hybrid application by connectCmdStream(): what is global holds for Commands and for HTTP, in any order.
import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Module,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type PipeTransform,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CmdStreamServer,
  CommandHandler,
  connectCmdStream,
  isRemoteError,
  CmdStreamError,
  type CommandServer,
} from 'nestjs-cmd-stream';
import { throwError } from 'rxjs';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, SubCmd } from './calc.contract.js';
import { HandMadeClient, serverOptions } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

@Injectable()
class Born implements OnModuleInit, OnApplicationBootstrap {
  readonly calls: string[] = [];

  onModuleInit(): void {
    this.calls.push('onModuleInit');
  }

  onApplicationBootstrap(): void {
    this.calls.push('onApplicationBootstrap');
  }
}

@Controller()
class CalcController {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }

  @CommandHandler(SubCmd)
  sub(_command: SubCmd): CalcResult {
    throw new RangeError('negative');
  }

  @Get('ready')
  ready() {
    return 'yes';
  }
}

@Module({
  controllers: [CalcController],
  providers: [Born, { provide: CmdStreamServer, useFactory: () => new CmdStreamServer(serverOptions) }],
})
class CalcModule {}

/** Makes 40 of the first number. */
class Forty implements PipeTransform {
  transform(value: unknown): unknown {
    return value instanceof AddCmd ? new AddCmd(40, value.B) : value;
  }
}

/** Says why a Command has failed. */
class Saying implements ExceptionFilter<Error> {
  catch({ message }: Error, host: ArgumentsHost) {
    if (host.getType() !== 'rpc') throw new Error(message);
    return throwError(() => CmdStreamError.remote({ said: message }));
  }
}

/** Counts Commands. */
class Counting implements CanActivate, NestInterceptor {
  commands = 0;

  canActivate(context: ExecutionContext): boolean {
    return this.#count(context);
  }

  intercept(context: ExecutionContext, next: CallHandler) {
    this.#count(context);
    return next.handle();
  }

  #count(context: ExecutionContext): boolean {
    if (context.getType() === 'rpc') this.commands++;
    return true;
  }
}

type Connect = (app: INestApplication) => unknown;
const connect: Connect = (app) => connectCmdStream(app, serverOptions);
/** As of a Nest that binds handlers at once, and knows no other way. */
const connectEarly: Connect = (app) => {
  const early = { connectMicroservice: (given: object) => app.connectMicroservice(given, { inheritAppConfig: true }) };
  return connectCmdStream(early as unknown as INestApplication, serverOptions);
};

async function application(): Promise<INestApplication> {
  const app = await NestFactory.create(CalcModule, { logger: new SpyLogger(), abortOnError: false });
  own({ destroy: () => app.close() });
  return app;
}

function clientOf(app: INestApplication): HandMadeClient {
  const { port } = app.getMicroservices()[0]!.unwrap<CommandServer>().address!;
  return own(new HandMadeClient(port, { extension: true }));
}

describe('connectCmdStream', () => {
  const orders: readonly (readonly [string, Connect, 'before' | 'after'])[] = [
    ['before', connect, 'before'],
    ['after', connect, 'after'],
    ['before it in a Nest that binds handlers at once', connectEarly, 'before'],
    ['after it in a Nest that binds handlers at once', connectEarly, 'after'],
  ];

  it.each(orders)('has pipes, filters, guards and interceptors hold that are given %s', async (_, connectIt, order) => {
    const app = await application();
    const counting = new Counting();
    if (order === 'after') connectIt(app);
    app.useGlobalPipes(new Forty()).useGlobalFilters(new Saying());
    app.useGlobalGuards(counting).useGlobalInterceptors(counting);
    if (order === 'before') connectIt(app);
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    const client = clientOf(app);
    expect(await client.execute(new AddCmd(1, 2))).toEqual(new CalcResult(42));
    expect(counting.commands).toBe(2);
    const failure: unknown = await client.execute(new SubCmd(1, 2)).catch((error: unknown) => error);
    expect(isRemoteError(failure) && failure.payload).toEqual({ said: 'negative' });
    const response = await fetch(`${await app.getUrl()}/ready`, { headers: { connection: 'close' } });
    expect(await response.text()).toBe('yes');
  });

  it.each([
    ['the server first', connect, ['start', 'init']],
    ['HTTP first', connect, ['init', 'start']],
    ['the server first, in a Nest that binds handlers at once', connectEarly, ['start', 'init']],
  ] as const)('has hooks of the application called once: %s', async (_, connectIt, order) => {
    const app = await application();
    connectIt(app);
    for (const step of order) await (step === 'start' ? app.startAllMicroservices() : app.init());
    expect(app.get(Born).calls).toEqual(['onModuleInit', 'onApplicationBootstrap']);
    expect(await clientOf(app).execute(new AddCmd(1, 2))).toEqual(new CalcResult(3));
  });

  it('takes a server that dependency injection has made, and gives its microservice back', async () => {
    const app = await application();
    const strategy = app.get(CmdStreamServer);
    const microservice = connectCmdStream(app, strategy);
    expect(app.getMicroservices()).toEqual([microservice]);
    await microservice.listen();
    expect(microservice.unwrap()).toBe(strategy.unwrap());
    expect(await clientOf(app).execute(new AddCmd(1, 2))).toEqual(new CalcResult(3));
  });

  it('refuses options that make no sense, and an application that serves no HTTP', async () => {
    const app = await application();
    const nonsense = { ...serverOptions, prot: 9000 } as typeof serverOptions;
    expect(() => connectCmdStream(app, nonsense)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    const context = await NestFactory.createApplicationContext(CalcModule, { logger: new SpyLogger() });
    own({ destroy: () => context.close() });
    const text = /takes an application of NestFactory\.create\(\); NestFactory\.createMicroservice\(\) is given/;
    expect(() => connectCmdStream(context as INestApplication, serverOptions)).toThrow(text);
    expect(app.getMicroservices()).toEqual([]);
  });
});
