// The contract of the end-to-end tests, written as an application would. Type numbers are those of `calc-frames`.
import { Command, defineContract, Result, StreamCommand } from 'nestjs-cmd-stream';

export class CalcResult extends Result {
  constructor(readonly value = 0) {
    super();
  }

  toJSON(): number {
    return this.value;
  }

  static fromJSON(value: number): CalcResult {
    return new CalcResult(value);
  }
}

/** One of several Results; `Last` says which one ends the Command. */
export class CountResult extends Result {
  constructor(
    readonly I = 0,
    readonly Last = false,
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.Last;
  }
}

export class EchoResult extends Result {
  constructor(readonly text = '') {
    super();
  }

  toJSON(): string {
    return this.text;
  }

  static fromJSON(text: string): EchoResult {
    return new EchoResult(text);
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

export class CountCmd extends StreamCommand<CountResult> {
  constructor(readonly N = 0) {
    super();
  }
}

export class EchoCmd extends Command<EchoResult> {
  constructor(readonly text = '') {
    super();
  }

  toJSON(): string {
    return this.text;
  }

  static fromJSON(text: string): EchoCmd {
    return new EchoCmd(text);
  }
}

/** What becomes of it is up to the test. */
export class FailCmd extends Command<CalcResult> {}

/** In no contract. */
export class StrayCmd extends Command<CalcResult> {}

export const calcContract = defineContract({
  commands: [AddCmd, SubCmd, CountCmd, EchoCmd, FailCmd],
  results: [CalcResult, CountResult, EchoResult],
});
