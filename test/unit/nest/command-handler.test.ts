// A method that handles a Command, called by hand as unit tests of applications do: it gets what it is given.
import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { CommandHandler, VoidCommand } from 'nestjs-cmd-stream';
import type { CommandContext } from '../../../lib/core.js';
import { CmdStreamContext } from '../../../lib/nest/server/cmd-stream.context.js';
import { AddCmd, CalcResult, CountCmd, CountResult } from '../../support/vector-contract.js';

/** A method with these types of parameters, as the compiler and the decorator leave it; it gives its arguments. */
function decorated(types: readonly unknown[] | undefined): (...args: unknown[]) => unknown {
  class Controller {}
  const target = Controller.prototype;
  const add = function (this: unknown, ...args: unknown[]): unknown[] {
    return args;
  };
  if (types) Reflect.defineMetadata('design:paramtypes', types, target, 'add');
  const descriptor = { value: add as (...args: never[]) => unknown, writable: true, configurable: true };
  (CommandHandler(AddCmd) as (target: object, key: string, descriptor: object) => void)(target, 'add', descriptor);
  return descriptor.value as (...args: unknown[]) => unknown;
}

const command = new AddCmd();
const { signal } = new AbortController();
const context = new CmdStreamContext([{ signal } as CommandContext, 'command:AddCmd']);

describe('a handler of a stream, called by hand', () => {
  class Controller {
    @CommandHandler(CountCmd)
    async *count(_command: CountCmd, _context?: CmdStreamContext) {
      yield* [new CountResult(1, false), new CountResult(2, true)];
    }

    @CommandHandler(CountCmd)
    async later(_command: CountCmd): Promise<AsyncIterable<CountResult>> {
      return this.count(new CountCmd());
    }
  }

  it('can be iterated, as its type says', async () => {
    const controller = new Controller();
    for (const stream of [
      controller.count(new CountCmd()),
      controller.count(new CountCmd(), context),
      await controller.later(new CountCmd()),
    ]) {
      const given: CountResult[] = [];
      for await (const result of stream) given.push(result);
      expect(given).toEqual([new CountResult(1, false), new CountResult(2, true)]);
    }
  });
});

describe('a handler that is an async generator', () => {
  class Controller {
    async *many() {
      yield new CalcResult();
    }
  }
  class NoneCmd extends VoidCommand {}
  const decorate = (type: unknown) =>
    (CommandHandler(type as never) as (target: object, key: string, descriptor: object) => void)(
      Controller.prototype,
      'many',
      { ...Object.getOwnPropertyDescriptor(Controller.prototype, 'many') },
    );

  it.each([
    ['one Result', AddCmd],
    ['no Result', NoneCmd],
  ])('is refused for a Command with %s', (count, type) => {
    expect(() => decorate(type)).toThrow(
      expect.objectContaining({
        code: 'INVALID_HANDLER',
        message: `@CommandHandler(${type.name}) on many: an async generator has many Results, and ${type.name} has ${count}: let it extend StreamCommand`,
      }),
    );
    expect(() => decorate(CountCmd)).not.toThrow();
  });
});

describe('a handler that is called by hand', () => {
  it.each<[string, readonly unknown[] | undefined, readonly unknown[], readonly unknown[]]>([
    ['all that it takes', [AddCmd, CmdStreamContext], [command, context], [command, context]],
    ['less than it takes', [AddCmd, CmdStreamContext], [command], [command]],
    ['less, the context among it', [CmdStreamContext, AddCmd], [context], [context]],
    ['nothing', [AddCmd, CmdStreamContext], [], []],
    ['more than it takes', [AddCmd, CmdStreamContext], [command, undefined, 'more'], [command, undefined, 'more']],
    ['a context of another kind', [AddCmd], [command, { signal }], [command, { signal }]],
    ['the context that is there for this package alone', [AddCmd], [command, context], [command]],
  ])('gets %s', (_, types, given, got) => {
    expect(decorated(types)(...given)).toStrictEqual(got);
  });
});
