import 'reflect-metadata';
import { type LogLevel, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamServer } from 'nestjs-cmd-stream';
import { calcContract } from './calc.contract.js';
import { CalcController } from './calc.controller.js';

const logger: LogLevel[] = ['error', 'warn'];

@Module({ controllers: [CalcController] })
export class CalcModule {}

/** Starts the server and resolves with the application once it listens. */
export async function startServer(port: number) {
  const strategy = new CmdStreamServer({ port, contract: calcContract });
  const app = await NestFactory.createMicroservice(CalcModule, { strategy, logger });
  await app.listen();
  return app;
}
