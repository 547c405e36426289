// main.ts of an application that serves HTTP as well.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import {
  CmdStreamExceptionFilter,
  CommandValidationPipe,
  connectCmdStream,
  enableGracefulShutdown,
} from 'nestjs-cmd-stream';
import { ordersContract, OrdersModule } from './orders.js';

export async function bootstrap(port: number, httpPort: number) {
  const app = await NestFactory.create(OrdersModule);
  connectCmdStream(app, { port, contract: ordersContract });
  app.useGlobalPipes(new CommandValidationPipe());
  app.useGlobalFilters(new CmdStreamExceptionFilter());
  enableGracefulShutdown(app);
  await app.startAllMicroservices();
  await app.listen(httpPort);
  return app;
}
