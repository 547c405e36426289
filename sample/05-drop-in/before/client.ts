import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { Pupil } from './pupil.js';

/** Starts an application that uses the server on `port`. */
export async function startClient(port: number) {
  @Module({
    imports: [ClientsModule.register([{ name: 'MATH', transport: Transport.TCP, options: { port } }])],
    providers: [Pupil],
  })
  class PupilModule {}
  const app = await NestFactory.createApplicationContext(PupilModule, { logger: ['error', 'warn'] });
  return { ask: () => app.get(Pupil).ask(), close: () => app.close() };
}
