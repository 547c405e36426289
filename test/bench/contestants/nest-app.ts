// What every contestant that is a Nest application needs: a module around its controllers, started.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Logger, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';

export const host = '127.0.0.1';

/** Also what Nest's clients log, which know no option for it. */
Logger.overrideLogger(['error']);

export function moduleOf(controller: Type): Type {
  @Module({ controllers: [controller] })
  class BenchModule {}
  return BenchModule;
}

export async function microservice(controller: Type, options: MicroserviceOptions) {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(moduleOf(controller), {
    ...options,
    logger: ['error'],
  });
  await app.listen();
  return app;
}

export function portOf(address: AddressInfo | string | null | undefined): number {
  if (typeof address === 'object' && address) return address.port;
  throw new Error('the server does not listen on a port');
}
