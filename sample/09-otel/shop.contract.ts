import { Command, defineContract, Result } from 'nestjs-cmd-stream';

export class Order extends Result {
  constructor(
    readonly id = 0,
    readonly cents = 0,
  ) {
    super();
  }
}

export class GetOrder extends Command<Order> {
  constructor(readonly id = 0) {
    super();
  }
}

export const ordersContract = defineContract({ commands: [GetOrder], results: [Order] });

export class Price extends Result {
  constructor(readonly cents = 0) {
    super();
  }
}

export class GetPrice extends Command<Price> {
  constructor(readonly article = '') {
    super();
  }
}

export const pricesContract = defineContract({ commands: [GetPrice], results: [Price] });
