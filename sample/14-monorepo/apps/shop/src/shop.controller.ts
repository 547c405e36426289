import { GetPrice, type pricesContract } from '@app/prices-contract';
import { Controller, Get, Param } from '@nestjs/common';
import { CmdStreamClient, InjectCmdStreamClient } from 'nestjs-cmd-stream';

@Controller('prices')
export class ShopController {
  constructor(@InjectCmdStreamClient() private readonly prices: CmdStreamClient<typeof pricesContract>) {}

  @Get(':item')
  price(@Param('item') item: string) {
    return this.prices.execute(new GetPrice(item));
  }
}
