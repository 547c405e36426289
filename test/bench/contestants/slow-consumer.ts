// Unary Commands alone, and beside an endless stream on the same connection whose taker takes one item per 100 ms.
import { setTimeout as delay } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
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
import type { Calling, Contestant, Serving } from './contestant.js';
import { host, microservice, portOf } from './nest-app.js';

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
  const strategy = new CmdStreamServer({ host, port: 0, contract, gracePeriodMs: 100 });
  const app = await microservice(ItemController, { strategy });
  const started = performance.now();
  const close = async (): Promise<void> => {
    const taken = (performance.now() - started) / TAKE_EVERY_MS;
    if (produced > taken + MOST_AHEAD) throw new Error(`${produced} items were produced for ${taken} that were taken`);
    await app.close();
  };
  return { port: portOf(app.unwrap<CommandServer>().address), close };
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

export const alone: Contestant = { serve, connect: (port) => connect(port, false) };
export const besideSlowStream: Contestant = { serve, connect: (port) => connect(port, true) };
