import { Command, defineContract, Result } from 'nestjs-cmd-stream';

export class Trophies extends Result {
  constructor(readonly dragons: readonly string[] = []) {
    super();
  }
}

export class KillDragon extends Command<Trophies> {
  constructor(
    readonly hero = '',
    readonly dragon = '',
  ) {
    super();
  }
}

export class GetTrophies extends Command<Trophies> {
  constructor(readonly hero = '') {
    super();
  }
}

// The order is part of the wire format: position = type number. Append only.
export const heroesContract = defineContract({ commands: [KillDragon, GetTrophies], results: [Trophies] });
