// The types the wire vectors speak of, as a user of the package would write them for a Go peer. No behaviour.
import { Command, Result, StreamCommand } from '../../lib/contract/command.js';
import { defineContract } from '../../lib/contract/contract.js';

type Int = number | bigint;

/** Go: `type CalcResult int`. */
export class CalcResult extends Result {
  constructor(readonly value: Int = 0) {
    super();
  }

  toJSON(): Int {
    return this.value;
  }

  static fromJSON(value: unknown): CalcResult {
    return new CalcResult(value === null ? 0 : intOf(value));
  }
}

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

/** Go: `type EchoResult string`. */
export class EchoResult extends Result {
  constructor(readonly text = '') {
    super();
  }

  toJSON(): string {
    return this.text;
  }

  static fromJSON(value: unknown): EchoResult {
    return new EchoResult(textOf(value));
  }
}

export class AddCmd extends Command<CalcResult> {
  constructor(
    readonly A: Int = 0,
    readonly B: Int = 0,
  ) {
    super();
  }
}

export class SubCmd extends Command<CalcResult> {
  constructor(
    readonly A: Int = 0,
    readonly B: Int = 0,
  ) {
    super();
  }
}

export class CountCmd extends StreamCommand<CountResult> {
  constructor(readonly N = 0) {
    super();
  }
}

/** Go: `type EchoCmd string`. */
export class EchoCmd extends Command<EchoResult> {
  constructor(readonly text = '') {
    super();
  }

  toJSON(): string {
    return this.text;
  }

  static fromJSON(value: unknown): EchoCmd {
    return new EchoCmd(textOf(value));
  }
}

/** The Command whose execution fails. */
export class FailCmd extends Command<CalcResult> {}

export class FloatCmd extends Command<CalcResult> {
  constructor(readonly X = 0) {
    super();
  }
}

/** A Command wrapped for tracing, Go: `otelcmd.TraceCmd[Calc, AddCmd]`. */
export class TraceCmd extends Command<CalcResult> {
  constructor(
    readonly MapCarrier: Readonly<Record<string, string>> | null = null,
    readonly Cmd: Readonly<Pick<AddCmd, 'A' | 'B'>> = { A: 0, B: 0 },
  ) {
    super();
  }
}

/** In no contract. */
export class UnknownCmd extends Command {}

export const vectorContract = defineContract({
  commands: [AddCmd, SubCmd, CountCmd, EchoCmd, FailCmd, FloatCmd, TraceCmd],
  results: [CalcResult, CountResult, EchoResult],
});

function intOf(value: unknown): Int {
  if (typeof value === 'bigint' || Number.isInteger(value)) return value as Int;
  throw new TypeError(`${typeof value} is no integer`);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  throw new TypeError(`${typeof value} is no text`);
}
