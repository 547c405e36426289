// The classic Command Pattern in Nest: a controller whose handlers let each Command run itself against an injected
// Receiver.
import { Controller, Inject, type InjectionToken, type Type } from '@nestjs/common';
import { countMismatch, type CountedCommand, type CommandContext } from '../../contract/command.js';
import { isTypeEntry, nameOf, type TypeClass } from '../../contract/type-table.js';
import { CmdStreamError } from '../../errors.js';
import { CommandHandler } from './command-handler.decorator.js';

/** A Command that runs itself against a Receiver of type `T`. */
export interface ExecutableCommand<T> extends CountedCommand {
  /** Does the work, and gives back its Results as a handler of the Command would. */
  exec: (receiver: T, context: CommandContext) => unknown;
}

/** What a Receiver is injected by: its class, or another token of its provider. */
export type ReceiverToken<T> = (abstract new (...args: never[]) => T) | string | symbol;

/**
 * Makes a controller that runs `command.exec(receiver, context)` for each of the listed Commands. Use it in
 * `controllers`, or extend it to put guards, pipes, interceptors and filters on it. The Receiver is any provider of the
 * same module, of any scope.
 *
 * @example
 * import { Module } from '@nestjs/common';
 * import { Command, Invoker, Result } from 'nestjs-cmd-stream';
 *
 * export class Calc {
 *   add(a: number, b: number): number {
 *     return a + b;
 *   }
 * }
 *
 * export class Sum extends Result {
 *   constructor(readonly value = 0) {
 *     super();
 *   }
 * }
 *
 * export class AddCmd extends Command<Sum, Calc> {
 *   constructor(readonly a = 0, readonly b = 0) {
 *     super();
 *   }
 *
 *   override exec(calc: Calc): Sum {
 *     return new Sum(calc.add(this.a, this.b));
 *   }
 * }
 *
 * export @Module({ controllers: [Invoker(Calc, [AddCmd])], providers: [Calc] }) class CalcModule {}
 *
 * @throws {CmdStreamError} INVALID_HANDLER when a Command has no `exec`, or one that is an async generator although it
 * is no StreamCommand, or two have one name
 * @publicApi
 */
export function Invoker<T>(
  token: ReceiverToken<T>,
  commands: readonly TypeClass<ExecutableCommand<T>>[],
): Type<object> {
  @Controller()
  class InvokerController {
    constructor(@Inject(token as InjectionToken) readonly receiver: T) {}
  }
  for (const command of commands) {
    if (isTypeEntry(command)) {
      const hint = 'a message has no methods: give it a handler by @CommandHandler()';
      throw new CmdStreamError('INVALID_HANDLER', `Invoker: ${nameOf(command)} cannot run itself; ${hint}`);
    }
    if (typeof command?.prototype?.exec !== 'function') {
      throw new CmdStreamError(
        'INVALID_HANDLER',
        `Invoker: ${command?.name ?? command} has no method exec(receiver, context)`,
      );
    }
    const mismatch = countMismatch(command, command.prototype.exec);
    if (mismatch !== undefined)
      throw new CmdStreamError('INVALID_HANDLER', `Invoker: exec of ${command.name}: ${mismatch}`);
    if (Object.hasOwn(InvokerController.prototype, command.name)) {
      throw new CmdStreamError('INVALID_HANDLER', `Invoker: lists ${command.name} twice, or two classes of that name`);
    }
    addMethod(InvokerController.prototype, command);
  }
  return InvokerController;
}

function addMethod<T>(prototype: { readonly receiver: T }, command: TypeClass<ExecutableCommand<T>>): void {
  const value = function (
    this: { readonly receiver: T },
    instance: ExecutableCommand<T>,
    context: CommandContext,
  ): unknown {
    if (typeof instance.exec !== 'function') {
      const hint = 'a pipe replaced it by a plain object: give ValidationPipe the option `transform: true`';
      throw new CmdStreamError('INVALID_HANDLER', `${command.name} has lost its method exec; ${hint}`);
    }
    return instance.exec(this.receiver, context);
  };
  const descriptor = { value, writable: true, configurable: true, enumerable: false };
  const decorate = CommandHandler(command) as (target: object, key: string, descriptor: object) => void;
  decorate(prototype, command.name, descriptor);
  Object.defineProperty(prototype, command.name, descriptor);
}
