// An application for a process of its own, which knows of OpenTelemetry what its two lines with otel() say: HTTP, a
// client, and a microservice. It asks itself for a sum, prints what it gets, and ends.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import {
  CmdStreamClient,
  CmdStreamServer,
  Command,
  CommandHandler,
  type CommandServer,
  defineContract,
  Result,
} from 'nestjs-cmd-stream';
import { otel } from 'nestjs-cmd-stream/otel';
import { firstValueFrom } from 'rxjs';

class Sum extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

class AddCmd extends Command<Sum> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }
}

const contract = defineContract({ commands: [AddCmd], results: [Sum] });
const host = '127.0.0.1';
const instrumentation = otel();

@Injectable()
class Calc {
  client!: CmdStreamClient<typeof contract>;
}

@Controller()
class CalcController {
  constructor(@Inject(Calc) private readonly calc: Calc) {}

  @CommandHandler(AddCmd)
  add({ a, b }: AddCmd): Sum {
    return new Sum(a + b);
  }

  @MessagePattern('double')
  double(value: number): number {
    return 2 * value;
  }

  @Get('sum')
  async getSum(): Promise<{ value: number }> {
    const { value } = await this.calc.client.execute(new AddCmd(2, 3));
    return { value: await firstValueFrom(this.calc.client.send<number>('double', value)) };
  }
}

@Module({ controllers: [CalcController], providers: [Calc] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false });
const microservice = app.connectMicroservice({
  strategy: new CmdStreamServer({ host, port: 0, contract, instrumentation }),
});
await app.startAllMicroservices();
const { port } = microservice.unwrap<CommandServer>().address!;
const client = new CmdStreamClient({ host, port, contract, instrumentation });
app.get(Calc).client = client;
await app.listen(0, host);
const { port: httpPort } = app.getHttpServer().address() as AddressInfo;
const answer = await fetch(`http://${host}:${httpPort}/sum`, { headers: { connection: 'close' } });
console.log(await answer.text());
await client.close();
await app.close();
