import 'reflect-metadata';
import { type LogLevel, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamServer } from 'nestjs-cmd-stream';
import { Journal } from './journal.js';
import { numbersContract } from './numbers.contract.js';
import { NumbersController } from './numbers.controller.js';

const logger: LogLevel[] = ['error', 'warn'];

@Module({ controllers: [NumbersController], providers: [Journal] })
export class NumbersModule {}

/** Starts the server and resolves with the application once it listens. */
export async function startServer(port: number) {
  const strategy = new CmdStreamServer({ port, contract: numbersContract });
  const app = await NestFactory.createMicroservice(NumbersModule, { strategy, logger });
  await app.listen();
  return app;
}
