import 'reflect-metadata';
import { type LogLevel, Module, ValidationPipe } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { CmdStreamExceptionFilter, CmdStreamModule, enableGracefulShutdown } from 'nestjs-cmd-stream';
import { CmdStreamHealthIndicator } from 'nestjs-cmd-stream/terminus';
import { GatewayHealth, OrdersController } from './gateway.controller.js';
import { stockContract } from './stock.contract.js';

@Module({
  imports: [
    ConfigModule.forRoot(),
    TerminusModule,
    CmdStreamModule.registerAsync({
      imports: [ConfigModule],
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        host: config.get<string>('STOCK_HOST'),
        port: config.get<string>('STOCK_PORT'),
        contract: stockContract,
        // A person waits at the other end: rather an error soon than an answer late.
        timeoutMs: 2_000,
        queue: { timeoutMs: 1_000 },
      }),
    }),
  ],
  controllers: [OrdersController, GatewayHealth],
  providers: [CmdStreamHealthIndicator],
})
export class GatewayModule {}

/** Starts the gateway, and resolves with the application once it listens. */
export async function startGateway(httpPort: number, logger: LogLevel[]) {
  const app = await NestFactory.create(GatewayModule, { logger });
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
  app.useGlobalFilters(new CmdStreamExceptionFilter());
  enableGracefulShutdown(app);
  await app.listen(httpPort, 'localhost');
  return app;
}
