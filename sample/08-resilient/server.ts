import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamServer } from 'nestjs-cmd-stream';
import { shopContract } from './shop.contract.js';
import { ShopController } from './shop.controller.js';

@Module({ controllers: [ShopController] })
export class ShopModule {}

/** Starts the server and resolves with the application once it listens. */
export async function startServer(port: number) {
  // A connection that is silent for a second is closed: the pings of the client keep it open.
  const strategy = new CmdStreamServer({ port, contract: shopContract, receiveTimeoutMs: 1_000 });
  const app = await NestFactory.createMicroservice(ShopModule, { strategy, logger: ['error'] });
  await app.listen();
  return app;
}
