import { setTimeout as delay } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
import { CmdStreamContext, CommandHandler } from 'nestjs-cmd-stream';
import { Amount, Pay, Price } from './shop.contract.js';

const WORK_MS = 50;

@Controller()
export class ShopController {
  @CommandHandler(Price)
  async price({ pieces }: Price, { signal }: CmdStreamContext) {
    await delay(WORK_MS, undefined, { signal });
    return new Amount(pieces * 250);
  }

  @CommandHandler(Pay)
  async pay({ cents }: Pay, { signal }: CmdStreamContext) {
    await delay(WORK_MS, undefined, { signal });
    return new Amount(cents);
  }
}
