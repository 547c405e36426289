// The same Command and Result through Nest from end to end, with the JSON codec and with the MUS codec.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamClient,
  CmdStreamServer,
  type CodecFactory,
  CommandHandler,
  type CommandServer,
  jsonCodec,
} from 'nestjs-cmd-stream';
import { checkPayload, Payload, payloadCodec, PayloadCmd, payloadCommand, payloadContract } from './payload.js';
import type { Calling, Scenario, Serving, Variant } from './scenario.js';

const host = '127.0.0.1';

@Controller()
class PayloadController {
  @CommandHandler(PayloadCmd)
  echo({ Int64, Bool, Float64, Text }: PayloadCmd): Payload {
    return new Payload(Int64, Bool, Float64, Text);
  }
}

@Module({ controllers: [PayloadController] })
class PayloadModule {}

async function serve(codec: CodecFactory): Promise<Serving> {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(PayloadModule, {
    strategy: new CmdStreamServer({ host, port: 0, contract: payloadContract, codec }),
    logger: ['error', 'warn'],
  });
  await app.listen();
  return { port: app.unwrap<CommandServer>().address!.port, close: () => app.close() };
}

async function connect(port: number, codec: CodecFactory): Promise<Calling> {
  const client = new CmdStreamClient({ host, port, contract: payloadContract, codec });
  await client.connect();
  let n = 0;
  return {
    call: async () => {
      const command = payloadCommand(n++ % 1_000);
      checkPayload(command, await client.execute(command));
    },
    close: () => client.close(),
  };
}

function variant(name: string, codec: CodecFactory): Variant {
  return { name, serve: () => serve(codec), connect: (port) => connect(port, codec) };
}

export const musScenario: Scenario = {
  name: 'mus',
  title: 'An int64, a bool, a float64 and a text of 200 bytes through a Nest handler and back, one connection',
  inFlight: 256,
  variants: [variant('JSON', jsonCodec()), variant('MUS', payloadCodec)],
};
