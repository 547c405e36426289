// Commands that run themselves against an injected Receiver: Invoker() as a controller, and as a class to extend.
import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Inject,
  Injectable,
  Scope,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type ModuleMetadata,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import type { RequestContext } from '@nestjs/microservices';
import {
  Command,
  CmdStreamContext,
  defineContract,
  Invoker,
  Result,
  type CommandContext,
  StreamCommand,
  VoidCommand,
} from 'nestjs-cmd-stream';
import { from, lastValueFrom, map, toArray, type Observable } from 'rxjs';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

abstract class Calc {
  abstract add(a: number, b: number): number;
}

class Sum extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

class Step extends Result {
  constructor(
    readonly at = 0,
    readonly last = false,
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.last;
  }
}

class AddCmd extends Command<Sum, Calc> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }

  override exec(calc: Calc): Sum {
    return new Sum(calc.add(this.a, this.b));
  }
}

class SlowAddCmd extends Command<Sum, Calc> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }

  override async exec(calc: Calc): Promise<Sum> {
    await turns(1);
    return new Sum(calc.add(this.a, this.b));
  }
}

class StepsCmd extends StreamCommand<Step, Calc> {
  static contexts: CommandContext[] = [];

  constructor(readonly to = 0) {
    super();
  }

  override async *exec(calc: Calc, context: CommandContext): AsyncGenerator<Step> {
    StepsCmd.contexts.push(context);
    for (let at = 1; at <= this.to; at = calc.add(at, 1)) yield new Step(at, at === this.to);
  }
}

class ObservedStepsCmd extends StreamCommand<Step, Calc> {
  constructor(readonly to = 0) {
    super();
  }

  override exec(calc: Calc): Observable<Step> {
    return from(Array.from({ length: this.to }, (_, index) => calc.add(index, 1))).pipe(
      map((at) => new Step(at, at === this.to)),
    );
  }
}

/** Does something, answers nothing. */
class ForgetCmd extends VoidCommand<Calc> {
  override exec(calc: Calc): void {
    calc.add(1, 1);
  }
}

class BrokenCmd extends Command<Sum, Calc> {
  override exec(): Sum {
    throw new Error('cannot be executed');
  }
}

class NoExecCmd extends Command<Sum, Calc> {}

const commands = [AddCmd, SlowAddCmd, StepsCmd, ObservedStepsCmd, ForgetCmd, BrokenCmd] as const;
const contract = defineContract({ commands, results: [Sum, Step] });

@Injectable()
class CountingCalc extends Calc {
  calls = 0;

  add(a: number, b: number): number {
    this.calls++;
    return a + b;
  }
}

const calcProvider = { provide: Calc, useClass: CountingCalc };

async function serve(module: ModuleMetadata): Promise<{ server: NestServer; client: HandMadeClient }> {
  const options = { contract, onPlainError: () => new Sum(-1) };
  const server = own(await NestServer.listen({ module, options }));
  return { server, client: own(new HandMadeClient(server.port, { contract })) };
}

describe('Invoker()', () => {
  it('is a controller that runs each Command against the Receiver', async () => {
    StepsCmd.contexts = [];
    const { server, client } = await serve({ controllers: [Invoker(Calc, commands)], providers: [calcProvider] });
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new Sum(5));
    expect(await client.execute(new SlowAddCmd(2, 3))).toEqual(new Sum(5));
    for (const command of [new StepsCmd(3), new ObservedStepsCmd(3)]) {
      const steps = await lastValueFrom(client.send(command).pipe(toArray()));
      expect(steps).toEqual([new Step(1), new Step(2), new Step(3, true)]);
    }
    expect(StepsCmd.contexts).toEqual([expect.any(CmdStreamContext)]);
    const calc = server.app.get<CountingCalc>(Calc);
    const { calls } = calc;
    await lastValueFrom(client.emit(new ForgetCmd()));
    await until('it was executed', () => calc.calls === calls + 1);
  });

  it('lets an exec that throws harm its Command only', async () => {
    const { client } = await serve({ controllers: [Invoker(Calc, commands)], providers: [calcProvider] });
    const answers = await Promise.all([client.execute(new BrokenCmd()), client.execute(new AddCmd(2, 3))]);
    expect(answers).toEqual([new Sum(-1), new Sum(5)]);
  });

  it('may stand several times in one module, each with its own Receiver, by class or by token', async () => {
    const product = { add: (a: number, b: number) => a * b };
    const module = {
      controllers: [Invoker(Calc, [AddCmd]), Invoker<Calc>('PRODUCT', [SlowAddCmd])],
      providers: [calcProvider, { provide: 'PRODUCT', useValue: product }],
    };
    const { client } = await serve(module);
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new Sum(5));
    expect(await client.execute(new SlowAddCmd(2, 3))).toEqual(new Sum(6));
  });

  it('may be extended by a class with guards, interceptors and dependencies of its own', async () => {
    class Small implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        return context.switchToRpc().getData<AddCmd>().a < 10;
      }
    }
    class Negating {
      intercept(_context: ExecutionContext, next: CallHandler<Sum>) {
        return next.handle().pipe(map(({ value }) => new Sum(-value)));
      }
    }
    @UseGuards(Small)
    @UseInterceptors(Negating)
    @Controller()
    class CalcInvoker extends Invoker(Calc, [AddCmd]) {}
    const { server, client } = await serve({ controllers: [CalcInvoker], providers: [calcProvider] });
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new Sum(-5));
    expect(await client.execute(new AddCmd(20, 3))).toEqual(new Sum(-1));
    expect(server.app.get<CountingCalc>(Calc).calls).toBe(1);
  });

  it('may have a Receiver in request scope: a new one for each Command', async () => {
    const receivers: unknown[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class RequestCalc extends Calc {
      constructor(@Inject(REQUEST) readonly request: RequestContext<unknown, CmdStreamContext>) {
        super();
        receivers.push(this);
      }

      add(a: number, b: number): number {
        return a + b + 100 * (this.request.context!.seq as number);
      }
    }
    const module = {
      controllers: [Invoker(Calc, [AddCmd, StepsCmd])],
      providers: [{ provide: Calc, useClass: RequestCalc }],
    };
    const { client } = await serve(module);
    const sums = await Promise.all([1, 2, 3].map((n) => client.execute(new AddCmd(n, 0))));
    expect(sums.map(({ value }) => value)).toEqual([101, 202, 303]);
    expect(receivers).toHaveLength(3);
  });

  it('may have a transient Receiver', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class TransientCalc extends CountingCalc {}
    const module = { controllers: [Invoker(Calc, [AddCmd])], providers: [{ provide: Calc, useClass: TransientCalc }] };
    const { client } = await serve(module);
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new Sum(5));
  });

  it('has methods like those of a class that was written by hand', () => {
    const { prototype } = Invoker(Calc, [AddCmd]);
    const { value, ...how } = Object.getOwnPropertyDescriptor(prototype, 'AddCmd')!;
    expect(typeof value).toBe('function');
    expect(how).toEqual({ writable: true, configurable: true, enumerable: false });
  });

  it('refuses an exec that gives a stream where the Command has one Result', () => {
    class ManyCmd extends Command<Sum, Calc> {}
    Object.assign(ManyCmd.prototype, { exec: StepsCmd.prototype.exec });
    const untyped = Invoker as (receiver: unknown, commands: unknown[]) => unknown;
    const message = 'Invoker: exec of ManyCmd: an async generator has many Results, and ManyCmd has one Result';
    expect(() => untyped(Calc, [ManyCmd])).toThrow(
      expect.objectContaining({ code: 'INVALID_HANDLER', message: expect.stringContaining(message) as unknown }),
    );
  });

  it('refuses a Command without exec when it is defined, and names it', () => {
    const untyped = Invoker as (receiver: unknown, commands: unknown[]) => unknown;
    expect(() => untyped(Calc, [AddCmd, NoExecCmd])).toThrow(
      expect.objectContaining({ code: 'INVALID_HANDLER', message: expect.stringContaining('NoExecCmd') as unknown }),
    );
    for (const none of [undefined, null, {}, 'AddCmd', () => {}]) {
      expect(() => untyped(Calc, [none])).toThrow(expect.objectContaining({ code: 'INVALID_HANDLER' }));
    }
  });

  it('refuses to list two Commands under one name', () => {
    class Namesake extends AddCmd {}
    Object.defineProperty(Namesake, 'name', { value: 'AddCmd' });
    for (const second of [AddCmd, Namesake]) {
      expect(() => Invoker<Calc>(Calc, [AddCmd, second])).toThrow(
        expect.objectContaining({ code: 'INVALID_HANDLER', message: expect.stringContaining('AddCmd') as unknown }),
      );
    }
  });
});
