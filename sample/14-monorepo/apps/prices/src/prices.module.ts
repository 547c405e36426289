import 'reflect-metadata';
import { pricesContract } from '@app/prices-contract';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamExceptionFilter, CmdStreamServer, enableGracefulShutdown } from 'nestjs-cmd-stream';
import { PricesController } from './prices.controller.js';

@Module({ controllers: [PricesController] })
export class PricesModule {}

/** Starts the service and resolves with the application once it listens. */
export async function startPrices(port: number) {
  const strategy = new CmdStreamServer({ port, contract: pricesContract });
  const app = await NestFactory.createMicroservice(PricesModule, { strategy, logger: ['error', 'warn'] });
  app.useGlobalFilters(new CmdStreamExceptionFilter());
  enableGracefulShutdown(app);
  await app.listen();
  return app;
}
