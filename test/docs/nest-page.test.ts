// Plays what docs/nest.md, streaming.md and errors.md say: two applications, and the traps they warn of.
import { describe, expect, it } from '@jest/globals';
import { Controller, Logger, Module, type NestHybridApplicationOptions } from '@nestjs/common';
import { APP_PIPE, NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload, type MicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamClient,
  CmdStreamContext,
  CmdStreamServer,
  CommandHandler,
  CommandValidationPipe,
  type CmdStreamError,
  type CommandServer,
} from 'nestjs-cmd-stream';
import { lastValueFrom, range, map, toArray } from 'rxjs';
import { bootstrap as bootstrapConfigured } from '../../docs/examples/configured.js';
import { bootstrap as bootstrapHybrid } from '../../docs/examples/hybrid.js';
import { bootstrap as bootstrapMicroservice } from '../../docs/examples/microservice.js';
import {
  FollowOrder,
  ordersContract,
  OrdersModule,
  OrderTaken,
  Progress,
  TakeOrder,
} from '../../docs/examples/orders.js';
import { NestServer, serverOptions } from '../e2e/nest-server.js';
import { SpyLogger } from '../e2e/spy-logger.js';
import { until, turns } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';

const own = guardLeaks();
Logger.overrideLogger(false);

interface Closable {
  close(): Promise<void>;
}

function owned<T extends Closable>(app: T): T {
  own({ destroy: () => app.close() });
  return app;
}

function clientOf(core: CommandServer): CmdStreamClient {
  const options = { host: core.address!.address, port: core.address!.port, contract: ordersContract };
  return owned(new CmdStreamClient(options));
}

async function answersOf(client: CmdStreamClient): Promise<unknown[]> {
  const payloadOf = (error: unknown): unknown => (error as CmdStreamError).payload;
  return [
    await client.execute(new TakeOrder(3)),
    await client.execute(new TakeOrder(101)).catch(payloadOf),
    await client.execute(new TakeOrder(0)).catch(payloadOf),
    (await lastValueFrom(client.send(new FollowOrder()).pipe(toArray()))).length,
  ];
}

const conflict = { statusCode: 409, error: 'Conflict', message: 'sold out' };
const asOnThePage = [
  new OrderTaken(3),
  { status: 'error', statusCode: 409, message: 'sold out', details: conflict },
  expect.objectContaining({
    statusCode: 400,
    details: expect.objectContaining({ message: ['pieces must not be less than 1'] }) as unknown,
  }),
  11,
];

describe('the page on Nest applications', () => {
  it('shows a microservice that runs', async () => {
    const app = owned(await bootstrapMicroservice(0));
    expect(await answersOf(clientOf(app.unwrap<CommandServer>()))).toEqual(asOnThePage);
  });

  it('shows a server whose options come from dependency injection', async () => {
    const { PORT } = process.env;
    own({ destroy: () => (PORT === undefined ? delete process.env['PORT'] : (process.env['PORT'] = PORT)) });
    process.env['PORT'] = '0';
    const app = owned(await bootstrapConfigured());
    expect(app.unwrap<CommandServer>().address!.port).not.toBe(3000);
    expect(await answersOf(clientOf(app.unwrap<CommandServer>()))).toEqual(asOnThePage);
  });

  it('shows a hybrid application that runs, and answers HTTP as ever', async () => {
    const app = owned(await bootstrapHybrid(0, 0));
    const core = app.getMicroservices()[0]!.unwrap<CommandServer>();
    expect(await answersOf(clientOf(core))).toEqual(asOnThePage);
    const response = await fetch(`${await app.getUrl()}/orders/latest`, { headers: { connection: 'close' } });
    expect(await response.json()).toEqual({ statusCode: 404, error: 'Not Found', message: 'no order yet' });
  });

  it.each<[string, NestHybridApplicationOptions, 'before' | 'after', 'checked' | 'not checked']>([
    ['before connectMicroservice', { inheritAppConfig: true }, 'before', 'checked'],
    ['before it without inheritAppConfig', {}, 'before', 'not checked'],
    ['after connectMicroservice', { inheritAppConfig: true }, 'after', 'not checked'],
    ['after it with deferInitialization', { inheritAppConfig: true, deferInitialization: true }, 'after', 'checked'],
  ])('warns of the order: a pipe %s', async (_, hybrid, order, outcome) => {
    const app = owned(await NestFactory.create(OrdersModule, { logger: new SpyLogger() }));
    const strategy = new CmdStreamServer({ ...serverOptions, contract: ordersContract });
    if (order === 'before') app.useGlobalPipes(new CommandValidationPipe());
    app.connectMicroservice<MicroserviceOptions>({ strategy }, hybrid);
    if (order === 'after') app.useGlobalPipes(new CommandValidationPipe());
    await app.startAllMicroservices();
    await app.init();
    const call = clientOf(strategy.unwrap<CommandServer>()).execute(new TakeOrder(0));
    expect(await call.then(() => 'not checked').catch(() => 'checked')).toBe(outcome);
  });

  it('warns of a handler without a parameter for its Command: no pipe sees that', async () => {
    @Controller()
    class Blind {
      @CommandHandler(TakeOrder)
      take() {
        return new OrderTaken();
      }
    }
    const server = own(
      await NestServer.listen({
        module: { controllers: [Blind], providers: [{ provide: APP_PIPE, useClass: CommandValidationPipe }] },
        options: { contract: ordersContract },
      }),
    );
    expect(await clientOf(server.core).execute(new TakeOrder(0))).toEqual(new OrderTaken());
  });

  it.each([
    ['a generator gives to the end', 'generator', 100_000],
    ['an Observable cannot, however fast they are taken', 'Observable', 'SLOW_CONSUMER'],
  ] as const)('says how many Results may be given at once: what %s', async (_, source, outcome) => {
    @Controller()
    class Pouring {
      @CommandHandler(FollowOrder)
      follow() {
        if (source === 'Observable') return range(0, 100_000).pipe(map((n) => new Progress(-n)));
        return this.generate();
      }

      async *generate() {
        for (let n = 0; n < 100_000; n++) yield new Progress(-n);
      }
    }
    const server = own(
      await NestServer.listen({
        module: { controllers: [Pouring] },
        options: { contract: ordersContract, maxStreamBufferBytes: 1_048_576 },
      }),
    );
    let taken = 0;
    const all = clientOf(server.core)
      .send(new FollowOrder())
      .forEach(() => void taken++);
    expect(await all.then(() => taken).catch((error: { code: string }) => error.code)).toBe(outcome);
  });

  it('says that an event whose sender closes goes on', async () => {
    const seen: AbortSignal[] = [];
    const ends: (() => void)[] = [];
    @Controller()
    class Listener {
      @EventPattern<string>('order.taken')
      taken(@Payload() _data: unknown, @Ctx() { signal }: CmdStreamContext): Promise<void> {
        seen.push(signal);
        return new Promise((resolve) => ends.push(resolve));
      }
    }
    @Module({ controllers: [Listener] })
    class ListenerModule {}
    const server = own(await NestServer.listen({ module: { imports: [ListenerModule] }, options: {} }));
    const client = owned(new CmdStreamClient({ host: '127.0.0.1', port: server.port }));
    client.emit('order.taken', 1);
    await until('it runs', () => seen.length === 1);
    expect(seen[0]!.aborted).toBe(false);
    await client.close();
    await turns();
    expect(seen[0]!.aborted).toBe(false);
    for (const end of ends) end();
    await until('the connection is forgotten', () => server.core.connections === 0);
  });
});
