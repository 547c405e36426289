import {
  CommandHandler,
  EventBus,
  EventsHandler,
  type ICommandHandler,
  type IEventHandler,
  type IQueryHandler,
  QueryHandler,
} from '@nestjs/cqrs';
import { GetTrophies, KillDragon, Trophies } from './heroes.contract.js';
import { Heroes } from './heroes.js';

export class DragonKilled {
  constructor(
    readonly hero: string,
    readonly dragon: string,
  ) {}
}

/** This @CommandHandler is that of @nestjs/cqrs: it stands on a class. */
@CommandHandler(KillDragon)
export class KillDragonHandler implements ICommandHandler<KillDragon, Trophies> {
  constructor(
    private readonly heroes: Heroes,
    private readonly events: EventBus,
  ) {}

  async execute({ hero, dragon }: KillDragon) {
    this.heroes.addTrophy(hero, dragon);
    this.events.publish(new DragonKilled(hero, dragon));
    return new Trophies(this.heroes.trophiesOf(hero));
  }
}

@QueryHandler(GetTrophies)
export class GetTrophiesHandler implements IQueryHandler<GetTrophies, Trophies> {
  constructor(private readonly heroes: Heroes) {}

  async execute({ hero }: GetTrophies) {
    return new Trophies(this.heroes.trophiesOf(hero));
  }
}

@EventsHandler(DragonKilled)
export class Herald implements IEventHandler<DragonKilled> {
  handle({ hero, dragon }: DragonKilled) {
    console.log(`herald: ${hero} has killed ${dragon}`);
  }
}
