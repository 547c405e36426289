// The methods of a service, each by its class of Commands: what a facade at the client and a controller at the server
// have in common.
import { CmdStreamError } from '../errors.js';
import {
  resultCountOf,
  type CountedCommand,
  type ResultCount,
  type ManyResults,
  type NoResult,
  type OneResult,
  type ResultOf,
} from './command.js';
import { isClass, isTypeEntry, nameOf } from './type-table.js';

/** A class of Commands that a method can make: it is not abstract. */
export type MethodCommand = new (...args: never[]) => CountedCommand;

/**
 * The methods of a service: the name of each, and the class of Commands that it sends or handles.
 *
 * @publicApi
 */
export interface ServiceMethods {
  readonly [name: string]: MethodCommand;
}

/** Names that no method may have: a service needs them for itself, or they mean something to the language. */
type ReservedName =
  | `$${string}`
  | 'then'
  | 'toJSON'
  | 'constructor'
  | 'toString'
  | 'toLocaleString'
  | 'valueOf'
  | 'hasOwnProperty'
  | 'isPrototypeOf'
  | 'propertyIsEnumerable';

/** The methods again; but what the compiler complains about where one has a name, or a Command, that it cannot have. */
export type FittingMethods<M extends ServiceMethods, Sent> = {
  readonly [K in keyof M]: K extends ReservedName
    ? { readonly 'no method of a service may have this name': K }
    : [Sent] extends [never]
      ? M[K]
      : InstanceType<M[K]> extends Sent
        ? M[K]
        : { readonly 'the contract of the client has no such Command': InstanceType<M[K]> };
};

/** What a handler of the Command may give, by how many Results that has. */
type HandledBy<C extends CountedCommand> = {
  readonly 'one Result': OneResult<ResultOf<C>>;
  readonly 'many Results': ManyResults<ResultOf<C>>;
  readonly 'no Result': NoResult;
}[C extends CountedCommand<unknown, unknown, infer Count extends ResultCount> ? Count : never];

/**
 * What a controller has to implement for the methods of a service: one handler for each, which takes its Command and
 * gives what such a handler may give.
 *
 * @example
 * import { Controller } from '@nestjs/common';
 * import { CommandHandler, type HandlersOf } from 'nestjs-cmd-stream';
 * import { AddCmd, CalcResult, Prime, PrimesCmd } from './calc.contract.js';
 *
 * export const calcMethods = { add: AddCmd, primes: PrimesCmd };
 *
 * export @Controller() class CalcController implements HandlersOf<typeof calcMethods> { @CommandHandler(AddCmd)
 *   add({ A, B }: AddCmd) {
 *     return new CalcResult(A + B);
 *   } @CommandHandler(PrimesCmd)
 *   async *primes({ Count }: PrimesCmd) {
 *     yield new Prime(2, Count === 1);
 *   }
 * }
 *
 * @publicApi
 */
export type HandlersOf<M extends ServiceMethods> = {
  [K in keyof M]: (command: InstanceType<M[K]>, ...others: never[]) => HandledBy<InstanceType<M[K]>>;
};

/** A method, checked. */
export interface CheckedMethod {
  readonly name: string;
  readonly command: new (...args: unknown[]) => CountedCommand;
  /** Has it many Results? */
  readonly isStream: boolean;
}

/**
 * The methods of a service, as far as they can be called.
 *
 * @throws {CmdStreamError} INVALID_CONTRACT when one has a name that is reserved, or is no class of Commands
 */
export function checkedMethods(methods: ServiceMethods): readonly CheckedMethod[] {
  if (typeof methods !== 'object' || methods === null || Array.isArray(methods))
    throw invalid('the methods of a service are an object: the name of each method, and its class of Commands');
  return Object.keys(methods).map((name) => {
    if (isReserved(name)) throw invalid(`no method of a service may have the name "${name}"`);
    const command: unknown = methods[name];
    if (!isCommandClass(command)) throw invalid(`method "${name}": ${whyNone(command)}`);
    const isStream = resultCountOf(command.prototype) === 'many Results';
    return { name, command: command as CheckedMethod['command'], isStream };
  });
}

function isReserved(name: string): boolean {
  return name.startsWith('$') || name === 'then' || name === 'toJSON' || name in Object.prototype;
}

function isCommandClass(type: unknown): type is MethodCommand {
  return isClass(type) && resultCountOf(type.prototype) !== undefined;
}

function whyNone(given: unknown): string {
  if (isClass(given))
    return `${nameOf(given)} is no class of Commands, it does not extend Command, StreamCommand or VoidCommand`;
  if (isTypeEntry(given)) return `${given.name} is a type of messages, and a method needs a class of Commands`;
  return `it needs a class of Commands, got ${shown(given)}`;
}

function shown(given: unknown): string {
  if (given === null || given === undefined) return String(given);
  return typeof given === 'object' ? 'an object' : `a ${typeof given}`;
}

function invalid(text: string): CmdStreamError {
  return new CmdStreamError('INVALID_CONTRACT', text);
}
