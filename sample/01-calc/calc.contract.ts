import { Command, defineContract, Result, StreamCommand } from 'nestjs-cmd-stream';

// Go: type CalcResult int. The body is the bare number.
export class CalcResult extends Result {
  constructor(readonly value = 0) {
    super();
  }

  toJSON() {
    return this.value;
  }

  static fromJSON(value: number) {
    return new CalcResult(value);
  }
}

export class Prime extends Result {
  constructor(
    readonly P = 0,
    readonly Last = false,
  ) {
    super();
  }

  override lastOne() {
    return this.Last;
  }
}

export class AddCmd extends Command<CalcResult> {
  constructor(
    readonly A = 0,
    readonly B = 0,
  ) {
    super();
  }
}

export class SubCmd extends Command<CalcResult> {
  constructor(
    readonly A = 0,
    readonly B = 0,
  ) {
    super();
  }
}

export class PrimesCmd extends StreamCommand<Prime> {
  constructor(readonly Count = 0) {
    super();
  }
}

// The order is part of the wire format: position = type number. Append only.
export const calcContract = defineContract({ commands: [AddCmd, SubCmd, PrimesCmd], results: [CalcResult, Prime] });
