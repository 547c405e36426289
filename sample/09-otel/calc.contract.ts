import { Command, defineContract, Result, traceCommand } from 'nestjs-cmd-stream';

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

export class AddCmd extends Command<CalcResult> {
  constructor(
    readonly A = 0,
    readonly B = 0,
  ) {
    super();
  }
}

// Go: otelcmd.TraceCmd[Calc, AddCmd]. A plain peer takes no metadata: the trace travels within the Command.
export class TracedAddCmd extends traceCommand(AddCmd) {}

// The order is part of the wire format: position = type number. Append only.
export const calcContract = defineContract({ commands: [AddCmd, TracedAddCmd], results: [CalcResult] });
