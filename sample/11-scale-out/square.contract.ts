import { Command, defineContract, Result } from 'nestjs-cmd-stream';

export class Squared extends Result {
  constructor(
    readonly value = 0,
    /** Which process has answered. */
    readonly pid = 0,
  ) {
    super();
  }
}

export class Square extends Command<Squared> {
  // May be sent again when its connection is lost: a process that crashes costs no answer.
  static readonly idempotent = true;

  constructor(readonly n = 0) {
    super();
  }
}

// The order is part of the wire format: position = type number. Append only.
export const squareContract = defineContract({ commands: [Square], results: [Squared] });
