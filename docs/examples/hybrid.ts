// main.ts of an application that serves HTTP as well.
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

export async function bootstrap(port: number, httpPort: number) {
  const app = await NestFactory.create(OrdersModule);
  app.useGlobalPipes(new CommandValidationPipe());
  app.useGlobalFilters(new CmdStreamExceptionFilter());
  const strategy = new CmdStreamServer({ port, contract: ordersContract });
  app.connectMicroservice<MicroserviceOptions>({ strategy }, { inheritAppConfig: true });
  enableGracefulShutdown(app);
  await app.startAllMicroservices();
  await app.listen(httpPort);
  return app;
}
