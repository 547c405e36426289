import { Controller, type OnApplicationShutdown } from '@nestjs/common';
import { CommandHandler } from 'nestjs-cmd-stream';
import { Square, Squared } from './square.contract.js';

@Controller()
export class SquareController implements OnApplicationShutdown {
  #executed = 0;

  @CommandHandler(Square)
  square({ n }: Square) {
    this.#executed++;
    return new Squared(n * n, process.pid);
  }

  /** The process ends, and everything is answered: the one that has started it may count that. */
  async onApplicationShutdown() {
    const message = { executed: this.#executed };
    if (process.connected) await new Promise((sent) => process.send!(message, sent));
  }
}
