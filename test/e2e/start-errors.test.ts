// What is wrong with the handlers of an application is said at its start, with the name of the class.
import { describe, expect, it } from '@jest/globals';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Command as ForeignCommand, CommandHandler as OtherCommandHandler } from '@nestjs/cqrs';
import { MessagePattern, type MicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamClient,
  CmdStreamServer,
  Command,
  CommandHandler,
  defineContract,
  InjectCmdStreamClient,
  Invoker,
  reserved,
  type CmdStreamClientOptions,
  type CmdStreamServerOptions,
} from 'nestjs-cmd-stream';
import { addFrame, echoFrame, GREETING, sumFrame } from '../support/calc-frames.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, calcContract, CountCmd, EchoCmd, FailCmd, StrayCmd, SubCmd } from './calc.contract.js';
import { Adder, NestServer, serverOptions } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

function notRun(): never {
  throw new Error('not to be called');
}

@Controller()
class SecondAdder {
  @CommandHandler(AddCmd)
  addToo({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }
}

@Controller()
class TwiceAdder {
  @CommandHandler(AddCmd)
  add() {
    return new CalcResult(1);
  }

  @CommandHandler(AddCmd)
  addAgain() {
    return new CalcResult(2);
  }
}

@Controller()
class Stray {
  @CommandHandler(StrayCmd)
  stray() {
    return new CalcResult();
  }
}

function invalidHandler(...texts: string[]): Error {
  const message = expect.stringMatching(new RegExp(texts.join('.*'))) as unknown;
  return expect.objectContaining({ code: 'INVALID_HANDLER', message }) as unknown as Error;
}

async function start(...controllers: Type[]): Promise<unknown> {
  const server = own(await NestServer.create({ module: { controllers } }));
  return server.app.listen();
}

describe('a decorator that was compiled as a standard one', () => {
  const context = { kind: 'method', name: 'add', static: false, private: false, metadata: {} };
  const remedy = invalidHandler('standard decorator', '"experimentalDecorators"');

  it('is refused with the setting it needs', () => {
    const handle = CommandHandler(AddCmd) as unknown as (method: unknown, context: object) => void;
    expect(() => handle(() => new CalcResult(1), context)).toThrow(remedy);
    const inject = InjectCmdStreamClient() as unknown as (value: undefined, context: object) => void;
    expect(() => inject(undefined, { ...context, kind: 'field', name: 'client' })).toThrow(remedy);
  });
});

describe('the start of an application', () => {
  it('fails when two controllers handle one Command', async () => {
    await expect(start(Adder, SecondAdder)).rejects.toEqual(
      invalidHandler('^SecondAdder.addToo handles AddCmd', 'has a handler already: Adder.add$'),
    );
  });

  it('fails when two methods of a controller handle one Command', async () => {
    await expect(start(TwiceAdder)).rejects.toEqual(invalidHandler('AddCmd', 'already'));
  });

  it('fails when a controller and an Invoker handle one Command', async () => {
    class Receiver {}
    class ExecCmd extends Command<CalcResult, Receiver> {
      override exec() {
        return new CalcResult();
      }
    }
    @Controller()
    class Executor {
      @CommandHandler(ExecCmd)
      execute() {
        return new CalcResult();
      }
    }
    const contract = defineContract({ commands: [ExecCmd], results: [CalcResult] });
    const module = { controllers: [Executor, Invoker(Receiver, [ExecCmd])], providers: [Receiver] };
    const server = own(await NestServer.create({ module, options: { contract } }));
    await expect(server.app.listen()).rejects.toEqual(invalidHandler('ExecCmd', 'already'));
  });

  it('fails when a handled Command is not in the contract', async () => {
    await expect(start(Adder, Stray)).rejects.toEqual(
      invalidHandler('^Stray.stray handles StrayCmd', 'not in the contract'),
    );
  });

  it('fails when a Command is handled by a server that was given no contract', async () => {
    const server = own(await NestServer.create({ module: { controllers: [Adder] }, options: { contract: undefined } }));
    const text = '^CmdStreamServer has no option `contract`, but Adder.add handles AddCmd$';
    await expect(server.app.listen()).rejects.toEqual(invalidHandler(text));
  });

  it('fails likewise in a hybrid application', async () => {
    @Module({ controllers: [Adder, SecondAdder] })
    class RootModule {}
    const app = await NestFactory.create(RootModule, { logger: new SpyLogger(), abortOnError: false });
    own({ destroy: () => app.close() });
    const strategy = new CmdStreamServer(serverOptions);
    const connect = () => app.connectMicroservice<MicroserviceOptions>({ strategy });
    expect(connect).toThrow(invalidHandler('AddCmd', 'already'));
  });

  it('warns of Commands without a handler, all in one line', async () => {
    const server = own(await NestServer.listen({ module: { controllers: [Adder] } }));
    const warnings = server.logger.lines.filter((line) => line.startsWith('warn'));
    expect(warnings).toEqual([expect.stringContaining('SubCmd, CountCmd, EchoCmd, FailCmd')]);
  });

  it('misses no handler of a number that is reserved', async () => {
    const contract = defineContract({ commands: { 0: AddCmd, 1: reserved, 2: SubCmd }, results: { 0: CalcResult } });
    const server = own(await NestServer.listen({ module: { controllers: [Adder] }, options: { contract } }));
    const warnings = server.logger.lines.filter((line) => line.startsWith('warn'));
    expect(warnings).toEqual([
      expect.stringContaining(
        'no handler for SubCmd of the contract: no class that is loaded has a @CommandHandler() for it',
      ),
    ]);
  });

  it('warns of nothing when every Command has its handler', async () => {
    @Controller()
    class Complete extends Adder {
      @CommandHandler(SubCmd)
      sub() {
        return notRun();
      }
      @CommandHandler(CountCmd)
      count() {
        return notRun();
      }
      @CommandHandler(EchoCmd)
      echo() {
        return notRun();
      }
      @CommandHandler(FailCmd)
      fail() {
        return notRun();
      }
    }
    const server = own(await NestServer.listen({ module: { controllers: [Complete] } }));
    expect(server.logger.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  it('fails when the address is taken, and says so in the status', async () => {
    const first = own(await NestServer.listen({ module: { controllers: [Adder] } }));
    const second = own(await NestServer.create({ module: { controllers: [Adder] }, options: { port: first.port } }));
    const statuses: unknown[] = [];
    second.app.status.subscribe((status) => statuses.push(status));
    await expect(second.app.listen()).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining(`127.0.0.1:${first.port}`) as unknown,
    });
    expect(statuses).toEqual(['connecting', 'disconnected']);
  });
});

describe('a Command without a handler', () => {
  it('ends the connection of a plain peer; the line names the Command', async () => {
    const server = own(await NestServer.listen({ module: { controllers: [Adder] } }));
    const peer = own(await server.connect());
    peer.write(addFrame(1, 2, 3) + echoFrame(2, 'anything'));
    await peer.ends();
    expect(peer.hex.startsWith(GREETING)).toBe(true);
    expect(await server.logger.line('HANDLER_ERROR')).toContain('no handler for EchoCmd');
  });

  it('is NO_HANDLER for onPlainError', async () => {
    const errors: unknown[] = [];
    const onPlainError = (error: unknown) => {
      errors.push(error);
      return new CalcResult(-404);
    };
    const server = own(await NestServer.listen({ module: { controllers: [Adder] }, options: { onPlainError } }));
    const peer = own(await server.connect());
    peer.write(echoFrame(1, 'anything'));
    await peer.receives(GREETING + sumFrame(1, -404));
    expect(errors).toEqual([expect.objectContaining({ code: 'NO_HANDLER' })]);
  });
});

describe('@CommandHandler()', () => {
  type Untyped = (command: unknown) => (target: object, key?: string, descriptor?: object) => void;
  const untyped = CommandHandler as unknown as Untyped;

  it('refuses to stand on a class, a property, an accessor or a static method, and names the Command', () => {
    class Target {
      static add() {}
    }
    const misplaced = invalidHandler('AddCmd', 'method of a controller');
    expect(() => untyped(AddCmd)(Target)).toThrow(misplaced);
    expect(() => untyped(AddCmd)(Target.prototype, 'add')).toThrow(misplaced);
    expect(() => untyped(AddCmd)(Target.prototype, 'add', { get: () => 1, configurable: true })).toThrow(misplaced);
    const descriptor = Object.getOwnPropertyDescriptor(Target, 'add')!;
    expect(() => untyped(AddCmd)(Target, 'add', descriptor)).toThrow(misplaced);
  });

  it('refuses a method that handles another Command or pattern, which would be lost', () => {
    class Target {
      add() {}
      sum() {}
    }
    const add = Object.getOwnPropertyDescriptor(Target.prototype, 'add')!;
    untyped(AddCmd)(Target.prototype, 'add', add);
    expect(() => untyped(SubCmd)(Target.prototype, 'add', add)).toThrow(invalidHandler('SubCmd', 'already'));
    const sum = Object.getOwnPropertyDescriptor(Target.prototype, 'sum')!;
    MessagePattern('sum')(Target.prototype, 'sum', sum);
    expect(() => untyped(AddCmd)(Target.prototype, 'sum', sum)).toThrow(invalidHandler('AddCmd', 'already'));
  });

  it('refuses whatever is no class', () => {
    for (const none of [undefined, null, 'AddCmd', {}, new AddCmd(), () => {}]) {
      expect(() => untyped(none)).toThrow(invalidHandler('Command class'));
    }
  });
});

describe('options', () => {
  const build: [string, (options: object) => unknown][] = [
    ['CmdStreamServer', (options) => new CmdStreamServer(options as CmdStreamServerOptions)],
    ['CmdStreamClient', (options) => new CmdStreamClient(options as CmdStreamClientOptions)],
  ];

  it.each(build)('that make no sense are errors of %s that name it', (name, make) => {
    const invalid = (text: string) =>
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(new RegExp(`^${name}: .*${text}`)) as unknown,
      }) as unknown as Error;
    expect(() => make({ contract: {} })).toThrow(invalid('contract'));
    expect(() => make({ contract: calcContract, prot: 1 })).toThrow(invalid('"prot"'));
    expect(() => make({ contract: calcContract, port: 65_536 })).toThrow(invalid('"port"'));
    expect(() => make({ contract: calcContract, host: null })).toThrow(invalid('"host"'));
    expect(() => make(null as never)).toThrow(invalid('options'));
  });

  it('of the client are checked before they are used', () => {
    const options = { contract: calcContract, onUnexpectedResult: 5 as never };
    expect(() => new CmdStreamClient(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it('of the server know its transportId', () => {
    const options = { contract: calcContract, transportId: 'admin' as never };
    expect(() => new CmdStreamServer(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});

/** Its type lets it stand on classes only; without that type, wherever it stands, it throws nothing. */
const CqrsCommandHandler = OtherCommandHandler as (command: Type) => (target: object, ...method: unknown[]) => void;

describe('two decorators of one name', () => {
  class MixCmd extends Command<CalcResult> {}
  class OtherCmd extends Command<CalcResult> {}

  const contract = defineContract({ commands: [MixCmd, OtherCmd], results: [CalcResult] });

  @CqrsCommandHandler(MixCmd)
  class MixHandler {}

  async function startOf(...controllers: Type[]): Promise<readonly string[]> {
    const module = { controllers, providers: [MixHandler] };
    const server = own(await NestServer.create({ module, options: { contract } }));
    await server.app.listen();
    return server.logger.lines.filter((line) => line.startsWith('warn'));
  }

  it('are distinguished where that of this package stands on a class', () => {
    const decorate = CommandHandler(MixCmd) as unknown as (target: object) => void;
    expect(() => decorate(MixHandler)).toThrow(
      invalidHandler('MixCmd. belongs on a method of a controller; that of .@nestjs/cqrs.', 'belongs on a class$'),
    );
  });

  it('are distinguished where that of @nestjs/cqrs stands on a method beside a handler', async () => {
    @Controller()
    class Mixed {
      @CommandHandler(OtherCmd)
      other() {
        return new CalcResult();
      }

      @CqrsCommandHandler(MixCmd)
      mix() {
        return new CalcResult();
      }
    }
    await expect(startOf(Mixed)).rejects.toEqual(
      invalidHandler('^the controller of Mixed.other has a method with the @CommandHandler.MixCmd. of .@nestjs/cqrs.'),
    );
  });

  it('are distinguished where all methods have that of @nestjs/cqrs', async () => {
    @Controller()
    class Mistaken {
      @CqrsCommandHandler(MixCmd)
      mix() {
        return new CalcResult();
      }
    }
    expect(await startOf(Mistaken)).toEqual([
      expect.stringContaining(
        "no handler for MixCmd of the contract: handled by the @CommandHandler of '@nestjs/cqrs', which serves no caller",
      ),
      expect.stringContaining('no handler for OtherCmd of the contract'),
    ]);
  });

  it('may both stand where they belong, for one Command', async () => {
    @Controller()
    class Right {
      @CommandHandler(MixCmd)
      mix() {
        return new CalcResult();
      }

      @CommandHandler(OtherCmd)
      other() {
        return new CalcResult();
      }
    }
    expect(await startOf(Right)).toEqual([]);
  });

  it('a command of @nestjs/cqrs is none of a contract', async () => {
    class Foreign extends ForeignCommand<string> {}
    @Controller()
    class Handling {
      @CommandHandler(Foreign as unknown as typeof MixCmd)
      foreign() {
        return new CalcResult();
      }
    }
    await expect(startOf(Handling)).rejects.toEqual(
      invalidHandler('Foreign is not in the contract', 'extends no Command of .nestjs-cmd-stream.', '@nestjs/cqrs'),
    );
    const known = await start(Stray).catch((error: Error) => error.message);
    expect(known).not.toContain('cqrs');
  });
});
