import 'reflect-metadata';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { CmdStreamExceptionFilter, CmdStreamServer } from 'nestjs-cmd-stream';
import { heroesContract } from './heroes.contract.js';
import { HeroesController } from './heroes.controller.js';
import { GetTrophiesHandler, Herald, KillDragonHandler } from './heroes.handlers.js';
import { Heroes } from './heroes.js';
import { MixedUpController } from './mixed-up.controller.js';

@Module({
  imports: [CqrsModule.forRoot()],
  controllers: [HeroesController],
  providers: [Heroes, KillDragonHandler, GetTrophiesHandler, Herald],
})
export class HeroesModule {}

@Module({ controllers: [MixedUpController] })
export class MixedUpModule {}

/** Starts a server and resolves with the application once it listens. */
export async function startServer(port: number, module: Type = HeroesModule) {
  const strategy = new CmdStreamServer({ port, contract: heroesContract });
  const app = await NestFactory.createMicroservice(module, { strategy, logger: ['error', 'warn'] });
  app.useGlobalFilters(new CmdStreamExceptionFilter());
  await app.listen();
  return app;
}
