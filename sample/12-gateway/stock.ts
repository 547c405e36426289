import 'reflect-metadata';
import { type LogLevel, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import {
  CmdStreamExceptionFilter,
  CmdStreamServer,
  CommandValidationPipe,
  connectCmdStream,
  enableGracefulShutdown,
} from 'nestjs-cmd-stream';
import { CmdStreamHealthIndicator } from 'nestjs-cmd-stream/terminus';
import { stockContract } from './stock.contract.js';
import { StockController, StockHealth } from './stock.controller.js';

@Module({
  imports: [ConfigModule.forRoot(), TerminusModule],
  controllers: [StockController, StockHealth],
  providers: [
    CmdStreamHealthIndicator,
    {
      provide: CmdStreamServer,
      inject: [ConfigService],
      useFactory: (config: ConfigService) =>
        new CmdStreamServer({ port: config.get<string>('STOCK_PORT'), contract: stockContract }),
    },
  ],
})
export class StockModule {}

/** Starts the service: a hybrid application, with Commands on STOCK_PORT and its health over HTTP. */
export async function startStock(httpPort: number, logger: LogLevel[]) {
  const app = await NestFactory.create(StockModule, { logger });
  app.useGlobalPipes(new CommandValidationPipe());
  app.useGlobalFilters(new CmdStreamExceptionFilter());
  connectCmdStream(app, app.get(CmdStreamServer));
  enableGracefulShutdown(app);
  await app.startAllMicroservices();
  await app.listen(httpPort, 'localhost');
  return app;
}
