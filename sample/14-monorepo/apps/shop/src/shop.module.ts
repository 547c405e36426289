import 'reflect-metadata';
import { pricesContract } from '@app/prices-contract';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamExceptionFilter, CmdStreamModule, enableGracefulShutdown } from 'nestjs-cmd-stream';
import { ShopController } from './shop.controller.js';

@Module({
  imports: [
    CmdStreamModule.registerAsync({
      useFactory: () => ({ port: process.env['PRICES_PORT'], contract: pricesContract }),
    }),
  ],
  controllers: [ShopController],
})
export class ShopModule {}

/** Starts the gateway and resolves with the application once it listens. */
export async function startShop(httpPort: number) {
  const app = await NestFactory.create(ShopModule, { logger: ['error', 'warn'] });
  app.useGlobalFilters(new CmdStreamExceptionFilter());
  enableGracefulShutdown(app);
  await app.listen(httpPort, 'localhost');
  return app;
}
