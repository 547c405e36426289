import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CmdStreamClient,
  CmdStreamServer,
  Command,
  CommandHandler,
  defineContract,
  Result,
  StreamCommand,
} from 'nestjs-cmd-stream';

// The contract: what both sides share.
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

class CountCmd extends StreamCommand<Sum> {
  constructor(readonly to = 0) {
    super();
  }
}

const contract = defineContract({ commands: [AddCmd, CountCmd], results: [Sum] });

// The server: one Result for an AddCmd, many for a CountCmd.
@Controller()
class CalcController {
  @CommandHandler(AddCmd)
  add({ a, b }: AddCmd) {
    return new Sum(a + b);
  }

  @CommandHandler(CountCmd)
  async *count({ to }: CountCmd) {
    for (let n = 1; n <= to; n++) yield new Sum(n);
  }
}

@Module({ controllers: [CalcController] })
class CalcModule {}

async function main() {
  const port = Number(process.env['PORT'] ?? 3000);
  const server = new CmdStreamServer({ port, contract });
  const app = await NestFactory.createMicroservice(CalcModule, { strategy: server, logger: ['error', 'warn'] });
  await app.listen();

  // The client, which usually is another process.
  const client = new CmdStreamClient({ port, contract });
  const sum = await client.execute(new AddCmd(2, 3)); // a Sum, and the compiler knows it
  for await (const { value } of client.iterate(new CountCmd(sum.value))) console.log(`${value} of ${sum.value}`);

  await client.close();
  await app.close();
}

void main();
