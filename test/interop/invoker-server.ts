// A Nest application whose Commands execute themselves against a Receiver: what the interop tests serve to Go clients.
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { CmdStreamServer, Invoker, type CmdStreamServerOptions, type CommandServer } from 'nestjs-cmd-stream';

interface Served<T> {
  readonly receiver: abstract new () => T;
  /** The class that stands for the Receiver, the Receiver itself if it is not given. */
  readonly receiverClass?: Type<T>;
  readonly commands: Parameters<typeof Invoker<T>>[1];
  readonly options: CmdStreamServerOptions;
}

export async function startInvokerServer<T>({ receiver, receiverClass, commands, options }: Served<T>) {
  class Commands extends Invoker<T>(receiver, commands) {}
  const providers = [{ provide: receiver, useClass: receiverClass ?? (receiver as Type<T>) }];
  @Module({ controllers: [Commands], providers })
  class InvokerModule {}
  const strategy = new CmdStreamServer({ host: '127.0.0.1', port: 0, quietPeriodMs: 10, ...options });
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(InvokerModule, { strategy, logger: false });
  await app.listen();
  return { app, port: app.unwrap<CommandServer>().address!.port };
}
