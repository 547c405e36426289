import 'reflect-metadata';
import { type LogLevel, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamServer } from 'nestjs-cmd-stream';
import { greeterCodec, greeterContract } from './greeter.contract.js';
import { GreeterController } from './greeter.controller.js';

const logger: LogLevel[] = ['error', 'warn'];

@Module({ controllers: [GreeterController] })
export class GreeterModule {}

/** Starts the server and resolves with the application once it listens. */
export async function startServer(port: number) {
  const strategy = new CmdStreamServer({ port, contract: greeterContract, codec: greeterCodec });
  const app = await NestFactory.createMicroservice(GreeterModule, { strategy, logger });
  await app.listen();
  return app;
}
