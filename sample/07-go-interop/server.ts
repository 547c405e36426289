import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamServer } from 'nestjs-cmd-stream';
import { calcContract } from './calc.contract.js';
import { CalcController } from './calc.controller.js';

@Module({ controllers: [CalcController] })
export class CalcModule {}

/** Starts the server and resolves with the application once it listens. */
export async function startServer(port: number) {
  // 127.0.0.1 is what the Go client dials; it knows nothing of Nest, and the server needs no option for it.
  const strategy = new CmdStreamServer({ host: '127.0.0.1', port, contract: calcContract });
  const app = await NestFactory.createMicroservice(CalcModule, { strategy, logger: ['error', 'warn'] });
  await app.listen();
  return app;
}
