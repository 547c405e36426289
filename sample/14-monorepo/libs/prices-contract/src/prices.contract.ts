import { Command, defineContract, Result } from 'nestjs-cmd-stream';

export class Price extends Result {
  constructor(
    readonly item = '',
    readonly cents = 0,
  ) {
    super();
  }
}

export class GetPrice extends Command<Price> {
  constructor(readonly item = '') {
    super();
  }
}

// The order is part of the wire format: position = type number. Append only.
export const pricesContract = defineContract({ commands: [GetPrice], results: [Price] });
