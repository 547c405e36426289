// A contract of an application, as it publishes it.
import { Command, defineContract, Result, StreamCommand, type HandlerResult } from 'nestjs-cmd-stream/core';

export class Sum extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

export class Calc {
  add(a: number, b: number): number {
    return a + b;
  }
}

export class Add extends Command<Sum, Calc> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }

  override exec(calc: Calc) {
    return new Sum(calc.add(this.a, this.b));
  }
}

export class Count extends StreamCommand<Sum> {
  constructor(readonly to = 0) {
    super();
  }
}

export const contract = defineContract({ commands: [Add, Count], results: [Sum] });
export const [firstCommand] = contract.commands.types;

export function answered(to: number): HandlerResult<Sum> {
  return to > 0 ? new Sum(to) : Promise.resolve(new Sum());
}
