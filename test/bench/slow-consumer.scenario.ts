// Unary Commands alone, and beside an endless stream on the same connection whose taker takes one item per 100 ms.
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  Command,
  CmdStreamClient,
  CmdStreamServer,
  CommandHandler,
  type CommandServer,
  defineContract,
  Result,
  StreamCommand,
} from 'nestjs-cmd-stream';
import type { Calling, Scenario, Serving } from './scenario.js';

class Item extends Result {
  constructor(
    readonly n = 0,
    readonly filler = '',
  ) {
    super();
  }
}

class OneCmd extends Command<Item> {
  constructor(readonly n = 0) {
    super();
  }
}

class EndlessCmd extends StreamCommand<Item> {}

const contract = defineContract({ commands: [OneCmd, EndlessCmd], results: [Item] });
const host = '127.0.0.1';
const filler = 'x'.repeat(200);
const TAKE_EVERY_MS = 100;
/** A generator that runs further ahead of its taker than this is a failure of the run. */
const MOST_AHEAD = 64;

@Controller()
class ItemController {
  @CommandHandler(OneCmd)
  one({ n }: OneCmd): Item {
    return new Item(n);
  }

  @CommandHandler(EndlessCmd)
  async *endless(): AsyncGenerator<Item> {
    for (let n = 0; ; n++) {
      produced = n;
      yield new Item(n, filler);
    }
  }
}

let produced = 0;

async function serve(): Promise<Serving> {
  @Module({ controllers: [ItemController] })
  class ItemModule {}
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(ItemModule, {
    strategy: new CmdStreamServer({ host, port: 0, contract, gracePeriodMs: 100 }),
    logger: ['error', 'warn'],
  });
  await app.listen();
  const started = performance.now();
  const close = async (): Promise<void> => {
    const taken = (performance.now() - started) / TAKE_EVERY_MS;
    if (produced > taken + MOST_AHEAD) throw new Error(`${produced} items were produced for ${taken} that were taken`);
    await app.close();
  };
  return { port: app.unwrap<CommandServer>().address!.port, close };
}

async function connect(port: number, isBesideStream: boolean): Promise<Calling> {
  const client = new CmdStreamClient({ host, port, contract });
  await client.connect();
  const stop = new AbortController();
  const taking = isBesideStream ? takeSlowly(client, stop.signal) : Promise.resolve();
  let n = 0;
  return {
    call: async () => {
      const expected = n++;
      const answer = await client.execute(new OneCmd(expected));
      if (answer.n !== expected) throw new Error(`expected ${expected}, got ${answer.n}`);
    },
    close: async () => {
      stop.abort();
      await taking;
      await client.close();
    },
  };
}

async function takeSlowly(client: CmdStreamClient, signal: AbortSignal): Promise<void> {
  let expected = 0;
  for await (const { n } of client.iterate(new EndlessCmd())) {
    if (n !== expected++) throw new Error(`expected item ${expected - 1}, got ${n}`);
    if (signal.aborted) return;
    await delay(TAKE_EVERY_MS);
  }
}

export const slowConsumerScenario: Scenario = {
  name: 'slow-consumer',
  title: 'Unary Commands beside an endless stream that is taken slowly, one connection',
  inFlight: 64,
  variants: [
    { name: 'alone', serve, connect: (port) => connect(port, false) },
    { name: 'beside a slow stream', serve, connect: (port) => connect(port, true) },
  ],
};
