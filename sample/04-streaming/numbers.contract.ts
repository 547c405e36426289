import { defineContract, Result, StreamCommand } from 'nestjs-cmd-stream';

export class Num extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

/** 1, 2, 3 … as fast as they are taken. */
export class Count extends StreamCommand<Num> {
  constructor(readonly to = 0) {
    super();
  }
}

/** 1, 2, 3 … at a pace of their own, without an end. */
export class Watch extends StreamCommand<Num> {
  constructor(readonly everyMs = 1_000) {
    super();
  }
}

/** One soon, the next one after a minute. */
export class Search extends StreamCommand<Num> {}

// The order is part of the wire format: position = type number. Append only.
export const numbersContract = defineContract({ commands: [Count, Watch, Search], results: [Num] });
