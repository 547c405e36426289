// What the examples of a Nest application serve: a Command with rules, one with a stream, and a route of HTTP.
import { setImmediate } from 'node:timers/promises';
import { ConflictException, Controller, Get, Module, NotFoundException } from '@nestjs/common';
import { IsInt, Min } from 'class-validator';
import { Command, CmdStreamContext, CommandHandler, defineContract, Result, StreamCommand } from 'nestjs-cmd-stream';

export class OrderTaken extends Result {
  constructor(readonly pieces = 0) {
    super();
  }
}

export class Progress extends Result {
  constructor(readonly percent = 0) {
    super();
  }

  override lastOne() {
    return this.percent >= 100;
  }
}

export class TakeOrder extends Command<OrderTaken> {
  @IsInt()
  @Min(1)
  readonly pieces: number;

  constructor(pieces = 0) {
    super();
    this.pieces = pieces;
  }
}

export class FollowOrder extends StreamCommand<Progress> {}

export const ordersContract = defineContract({
  commands: [TakeOrder, FollowOrder],
  results: [OrderTaken, Progress],
});

@Controller()
export class OrdersController {
  @CommandHandler(TakeOrder)
  take({ pieces }: TakeOrder) {
    if (pieces > 100) throw new ConflictException('sold out');
    return new OrderTaken(pieces);
  }

  @CommandHandler(FollowOrder)
  async *follow(_command: FollowOrder, { signal }: CmdStreamContext) {
    for (let percent = 0; percent <= 100; percent += 10) {
      await setImmediate(undefined, { signal });
      yield new Progress(percent);
    }
  }

  @Get('orders/latest')
  latest() {
    throw new NotFoundException('no order yet');
  }
}

@Module({ controllers: [OrdersController] })
export class OrdersModule {}
