import { Injectable, NotFoundException } from '@nestjs/common';

/** The heroes, and what they have killed. */
@Injectable()
export class Heroes {
  readonly #trophies = new Map<string, readonly string[]>([['Siegfried', []]]);

  trophiesOf(hero: string): readonly string[] {
    const trophies = this.#trophies.get(hero);
    if (trophies === undefined) throw new NotFoundException(`there is no hero ${hero}`);
    return trophies;
  }

  addTrophy(hero: string, dragon: string): void {
    this.#trophies.set(hero, [...this.trophiesOf(hero), dragon]);
  }
}
