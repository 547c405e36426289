import { Command, defineContract, Result } from 'nestjs-cmd-stream';

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

// Go: type AddCmd struct{ A, B int }. The fields have the names of the JSON that Go writes.
export class AddCmd extends Command<CalcResult> {
  constructor(
    readonly A = 0,
    readonly B = 0,
  ) {
    super();
  }
}

// Go: type SubCmd struct{ A, B int }
export class SubCmd extends Command<CalcResult> {
  constructor(
    readonly A = 0,
    readonly B = 0,
  ) {
    super();
  }
}

// The order is that of the lists in Go: position = type number.
export const calcContract = defineContract({ commands: [AddCmd, SubCmd], results: [CalcResult] });
