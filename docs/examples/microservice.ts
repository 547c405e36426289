// main.ts of an application that serves Commands and nothing else.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamExceptionFilter,
  CmdStreamServer,
  CommandValidationPipe,
  enableGracefulShutdown,
} from 'nestjs-cmd-stream';
import { ordersContract, OrdersModule } from './orders.js';

export async function bootstrap(port: number) {
  const strategy = new CmdStreamServer({ port, contract: ordersContract });
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(OrdersModule, { strategy });
  app.useGlobalPipes(new CommandValidationPipe());
  app.useGlobalFilters(new CmdStreamExceptionFilter());
  enableGracefulShutdown(app);
  await app.listen();
  return app;
}
