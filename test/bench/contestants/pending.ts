// What a Command holds while it is pending: many are sent that wait in their handler, and the heap is looked at before
// and behind it, at the client and, which the server answers itself, at the server.
import { setTimeout as delay } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
import {
  CmdStreamClient,
  CmdStreamServer,
  Command,
  CommandHandler,
  type CommandServer,
  defineContract,
  Result,
} from 'nestjs-cmd-stream';
import { heapBytes } from '../load.js';
import type { Contestant } from './contestant.js';
import { host, microservice, portOf } from './nest-app.js';

const HELD = 20_000;
const PAST_ALL = 1_000_000;

class Held extends Result {
  constructor(
    readonly waiting = 0,
    readonly heap = 0,
  ) {
    super();
  }
}

/** Not answered before a FreeCmd has come. */
class HoldCmd extends Command<Held> {
  constructor(readonly text = '') {
    super();
  }
}

class LookCmd extends Command<Held> {}

class FreeCmd extends Command<Held> {}

const contract = defineContract({ commands: [HoldCmd, LookCmd, FreeCmd], results: [Held] });

@Controller()
class HoldController {
  readonly #waiting: ((held: Held) => void)[] = [];

  @CommandHandler(HoldCmd)
  hold(): Promise<Held> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  @CommandHandler(LookCmd)
  look(): Held {
    return new Held(this.#waiting.length, heapBytes());
  }

  @CommandHandler(FreeCmd)
  free(): Held {
    const waiting = this.#waiting.splice(0);
    for (const resolve of waiting) resolve(new Held());
    return new Held(waiting.length);
  }
}

export const pending: Contestant = {
  async serve() {
    const limits = { maxInFlight: PAST_ALL, maxInFlightPerConnection: PAST_ALL };
    const app = await microservice(HoldController, {
      strategy: new CmdStreamServer({ host, port: 0, contract, ...limits }),
    });
    return { port: portOf(app.unwrap<CommandServer>().address), close: () => app.close() };
  },
  async connect(port) {
    const client = new CmdStreamClient({ host, port, contract, timeoutMs: 600_000 });
    await client.connect();
    const figures = { clientBytes: 0, serverBytes: 0 };
    const call = async (): Promise<void> => {
      const { heap: before } = await client.execute(new LookCmd());
      const clientBefore = heapBytes();
      const held = Array.from({ length: HELD }, () => client.execute(new HoldCmd('x'.repeat(53))));
      const wait = (): Promise<Held> => client.execute(new LookCmd());
      let last = await wait();
      for (; last.waiting < HELD; last = await wait()) await delay(10);
      figures.clientBytes = (heapBytes() - clientBefore) / HELD;
      figures.serverBytes = (last.heap - before) / HELD;
      await client.execute(new FreeCmd());
      await Promise.all(held);
    };
    return { call, figures: () => figures, close: () => client.close() };
  },
};
