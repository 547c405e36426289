// The contract of the Go peers (go/contract) in MUS, in the classic style: Commands that execute themselves.
import { setTimeout as delay } from 'node:timers/promises';
import { Command, defineContract, Result, type CommandContext, StreamCommand } from 'nestjs-cmd-stream';
import { mus, musCodec } from 'nestjs-cmd-stream/mus';

/** The Receiver. */
export class Calc {
  add(a: bigint, b: bigint): bigint {
    return BigInt.asIntN(64, a + b);
  }

  sub(a: bigint, b: bigint): bigint {
    return BigInt.asIntN(64, a - b);
  }
}

export class CalcResult extends Result {
  constructor(readonly value = 0n) {
    super();
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

export class EchoResult extends Result {
  constructor(readonly text = '') {
    super();
  }
}

export class AddCmd extends Command<CalcResult, Calc> {
  constructor(
    readonly A = 0n,
    readonly B = 0n,
  ) {
    super();
  }

  override exec(calc: Calc) {
    return new CalcResult(calc.add(this.A, this.B));
  }
}

export class SubCmd extends Command<CalcResult, Calc> {
  constructor(
    readonly A = 0n,
    readonly B = 0n,
  ) {
    super();
  }

  override exec(calc: Calc) {
    return new CalcResult(calc.sub(this.A, this.B));
  }
}

export class CountCmd extends StreamCommand<CountResult, Calc> {
  constructor(readonly N = 0) {
    super();
  }

  override async *exec() {
    for (let at = 0; at < this.N; at++) yield new CountResult(at, at === this.N - 1);
  }
}

export class EchoCmd extends Command<EchoResult, Calc> {
  constructor(readonly text = '') {
    super();
  }

  override exec() {
    return new EchoResult(this.text);
  }
}

export class FailCmd extends Command<CalcResult, Calc> {
  override exec(): CalcResult {
    throw new Error('intentional failure');
  }
}

export class FloatCmd extends Command<CalcResult, Calc> {
  constructor(readonly X = 0) {
    super();
  }

  override exec() {
    return new CalcResult(BigInt(Math.trunc(this.X)));
  }
}

export class TraceCmd extends Command<CalcResult, Calc> {
  constructor(
    readonly MapCarrier: ReadonlyMap<string, string> | null = null,
    readonly Cmd = new AddCmd(),
  ) {
    super();
  }

  override exec(calc: Calc) {
    return this.Cmd.exec(calc);
  }
}

export class SlowCmd extends Command<CalcResult, Calc> {
  constructor(readonly Ms = 0) {
    super();
  }

  override async exec(_calc: Calc, { signal }: CommandContext) {
    await delay(this.Ms, undefined, { signal });
    return new CalcResult(BigInt(this.Ms));
  }
}

export const calcCommands = [AddCmd, SubCmd, CountCmd, EchoCmd, FailCmd, FloatCmd, TraceCmd, SlowCmd] as const;

export const calcContract = defineContract({
  commands: [...calcCommands],
  results: [CalcResult, CountResult, EchoResult],
});

const int = mus.varint.int;
const addCmd = mus.struct(AddCmd, { A: int.bigint, B: int.bigint });

export const calcCodec = musCodec({
  commands: [
    addCmd,
    mus.struct(SubCmd, { A: int.bigint, B: int.bigint }),
    mus.struct(CountCmd, { N: int }),
    mus.struct(EchoCmd, { text: mus.string }),
    mus.struct(FailCmd, {}),
    mus.struct(FloatCmd, { X: mus.raw.float64 }),
    mus.struct(TraceCmd, { MapCarrier: mus.ptr(mus.map(mus.string, mus.string)), Cmd: addCmd }),
    mus.struct(SlowCmd, { Ms: int }),
  ],
  results: [
    mus.struct(CalcResult, { value: int.bigint }),
    mus.struct(CountResult, { I: int, Last: mus.bool }),
    mus.struct(EchoResult, { text: mus.string }),
  ],
});
