// main.ts of an application whose server has its options from dependency injection.
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamExceptionFilter,
  CmdStreamServer,
  CommandValidationPipe,
  enableGracefulShutdown,
} from 'nestjs-cmd-stream';
import { ordersContract, OrdersModule } from './orders.js';

/** Any provider will do, such as the ConfigService of @nestjs/config. */
@Injectable()
export class Settings {
  readonly port = process.env['PORT'] ?? 3000;
}

@Module({ imports: [OrdersModule], providers: [Settings] })
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(AppModule, {
    inject: [Settings],
    useFactory: ({ port }: Settings) => ({ strategy: new CmdStreamServer({ port, contract: ordersContract }) }),
  });
  app.useGlobalPipes(new CommandValidationPipe());
  app.useGlobalFilters(new CmdStreamExceptionFilter());
  enableGracefulShutdown(app);
  await app.listen();
  return app;
}
