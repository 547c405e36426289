// Which parameter of a handler gets what: by its type where it has no decorator, in any order, and beside decorated
// ones.
import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  createParamDecorator,
  Injectable,
  type ArgumentMetadata,
  type ExecutionContext,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { BaseRpcContext, Ctx, Payload } from '@nestjs/microservices';
import { CmdStreamContext, CommandHandler, Command, type CmdStreamContext as ContextType } from 'nestjs-cmd-stream';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, calcContract } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();

const Caller = createParamDecorator((_: unknown, context: ExecutionContext) => {
  return context.switchToRpc().getContext<CmdStreamContext>().remoteAddress;
});

/** Notes the class that pipes get for each parameter. */
@Injectable()
class MetatypePipe implements PipeTransform {
  readonly seen: [string, unknown][] = [];

  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    this.seen.push([type, metatype]);
    return value;
  }
}

/** What one AddCmd gives the handler of `controller`, and what pipes saw on the way. */
async function callHandler(controller: Type<{ got: unknown[] }>): Promise<{ got: unknown[]; pipe: MetatypePipe }> {
  const pipe = new MetatypePipe();
  const server = own(
    await NestServer.listen({
      module: { controllers: [controller] },
      before: (app) => app.useGlobalPipes(pipe),
    }),
  );
  const client = own(new HandMadeClient(server.port));
  expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
  return { got: server.app.get(controller).got, pipe };
}

const answer = new CalcResult(5);
const theCommand = new AddCmd(2, 3);
const theContext: unknown = expect.any(CmdStreamContext);
const theCaller = '127.0.0.1';

@Controller()
class NoParameter {
  readonly got: unknown[] = [];

  @CommandHandler(AddCmd)
  add() {
    return answer;
  }
}

@Controller()
class CommandOnly {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(command: AddCmd) {
    this.got = [command];
    return answer;
  }
}

@Controller()
class CommandThenContext {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(command: AddCmd, context: CmdStreamContext) {
    this.got = [command, context];
    return answer;
  }
}

@Controller()
class ContextThenCommand {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(context: CmdStreamContext, command: AddCmd) {
    this.got = [context, command];
    return answer;
  }
}

@Controller()
class ContextOnly {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(context: CmdStreamContext) {
    this.got = [context];
    return answer;
  }
}

@Controller()
class ContextByItsBaseClass {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(context: BaseRpcContext, command: AddCmd) {
    this.got = [context, command];
    return answer;
  }
}

@Controller()
class TypeOnlyContext {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(command: AddCmd, context: ContextType) {
    this.got = [command, context];
    return answer;
  }
}

@Controller()
class TypeOnlyContextFirst {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(context: ContextType, command: AddCmd) {
    this.got = [context, command];
    return answer;
  }
}

@Controller()
class UntypedCommand {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(command: Pick<AddCmd, 'A' | 'B'>, context: CmdStreamContext) {
    this.got = [command, context];
    return answer;
  }
}

@Controller()
class CommandByItsBaseClass {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(command: Command, context: CmdStreamContext) {
    this.got = [command, context];
    return answer;
  }
}

@Controller()
class UntypedCommandLast {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(context: CmdStreamContext, command: unknown) {
    this.got = [context, command];
    return answer;
  }
}

@Controller()
class AllDecorated {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(@Ctx() context: CmdStreamContext, @Payload() command: AddCmd, @Payload('A') a: number) {
    this.got = [context, command, a];
    return answer;
  }
}

@Controller()
class DecoratedCommand {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(@Payload() command: AddCmd, context: CmdStreamContext) {
    this.got = [command, context];
    return answer;
  }
}

@Controller()
class DecoratedCommandTypeOnlyContext {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(@Payload() command: AddCmd, context: ContextType) {
    this.got = [command, context];
    return answer;
  }
}

@Controller()
class DecoratedContext {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(@Ctx() context: ContextType, command: AddCmd) {
    this.got = [context, command];
    return answer;
  }
}

@Controller()
class CustomDecorated {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(@Caller() caller: string, command: AddCmd, context: CmdStreamContext) {
    this.got = [caller, command, context];
    return answer;
  }
}

@Controller()
class CustomDecoratedBetween {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(command: AddCmd, @Caller() caller: string, context: ContextType) {
    this.got = [command, caller, context];
    return answer;
  }
}

abstract class ParentController {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(command: AddCmd, context: CmdStreamContext) {
    this.got = [command, context];
    return answer;
  }
}

@Controller()
class Inheriting extends ParentController {}

abstract class AnyOrder {
  got: unknown[] = [];

  @CommandHandler(AddCmd)
  add(...args: unknown[]): CalcResult {
    this.got = args;
    return answer;
  }
}

@Controller()
class Overriding extends AnyOrder {
  @CommandHandler(AddCmd)
  override add(context: CmdStreamContext, command: AddCmd) {
    return super.add(context, command);
  }
}

describe('the parameters of a handler', () => {
  it.each<[Type<{ got: unknown[] }>, unknown[]]>([
    [NoParameter, []],
    [CommandOnly, [theCommand]],
    [CommandThenContext, [theCommand, theContext]],
    [ContextThenCommand, [theContext, theCommand]],
    [ContextOnly, [theContext]],
    [ContextByItsBaseClass, [theContext, theCommand]],
    [TypeOnlyContext, [theCommand, theContext]],
    [TypeOnlyContextFirst, [theContext, theCommand]],
    [UntypedCommand, [theCommand, theContext]],
    [CommandByItsBaseClass, [theCommand, theContext]],
    [UntypedCommandLast, [theContext, theCommand]],
    [AllDecorated, [theContext, theCommand, 2]],
    [DecoratedCommand, [theCommand, theContext]],
    [DecoratedCommandTypeOnlyContext, [theCommand, theContext]],
    [DecoratedContext, [theContext, theCommand]],
    [CustomDecorated, [theCaller, theCommand, theContext]],
    [CustomDecoratedBetween, [theCommand, theCaller, theContext]],
    [Inheriting, [theCommand, theContext]],
    [Overriding, [theContext, theCommand]],
  ])('are what they are typed or decorated as in %p', async (controller, expected) => {
    const { got, pipe } = await callHandler(controller);
    expect(got).toStrictEqual(expected);
    const classes = pipe.seen.filter(([type]) => type === 'body').map(([, metatype]) => metatype);
    for (const metatype of classes) expect([AddCmd, Number]).toContain(metatype);
  });

  it.each([
    CommandThenContext,
    ContextThenCommand,
    CommandByItsBaseClass,
    UntypedCommand,
    UntypedCommandLast,
    TypeOnlyContextFirst,
  ])('show pipes the class of the Command in %p', async (controller) => {
    const { pipe } = await callHandler(controller);
    expect(pipe.seen.filter(([type]) => type === 'body')).toEqual([['body', AddCmd]]);
  });

  it('may have pipes of their own', async () => {
    class Doubling implements PipeTransform {
      transform({ A, B }: AddCmd): AddCmd {
        return new AddCmd(2 * A, 2 * B);
      }
    }
    @Controller()
    class Piped {
      @CommandHandler(AddCmd)
      add(@Payload(Doubling) { A, B }: AddCmd, context: CmdStreamContext) {
        return new CalcResult(context.seq === 1 ? A + B : -1);
      }
    }
    const server = own(await NestServer.listen({ module: { controllers: [Piped] } }));
    const client = own(new HandMadeClient(server.port));
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(10));
  });

  it('are the Command and the context if the compiler wrote no types', async () => {
    class Untyped {
      got: unknown[] = [];
      add(...args: unknown[]): CalcResult {
        this.got = args;
        return answer;
      }
    }
    const add = {
      value(this: Untyped, command: Command, context: CmdStreamContext) {
        this.got = [command, context];
        return answer;
      },
    };
    CommandHandler(AddCmd)(Untyped.prototype, 'add', add);
    Object.defineProperty(Untyped.prototype, 'add', add);
    Controller()(Untyped);
    const { got, pipe } = await callHandler(Untyped);
    expect(got).toEqual([theCommand, theContext]);
    expect(pipe.seen[0]).toEqual(['body', AddCmd]);
  });
});

describe('what a handler costs', () => {
  @Controller()
  class GivesResult {
    readonly got: unknown[] = [];

    @CommandHandler(AddCmd)
    add(command: AddCmd): CalcResult {
      this.got.push(command);
      return answer;
    }
  }

  @Controller()
  class TakesContext {
    readonly got: unknown[] = [];

    @CommandHandler(AddCmd)
    async add(@Payload() command: AddCmd, @Ctx() context: CmdStreamContext) {
      this.got.push(command, context);
      return answer;
    }
  }

  @Controller()
  class MayGiveIterable {
    readonly got: unknown[] = [];

    @CommandHandler(AddCmd)
    async add(...given: [AddCmd]) {
      this.got.push(...given);
      return answer;
    }
  }

  it('is no parameter but its own where it gives no AsyncIterable, or takes the context', async () => {
    const plain = await callHandler(GivesResult);
    expect(plain.pipe.seen.map(([type]) => type)).toEqual(['body']);
    const taking = await callHandler(TakesContext);
    expect(taking.pipe.seen.map(([type]) => type).toSorted()).toEqual(['body', 'custom']);
    expect(taking.got).toEqual([theCommand, theContext]);
  });

  it('is one for the context where it may give an AsyncIterable, which it does not see', async () => {
    const { pipe, got } = await callHandler(MayGiveIterable);
    expect(pipe.seen.map(([type]) => type).toSorted()).toEqual(['body', 'custom']);
    expect(got).toEqual([theCommand]);
  });
});

describe('the context of a Command', () => {
  it('knows its connection, its number and its route', async () => {
    let context: CmdStreamContext | undefined;
    @Controller()
    class Asking {
      @CommandHandler(AddCmd)
      add(_command: AddCmd, given: CmdStreamContext) {
        context = given;
        return answer;
      }
    }
    const server = own(await NestServer.listen({ module: { controllers: [Asking] } }));
    const client = own(new HandMadeClient(server.port));
    const before = Date.now();
    await client.execute(new AddCmd(2, 3));
    await client.execute(new AddCmd(2, 3));
    expect(context!.seq).toBe(2);
    expect(context!.receivedAt).toBeGreaterThanOrEqual(before);
    expect(context!.receivedAt).toBeLessThanOrEqual(Date.now());
    expect(context!.bytesRead).toBe(3 + '{"A":2,"B":3}'.length);
    expect(context!.remoteAddress).toEqual(theCaller);
    expect([context!.localAddress, context!.localPort]).toEqual(['127.0.0.1', server.port]);
    expect(context!.remotePort).toEqual(expect.any(Number));
    expect(context!.getPattern()).toBe('command:AddCmd');
    expect(context!.metadata).toEqual({});
    expect(context!.signal.reason).toMatchObject({ code: 'ANSWERED' });
    expect(calcContract.commands.types[0]).toBe(AddCmd);
  });
});
