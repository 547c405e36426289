import { Controller } from '@nestjs/common';
import { CommandHandler as CqrsCommandHandler } from '@nestjs/cqrs';
import { CommandHandler } from 'nestjs-cmd-stream';
import { GetTrophies, KillDragon, Trophies } from './heroes.contract.js';

/** What an import from the wrong package comes to: the second method would serve no caller. */
@Controller()
export class MixedUpController {
  @CommandHandler(GetTrophies)
  trophies() {
    return new Trophies();
  }

  // @ts-expect-error: tsc refuses it; compilers that check no types, such as SWC and esbuild, let it pass.
  @CqrsCommandHandler(KillDragon)
  kill() {
    return new Trophies();
  }
}
