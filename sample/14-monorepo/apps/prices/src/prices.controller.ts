import { GetPrice, Price } from '@app/prices-contract';
import { Controller, NotFoundException } from '@nestjs/common';
import { CommandHandler } from 'nestjs-cmd-stream';

@Controller()
export class PricesController {
  readonly #cents = new Map([
    ['tea', 350],
    ['coffee', 420],
  ]);

  @CommandHandler(GetPrice)
  get({ item }: GetPrice) {
    const cents = this.#cents.get(item);
    if (cents === undefined) throw new NotFoundException(`${item} has no price`);
    return new Price(item, cents);
  }
}
