import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { MathController } from './math.controller.js';

@Module({ controllers: [MathController] })
export class MathModule {}

/** Starts the server and resolves with the application once it listens. */
export async function startServer(port: number) {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(MathModule, {
    transport: Transport.TCP,
    options: { port },
    logger: ['error', 'warn'],
  });
  await app.listen();
  return app;
}
