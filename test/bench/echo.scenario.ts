// The smallest call there is: a JSON body of 64 bytes to a handler of Nest and back, over one connection.
// Nest's own TCP transport with a string pattern against Commands, taken as a Promise and as an Observable.
import 'reflect-metadata';
import type { Server } from 'node:net';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientTCP, MessagePattern, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import {
  CmdStreamClient,
  CmdStreamServer,
  Command,
  CommandHandler,
  type CommandServer,
  defineContract,
  Result,
} from 'nestjs-cmd-stream';
import { firstValueFrom } from 'rxjs';
import type { Calling, Scenario, Serving } from './scenario.js';

interface Payload {
  readonly text: string;
}

class Echo extends Result implements Payload {
  constructor(readonly text = '') {
    super();
  }
}

class EchoCmd extends Command<Echo> implements Payload {
  constructor(readonly text = '') {
    super();
  }
}

const BODY_BYTES = 64;
const text = 'x'.repeat(BODY_BYTES - '{"text":""}'.length);
const contract = defineContract({ commands: [EchoCmd], results: [Echo] });
const host = '127.0.0.1';

@Controller()
class PatternController {
  @MessagePattern('echo')
  echo(payload: Payload): Payload {
    return { text: payload.text };
  }
}

@Controller()
class CommandController {
  @CommandHandler(EchoCmd)
  echo(command: EchoCmd): Echo {
    return new Echo(command.text);
  }
}

async function start(controller: Type, options: MicroserviceOptions) {
  @Module({ controllers: [controller] })
  class EchoModule {}
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(EchoModule, {
    ...options,
    logger: ['error', 'warn'],
  });
  await app.listen();
  return app;
}

async function servePattern(): Promise<Serving> {
  const app = await start(PatternController, { transport: Transport.TCP, options: { host, port: 0 } });
  return { port: portOf(app.unwrap<Server>().address()), close: () => app.close() };
}

async function serveCommand(): Promise<Serving> {
  const app = await start(CommandController, { strategy: new CmdStreamServer({ host, port: 0, contract }) });
  return { port: portOf(app.unwrap<CommandServer>().address), close: () => app.close() };
}

function portOf(address: ReturnType<Server['address']>): number {
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return address.port;
}

async function connectPattern(port: number): Promise<Calling> {
  const client = new ClientTCP({ host, port });
  const payload: Payload = { text };
  const call = async () => check(await firstValueFrom(client.send<Payload>('echo', payload)));
  return calling(client, call);
}

async function connectCommand(port: number, echo: (client: CmdStreamClient) => Promise<Echo>): Promise<Calling> {
  const client = new CmdStreamClient({ host, port, contract });
  return calling(client, async () => check(await echo(client)));
}

async function calling(
  client: { connect(): Promise<unknown>; close(): unknown },
  call: () => Promise<void>,
): Promise<Calling> {
  await client.connect();
  return { call, close: async () => client.close() };
}

function check(answer: Payload): void {
  if (answer.text !== text) throw new Error(`expected ${text}, got ${answer.text}`);
}

export const echoScenario: Scenario = {
  name: 'echo',
  title: `JSON echo of ${BODY_BYTES} bytes through a Nest handler, one connection`,
  inFlight: 256,
  variants: [
    { name: 'tcp', serve: servePattern, connect: connectPattern },
    {
      name: 'execute',
      serve: serveCommand,
      connect: (port) => connectCommand(port, (client) => client.execute(new EchoCmd(text))),
    },
    {
      name: 'send',
      serve: serveCommand,
      connect: (port) => connectCommand(port, (client) => firstValueFrom(client.send(new EchoCmd(text)))),
    },
  ],
};
