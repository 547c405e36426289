import 'reflect-metadata';
import { type LogLevel, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamServer } from 'nestjs-cmd-stream';
import { protobufCodec } from 'nestjs-cmd-stream/protobuf';
import { calcContract } from './calc.contract.js';
import { CalcController } from './calc.controller.js';
import { Calc } from './calc.js';

const logger: LogLevel[] = ['error', 'warn'];

@Module({ controllers: [CalcController], providers: [Calc] })
export class CalcModule {}

/** Starts the server and resolves with the application once it listens. */
export async function startServer(port: number) {
  const strategy = new CmdStreamServer({ port, contract: calcContract, codec: protobufCodec() });
  const app = await NestFactory.createMicroservice(CalcModule, { strategy, logger });
  await app.listen();
  return app;
}
