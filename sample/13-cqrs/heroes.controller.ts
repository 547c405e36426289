import { Controller } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { CommandHandler } from 'nestjs-cmd-stream';
import { GetTrophies, KillDragon, type Trophies } from './heroes.contract.js';

/** What comes over the network, handed on. This @CommandHandler is ours: it stands on methods of a controller. */
@Controller()
export class HeroesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @CommandHandler(KillDragon)
  kill(command: KillDragon) {
    return this.commands.execute<KillDragon, Trophies>(command);
  }

  @CommandHandler(GetTrophies)
  trophies(query: GetTrophies) {
    return this.queries.execute<GetTrophies, Trophies>(query);
  }
}
