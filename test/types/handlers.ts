// Compiled, never run: what the types of handlers and Invokers allow, and what they refuse.
import { Controller, createParamDecorator } from '@nestjs/common';
import { BaseRpcContext, Ctx, Payload } from '@nestjs/microservices';
import {
  Command,
  CmdStreamContext,
  CommandHandler,
  Invoker,
  Result,
  type CommandContext,
  StreamCommand,
  VoidCommand,
} from 'nestjs-cmd-stream';
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
  readonly A: number = 0;

  override exec(calc: Calc) {
    return new CalcResult(calc.add(1, 2));
  }
}

class PrimesCmd extends StreamCommand<Prime, Calc> {
  override async *exec() {
    yield new Prime(2);
  }
}

class EitherCmd extends StreamCommand<CalcResult | Prime> {}
class ForgetCmd extends VoidCommand {}
class UntypedCmd extends Command {}

class MaybeCmd extends Command<CalcResult | undefined> {
  readonly name: string = '';
}

const Who = createParamDecorator(() => ({ name: 'a user' }));

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

  @CommandHandler(EitherCmd)
  async *either() {
    yield new CalcResult();
    yield new Prime();
  }

  @CommandHandler(ForgetCmd)
  forget() {}

  @CommandHandler(ForgetCmd)
  async forgetLater() {}

  @CommandHandler(UntypedCmd)
  untyped() {}

  @CommandHandler(AddCmd)
  decorated(@Payload('A') _a: number, @Ctx() _context: CmdStreamContext, @Payload() _command: AddCmd) {
    return new CalcResult();
  }

  @CommandHandler(AddCmd)
  decoratedBehind(_command: AddCmd, @Who() _who: { readonly name: string }, @Ctx() _context: BaseRpcContext) {
    return new CalcResult();
  }

  @CommandHandler(AddCmd)
  byItsBaseClass(_command: Command<CalcResult>, _context?: CommandContext) {
    return new CalcResult();
  }

  @CommandHandler(AddCmd)
  byItsShape(_command: { readonly A: number }, ..._rest: unknown[]) {
    return new CalcResult();
  }

  @CommandHandler(AddCmd)
  oneOfTwo(_command: AddCmd | PrimesCmd) {
    return new CalcResult();
  }

  @CommandHandler(AddCmd)
  generic<T extends AddCmd>(_command: T) {
    return new CalcResult();
  }
}

@Controller()
export class Refused {
  // @ts-expect-error: a Command has one Result, whatever its type adds to it
  @CommandHandler(MaybeCmd)
  async maybe({ name }: MaybeCmd) {
    return name === '' ? undefined : new CalcResult();
  }

  // @ts-expect-error: one Result is no stream
  @CommandHandler(AddCmd)
  async *stream() {
    yield new CalcResult();
  }

  // @ts-expect-error: nor an AsyncIterable
  @CommandHandler(AddCmd)
  iterable(): AsyncIterable<CalcResult> {
    return this.stream();
  }

  // @ts-expect-error: many Results come in a stream
  @CommandHandler(PrimesCmd)
  one() {
    return new Prime();
  }

  // @ts-expect-error: also later
  @CommandHandler(PrimesCmd)
  async oneLater() {
    return new Prime();
  }

  // @ts-expect-error: a stream is given, even if it is empty
  @CommandHandler(PrimesCmd)
  noStream() {}

  // @ts-expect-error: a synchronous generator is no stream, at run time neither
  @CommandHandler(PrimesCmd)
  *synchronous() {
    yield new Prime();
  }

  // @ts-expect-error: a Command that answers nothing gives no stream
  @CommandHandler(ForgetCmd)
  async *forgetMany() {
    yield new CalcResult();
  }

  // @ts-expect-error: an AddCmd is answered
  @CommandHandler(AddCmd)
  nothing(): void {}

  // @ts-expect-error: later, too
  @CommandHandler(AddCmd)
  async nothingLater(): Promise<void> {}

  // @ts-expect-error: in every case
  @CommandHandler(AddCmd)
  async perhaps({ A }: AddCmd) {
    return A > 0 ? new CalcResult() : undefined;
  }

  // @ts-expect-error: a PrimesCmd is no AddCmd
  @CommandHandler(AddCmd)
  otherCommand(_command: PrimesCmd) {
    return new CalcResult();
  }

  // @ts-expect-error: wherever it stands
  @CommandHandler(AddCmd)
  otherCommandBehind(_context: CmdStreamContext, @Payload() _command: PrimesCmd) {
    return new CalcResult();
  }

  // @ts-expect-error: even if it may be missing
  @CommandHandler(AddCmd)
  otherCommandPerhaps(_command?: PrimesCmd) {
    return new CalcResult();
  }

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

export class NoResultExec extends Command<CalcResult, Calc> {
  // @ts-expect-error: and no less than that
  override exec(): void {}
}

export class StreamExec extends Command<CalcResult, Calc> {
  // @ts-expect-error: exec of a Command gives one Result
  override async *exec() {
    yield new CalcResult();
  }
}

export class OneExec extends StreamCommand<Prime, Calc> {
  // @ts-expect-error: exec of a StreamCommand gives a stream
  override exec() {
    return new Prime();
  }
}

export class SomethingExec extends VoidCommand<Calc> {
  // @ts-expect-error: exec of a VoidCommand gives nothing
  override exec() {
    return new CalcResult();
  }
}

export class VoidCommandOfReceiver extends VoidCommand<Calc> {
  override exec(calc: Calc) {
    calc.add(1, 2);
  }
}

export class NothingExec extends VoidCommand<Calc> {
  override exec(): void {}
}

export class NothingLaterExec extends VoidCommand<Calc> {
  override async exec(): Promise<void> {}
}

export class WrongReceiverExec extends Command<CalcResult, Calc> {
  // @ts-expect-error: exec is given the Receiver of its Command
  override exec(thermometer: Thermometer) {
    return new CalcResult(thermometer.celsius);
  }
}

@Controller()
export class Limited {
  @CommandHandler(AddCmd, { timeoutMs: 500, transportId: Symbol('other') })
  add({ A }: AddCmd, { metadata, remoteAddress, remotePort }: CmdStreamContext): CalcResult {
    const port: number | undefined = remotePort;
    const from: string | undefined = remoteAddress;
    // @ts-expect-error A Unix domain socket has none.
    const always: string = remoteAddress;
    return new CalcResult(metadata['tenant'] && from === always && port ? A : 0);
  }

  // @ts-expect-error There is no such option.
  @CommandHandler(AddCmd, { timeoutMS: 500 })
  misspelt(): CalcResult {
    return new CalcResult();
  }
}
