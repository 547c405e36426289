// The Command Pattern in its classic form: a Command that runs itself against a Receiver. Loads no Nest.
import { Command, defineContract, Result } from 'nestjs-cmd-stream/core';

export class Calc {
  add(a: number, b: number): number {
    return a + b;
  }
}

export class Sum extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

export class AddCmd extends Command<Sum, Calc> {
  constructor(
    readonly A = 0,
    readonly B = 0,
  ) {
    super();
  }

  override exec(calc: Calc) {
    return new Sum(calc.add(this.A, this.B));
  }
}

export const contract = defineContract({ commands: [AddCmd], results: [Sum] });
