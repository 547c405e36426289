// Compiled, never run: what the types of handlers and Invokers allow, and what they refuse.
import { Controller } from '@nestjs/common';
import { CmdStreamContext, Command, CommandHandler, Invoker, Result } from 'nestjs-cmd-stream';
import { of, type Observable } from 'rxjs';

class CalcResult extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

class Prime extends Result {
  constructor(readonly P = 0) {
    super();
  }
}

abstract class Calc {
  abstract add(a: number, b: number): number;
}

abstract class Thermometer {
  abstract readonly celsius: number;
}

class AddCmd extends Command<CalcResult, Calc> {
  override exec(calc: Calc) {
    return new CalcResult(calc.add(1, 2));
  }
}

class PrimesCmd extends Command<Prime, Calc> {
  override async *exec() {
    yield new Prime(2);
  }
}

class EitherCmd extends Command<CalcResult | Prime> {}
class ForgetCmd extends Command<void> {}
class NoExecCmd extends Command<CalcResult, Calc> {}

@Controller()
export class Compiles {
  @CommandHandler(AddCmd)
  value(_command: AddCmd) {
    return new CalcResult();
  }

  @CommandHandler(AddCmd)
  async promise(_command: AddCmd, _context: CmdStreamContext) {
    return new CalcResult();
  }

  @CommandHandler(AddCmd)
  observable(_context: CmdStreamContext, _command: AddCmd) {
    return of(new CalcResult());
  }

  @CommandHandler(AddCmd)
  async promisedObservable(_context: CmdStreamContext): Promise<Observable<CalcResult>> {
    return of(new CalcResult());
  }

  @CommandHandler(PrimesCmd)
  async *generator() {
    yield new Prime();
  }

  @CommandHandler(PrimesCmd)
  iterable(_command: PrimesCmd): AsyncIterable<Prime> {
    return this.generator();
  }

  @CommandHandler(PrimesCmd)
  async promisedIterable(): Promise<AsyncIterable<Prime>> {
    return this.generator();
  }

  @CommandHandler(AddCmd)
  nothing(): void {}

  @CommandHandler(AddCmd)
  async nothingLater(): Promise<void> {}

  @CommandHandler(AddCmd)
  async perhaps(command: AddCmd) {
    return command.constructor === AddCmd ? new CalcResult() : undefined;
  }

  @CommandHandler(EitherCmd)
  async *either() {
    yield new CalcResult();
    yield new Prime();
  }

  @CommandHandler(ForgetCmd)
  forget() {}
}

@Controller()
export class Refused {
  // @ts-expect-error: a string is not what an AddCmd is answered with
  @CommandHandler(AddCmd)
  value() {
    return 'five';
  }

  // @ts-expect-error: nor is the Result of another Command
  @CommandHandler(AddCmd)
  otherResult() {
    return new Prime();
  }

  // @ts-expect-error: nor a promise of it
  @CommandHandler(AddCmd)
  async promise() {
    return new Prime();
  }

  // @ts-expect-error: nor an Observable of it
  @CommandHandler(AddCmd)
  observable() {
    return of(new Prime());
  }

  // @ts-expect-error: nor a generator of it
  @CommandHandler(AddCmd)
  async *generator() {
    yield new Prime();
  }

  // @ts-expect-error: a generator that is not asynchronous is no stream
  @CommandHandler(PrimesCmd)
  *syncGenerator() {
    yield new Prime();
  }

  // @ts-expect-error: a Command that answers nothing is answered with nothing
  @CommandHandler(ForgetCmd)
  forget() {
    return new CalcResult();
  }

  // @ts-expect-error: a handler is a method
  @CommandHandler(AddCmd)
  readonly property = 1;
}

// @ts-expect-error: a handler is no class
@CommandHandler(AddCmd)
export class NoHandler {}

// @ts-expect-error: a handler is for a class, not for an instance
export const ofInstance = CommandHandler(new AddCmd());
// @ts-expect-error: a Result is no Command
export const ofResult = CommandHandler(CalcResult);

export class ByClass extends Invoker(Calc, [AddCmd, PrimesCmd]) {}
export class ByToken extends Invoker<Calc>('CALC', [AddCmd]) {}
export class ByConcrete extends Invoker(
  class extends Calc {
    add = () => 0;
  },
  [AddCmd],
) {}

// @ts-expect-error: an AddCmd runs against Calc
export const otherReceiver = Invoker(Thermometer, [AddCmd]);
// @ts-expect-error: a Command without exec cannot run itself
export const noExec = Invoker(Calc, [NoExecCmd]);
// @ts-expect-error: a Receiver is no Command
export const noCommand = Invoker(Calc, [Thermometer]);

export class WrongExec extends Command<CalcResult, Calc> {
  // @ts-expect-error: exec gives the Results of its Command
  override exec() {
    return new Prime();
  }
}
