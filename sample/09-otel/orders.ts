import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CmdStreamClient,
  CmdStreamModule,
  CmdStreamServer,
  CommandHandler,
  InjectCmdStreamClient,
} from 'nestjs-cmd-stream';
import { otel } from 'nestjs-cmd-stream/otel';
import { setTimeout } from 'node:timers/promises';
import { GetOrder, GetPrice, Order, ordersContract, pricesContract } from './shop.contract.js';
import { logger, type Provider } from './telemetry.js';

@Controller()
export class OrdersController {
  constructor(@InjectCmdStreamClient() private readonly prices: CmdStreamClient<typeof pricesContract>) {}

  @CommandHandler(GetOrder)
  async order({ id }: GetOrder) {
    await setTimeout(10); // as long as a database takes
    const { cents } = await this.prices.execute(new GetPrice('a kettle'));
    return new Order(id, cents);
  }
}

/** Starts the service, which asks for prices at `port`, and resolves with the application once it listens. */
export async function startOrders(port: number, tracerProvider: Provider) {
  const instrumentation = otel({ tracerProvider });

  @Module({
    imports: [CmdStreamModule.register({ port, contract: pricesContract, instrumentation })],
    controllers: [OrdersController],
  })
  class OrdersModule {}

  const strategy = new CmdStreamServer({ port: 0, contract: ordersContract, instrumentation });
  const app = await NestFactory.createMicroservice(OrdersModule, { strategy, logger });
  await app.listen();
  return app;
}
