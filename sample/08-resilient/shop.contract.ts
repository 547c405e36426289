import { Command, defineContract, Result } from 'nestjs-cmd-stream';

export class Amount extends Result {
  constructor(readonly cents = 0) {
    super();
  }
}

/** Asks for a price: to do it twice does no harm, and the class says so. */
export class Price extends Command<Amount> {
  static readonly idempotent = true;

  constructor(readonly pieces = 0) {
    super();
  }
}

/** Takes money: only the application can know whether it may be sent once more. */
export class Pay extends Command<Amount> {
  constructor(readonly cents = 0) {
    super();
  }
}

// The order is part of the wire format: position = type number. Append only.
export const shopContract = defineContract({ commands: [Price, Pay], results: [Amount] });
