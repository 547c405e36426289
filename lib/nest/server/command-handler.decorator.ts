// Binds a controller method to a type of Commands. What Nest sees is an ordinary message handler under a string route;
// the class or type entry itself travels in the handler's extras. Below: what the method gives, and what its parameters
// are given.
import 'reflect-metadata';
import { MessagePattern, type Transport, BaseRpcContext } from '@nestjs/microservices';
import { catchError, EMPTY, isObservable, type Observable } from 'rxjs';
import {
  countMismatch,
  type CountedCommand,
  type StreamCommand,
  type CommandEntry,
  type ResultOf,
} from '../../contract/command.js';
import { isClass, isTypeEntry, type ContractType, type TypeClass } from '../../contract/type-table.js';
import { timeLimit } from '../../connection/connection-options.js';
import { CmdStreamError } from '../../errors.js';
import { resolveOptions, type OptionRule, type OptionRules } from '../../options.js';
import { isAsyncIterable } from '../../server/call/item-source.js';
import { isPromiseLike } from '../../callbacks.js';
import { isAbandonment, isCmdStreamContext, type CmdStreamContext } from './cmd-stream.context.js';
import { forNest } from './handler-failure.js';
import { keepScope, LiftedIterable, liftIterable } from './lifted-iterable.js';

// Nest's own key; it is no public constant in all supported versions.
const PATTERN_METADATA = 'microservices:pattern';
const COMMAND_METADATA = 'cmd-stream:command';
/** At a type of Commands: all methods that are marked for it, whatever becomes of them. */
const MARKED_METADATA = 'cmd-stream:marked';

/** What a handler may return whose Command has Results of type `R`, one or many; nothing only where `R` is `void`. */
export type HandlerReturn<R> = R | Observable<R> | AsyncIterable<R> | Promise<R | Observable<R> | AsyncIterable<R>>;

/** What the handler of a {@link Command} may return: its Result, an Observable that emits it, or a promise of one. */
export type OneReturn<R> =
  | Exclude<R, void | undefined>
  | Observable<Exclude<R, void | undefined>>
  | Promise<Exclude<R, void | undefined> | Observable<Exclude<R, void | undefined>>>;

/** What the handler of a {@link StreamCommand} may return: an AsyncIterable, an Observable, or a promise of one. */
export type ManyReturn<R> = Observable<R> | AsyncIterable<R> | Promise<Observable<R> | AsyncIterable<R>>;

/** What the handler of a {@link VoidCommand} may return: nothing, a promise of it, or an Observable that emits none. */
export type VoidReturn = void | Promise<void> | Observable<never>;

/** What a handler of Commands of the class `C` may return, which says how many Results they have. */
export type HandlerReturnOf<C> =
  C extends CountedCommand<unknown, unknown, infer Count>
    ? Count extends 'one Result'
      ? OneReturn<ResultOf<C>>
      : Count extends 'many Results'
        ? ManyReturn<ResultOf<C>>
        : VoidReturn
    : HandlerReturn<ResultOf<C>>;

/** The types of parameters that take another Command than `C`; types do not know which parameters have a decorator. */
type Misfits<C extends CountedCommand, Parameters extends readonly unknown[]> = {
  [I in keyof Parameters]-?: [Extract<Parameters[I], CountedCommand>] extends [never]
    ? never
    : [C] extends [Parameters[I]]
      ? never
      : Parameters[I];
}[number];

/** Nothing if no parameter takes another Command, and no stream is given but for a StreamCommand; else a complaint. */
type Fitting<C extends CountedCommand, M extends (...args: never[]) => unknown> = [Misfits<C, Parameters<M>>] extends [
  never,
]
  ? ReturnType<M> extends HandlerReturnOf<C>
    ? unknown
    : { readonly 'an async generator has many Results: let the Command extend StreamCommand': C }
  : { readonly 'a handler takes the Command of its decorator': C };

/**
 * The options of one handler.
 *
 * @publicApi
 */
export interface CommandHandlerOptions {
  /**
   * Serves only the server with this `transportId`.
   * @default none: every CmdStreamServer of the application
   */
  transportId?: Transport | symbol | undefined;
  /**
   * Time one Command may run, in milliseconds; 0: no limit. See `commandTimeoutMs` of the server.
   * @default none: the `commandTimeoutMs` of the server
   */
  timeoutMs?: number | undefined;
}

export const transportIdRule: OptionRule = {
  expected: 'a Transport or a symbol',
  accepts: (value) => typeof value === 'symbol' || typeof value === 'number',
};

export const commandHandlerRules: OptionRules<CommandHandlerOptions> = Object.freeze({
  transportId: transportIdRule,
  timeoutMs: timeLimit(),
});

/** What the server finds in a handler's extras. */
export interface CommandHandlerExtras {
  readonly timeoutMs?: number | undefined;
  readonly command: ContractType;
  /** The method, for messages: `CalcController.add`. */
  readonly method: string;
  /** What the method belongs to: the prototype of its class. */
  readonly controller: object;
}

/** A method that is marked as the handler of Commands; whether Nest hands it to a server is another question. */
export type MarkedMethod = Pick<CommandHandlerExtras, 'method' | 'controller'> & {
  readonly transportId: Transport | symbol | undefined;
};

/** The Nest pattern of a Command: text, because Nest's tools print it. */
export function routeOf(command: { readonly name: string }): string {
  return `command:${command.name}`;
}

/** Decorates the methods that may handle Commands of the class. */
export type CommandHandlerDecorator<C extends CountedCommand> = <M extends ClassHandler<C>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M> & Fitting<C, M>,
) => void;

/** Decorates the methods that may handle messages of the type. */
export type MessageHandlerDecorator<M, R> = <Method extends MessageHandler<M, R>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/** The handler of a class: its parameters are found by their types; {@link Fitting} refuses misplaced generators. */
type ClassHandler<C> = (...args: never[]) => HandlerReturnOf<C> | MisplacedStream<C>;

type MisplacedStream<C> = C extends StreamCommand ? never : AsyncGenerator;

/** The handler of a message, which has no class that tells it from others: the message comes first. */
type MessageHandler<M, R> = (message: M, ...others: never[]) => HandlerReturn<R>;

/**
 * Marks a controller method as the handler of a Command class, or of a type entry of a codec, such as `protobufType()`.
 * It may return a Result, a Promise or an Observable, of a {@link StreamCommand} an Observable or an AsyncIterable
 * (async generators too), of a {@link VoidCommand} nothing. Parameters without a decorator get the Command and the
 * {@link CmdStreamContext}: by their type, or of a type entry the message first.
 *
 * @example
 * import { Controller } from '@nestjs/common';
 * import { CmdStreamContext, CommandHandler } from 'nestjs-cmd-stream';
 * import { AddCmd, CalcResult, Prime, PrimesCmd } from './calc.contract.js';
 *
 * export @Controller() class CalcController { @CommandHandler(AddCmd)
 *   add({ A, B }: AddCmd): CalcResult {
 *     return new CalcResult(A + B);
 *   } @CommandHandler(PrimesCmd, { timeoutMs: 5_000 })
 *   async *primes({ Count }: PrimesCmd, { signal }: CmdStreamContext): AsyncGenerator<Prime> {
 *     const primes = [2, 3, 5, 7].slice(0, Count);
 *     for (const prime of primes) if (!signal.aborted) yield new Prime(prime, prime === primes.at(-1));
 *   }
 * }
 *
 * @param options Its options, or its `transportId` alone.
 * @throws {CmdStreamError} INVALID_OPTION when its options make no sense; INVALID_HANDLER when it does not stand on a
 * method that handles nothing else, or is given neither a class nor a type entry, or is an async generator whose
 * Command is no StreamCommand, or is used as a standard decorator, without `experimentalDecorators`
 * @publicApi
 */
export function CommandHandler<C extends CountedCommand>(
  command: TypeClass<C>,
  options?: CommandHandlerOptions | Transport | symbol,
): CommandHandlerDecorator<C>;
/**
 * Marks a controller method as the handler of messages of one type, which a codec's door has made, such as
 * `protobufType()`. The method gets the message first, and returns messages of the types of its Results.
 *
 * @param options Its options, or its `transportId` alone.
 * @throws {CmdStreamError} as for a class
 * @publicApi
 */
export function CommandHandler<M extends object, R>(
  type: CommandEntry<M, R>,
  options?: CommandHandlerOptions | Transport | symbol,
): MessageHandlerDecorator<M, R>;
export function CommandHandler(command: ContractType, options?: CommandHandlerOptions | Transport | symbol) {
  if (!isClass(command) && !isTypeEntry(command))
    throw new CmdStreamError('INVALID_HANDLER', '@CommandHandler() needs a Command class or a type entry of a codec');
  const { transportId, timeoutMs } = optionsOf(command.name, options);
  return <M extends (...args: never[]) => unknown>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    refuseStandardDecorator(`@CommandHandler(${command.name})`, key);
    const body = descriptor?.value;
    if (typeof target === 'function' || typeof body !== 'function') {
      const other = key === undefined ? "; that of '@nestjs/cqrs', which is another one, belongs on a class" : '';
      throw new CmdStreamError(
        'INVALID_HANDLER',
        `@CommandHandler(${command.name}) belongs on a method of a controller${other}`,
      );
    }
    if (Reflect.hasOwnMetadata(PATTERN_METADATA, body)) {
      throw new CmdStreamError(
        'INVALID_HANDLER',
        `@CommandHandler(${command.name}): the method ${String(key)} handles something else already`,
      );
    }
    const mismatch = isClass(command) ? countMismatch(command, body) : undefined;
    if (mismatch !== undefined) {
      throw new CmdStreamError('INVALID_HANDLER', `@CommandHandler(${command.name}) on ${String(key)}: ${mismatch}`);
    }
    descriptor.value = lifted(body, bindParameters(target, key, command, body.length));
    Reflect.defineMetadata(COMMAND_METADATA, command, descriptor.value);
    const method = `${target.constructor.name}.${String(key)}`;
    const extras: CommandHandlerExtras = { command, method, controller: target, timeoutMs };
    Reflect.defineMetadata(
      MARKED_METADATA,
      [...markedFor(command), { method, controller: target, transportId }],
      command,
    );
    (MessagePattern as PatternDecorator)(routeOf(command), transportId, extras)(target, key, descriptor);
  };
}

function optionsOf(name: string, given: CommandHandlerOptions | Transport | symbol | undefined): CommandHandlerOptions {
  const options = typeof given === 'symbol' || typeof given === 'number' ? { transportId: given } : given;
  return resolveOptions<CommandHandlerOptions, object>(`@CommandHandler(${name})`, options, {}, commandHandlerRules);
}

/**
 * Standard decorators are called with a context object where TypeScript's older ones have the name of what they
 * decorate.
 *
 * @throws {CmdStreamError} INVALID_HANDLER
 */
export function refuseStandardDecorator(decorator: string, key: unknown): void {
  if (typeof (key as { kind?: unknown } | null | undefined)?.kind !== 'string') return;
  const remedy =
    'set "experimentalDecorators" and "emitDecoratorMetadata" in tsconfig.json, or its like of your compiler';
  throw new CmdStreamError(
    'INVALID_HANDLER',
    `${decorator} was compiled to a standard decorator, which Nest has none of: ${remedy}`,
  );
}

/** The type of Commands that the method handles; undefined if it is the handler of something else. */
export function commandOf(handler: object): ContractType | undefined {
  return Reflect.getMetadata(COMMAND_METADATA, handler) as ContractType | undefined;
}

/** The methods that are marked for Commands of the type. */
export function markedFor(command: ContractType): readonly MarkedMethod[] {
  return (Reflect.getOwnMetadata(MARKED_METADATA, command) as readonly MarkedMethod[] | undefined) ?? [];
}

/** Has the `@CommandHandler` of @nestjs/cqrs, whose keys these are, been given this type? */
export function isGivenToCqrs(type: ContractType): boolean {
  return Reflect.hasOwnMetadata('__command__', type);
}

/** The type that it was given on a method; on a class, where it belongs, it leaves nothing at the prototype. */
export function cqrsHandledIn(controller: object): { readonly name: string } | undefined {
  return Reflect.getOwnMetadata('__commandHandler__', controller) as { readonly name: string } | undefined;
}

type PatternDecorator = (
  pattern: string,
  transport: Transport | symbol | undefined,
  extras: object,
) => (target: object, key: string | symbol, descriptor: object) => unknown;

/**
 * The method with AsyncIterables turned into Observables before Nest sees them, so that interceptors and filters see
 * each item, and which end with their Command; one that gave up because no answer is wanted has not failed, so that
 * Nest logs nothing.
 */
function lifted<M extends (...args: never[]) => unknown>(method: M, place: ContextPlace): M {
  const wrapper = function (this: unknown, ...args: never[]): unknown {
    const given: unknown = place.index === undefined ? undefined : args[place.index];
    const context = isCmdStreamContext(given) ? given : undefined;
    if (context && args.length > place.length) args.length = place.length;
    try {
      const returned = method.apply(this, args);
      if (!isPromiseLike(returned) || isObservable(returned)) return lift(returned, context, args);
      return returned.then(
        (settled) => lift(settled, context, args),
        (error: unknown) => failed(error, args),
      );
    } catch (error) {
      return failed(error, args);
    }
  };
  for (const key of Reflect.getMetadataKeys(method))
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), wrapper);
  Object.defineProperty(wrapper, 'name', { value: method.name });
  return wrapper as M;
}

function lift(returned: unknown, context: CmdStreamContext | undefined, args: readonly unknown[]): unknown {
  if (!isObservable(returned)) return isAsyncIterable(returned) ? liftIterable(returned, context) : returned;
  const kept = keepScope(returned).pipe(catchError((error: unknown) => failed(error, args)));
  // What another handler has lifted.
  return isAsyncIterable(returned) ? new LiftedIterable((taker) => kept.subscribe(taker), returned) : kept;
}

function failed(error: unknown, args: readonly unknown[]): Observable<never> {
  if (isAbandonment(error, args)) return EMPTY;
  throw forNest(error);
}

// Tells Nest what each parameter of a Command handler gets. Nest gives undecorated parameters the payload only, or
// nothing as soon as one is decorated; here they get the Command or the context by their type.

// Nest's own keys; they are no public constants in all supported versions.
const ROUTE_ARGS_METADATA = '__routeArguments__';
const PARAMTYPES_METADATA = 'design:paramtypes';
const RETURNTYPE_METADATA = 'design:returntype';
const PAYLOAD = 3;
const CONTEXT = 6;

interface ParameterMetadata {
  readonly index: number;
}

/** Where a wrapper around the method finds the context. */
export interface ContextPlace {
  /** Undefined: nowhere, it has no use for it. */
  readonly index: number | undefined;
  /** What stands behind so many arguments is not for the method. */
  readonly length: number;
}

/**
 * Fills in the metadata of parameters without a decorator; `length` counts the parameters if their types are unknown.
 * Where the method may give an AsyncIterable and has no parameter for the context, Nest gives it behind them, for this
 * package itself: each parameter costs every Command some promises.
 */
export function bindParameters(
  target: object,
  key: string | symbol,
  handled: ContractType,
  length: number,
): ContextPlace {
  const command = isClass(handled) ? handled : undefined;
  const given = own<Record<string, ParameterMetadata>>(ROUTE_ARGS_METADATA, target.constructor, key) ?? {};
  const types = own<unknown[]>(PARAMTYPES_METADATA, target, key) ?? Array.from({ length }, () => Object);
  const decorated = new Set(Object.values(given).map(({ index }) => index));
  const metadata: Record<string, unknown> = { ...given };
  const bound = [...types];
  let contextAt = Object.entries(given).find(([entry]) => entry.startsWith(`${CONTEXT}:`))?.[1].index;
  // Without a type a parameter is the Command, unless another one is: then it is the context.
  let commandGiven =
    Object.keys(given).some((entry) => entry.startsWith(`${PAYLOAD}:`)) ||
    types.some((type, index) => !decorated.has(index) && isCommandType(type, command));
  types.forEach((type, index) => {
    if (decorated.has(index)) return;
    const isCommand = isCommandType(type, command) || !(commandGiven || isContextClass(type));
    metadata[`${isCommand ? PAYLOAD : CONTEXT}:${index}`] = { index, data: undefined, pipes: [] };
    if (!isCommand) return void (contextAt ??= index);
    commandGiven = true;
    // Pipes learn the class from the parameter's type: an interface or a missing type tells them nothing. A message
    // has none, and where its type has the name of a constant, that constant is no type either.
    bound[index] = command ?? Object;
  });
  const behind = Math.max(types.length, ...Array.from(decorated, (index) => index + 1));
  if (contextAt === undefined && mayGiveIterable(own<unknown>(RETURNTYPE_METADATA, target, key))) {
    contextAt = behind;
    metadata[`${CONTEXT}:${behind}`] = { index: behind, data: undefined, pipes: [] };
  }
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, metadata, target.constructor, key);
  Reflect.defineMetadata(PARAMTYPES_METADATA, bound, target, key);
  return { index: contextAt, length: behind };
}

/** Metadata of this very method: one that it overrides may have other parameters. */
function own<T>(metadata: string, target: object, key: string | symbol): T | undefined {
  return Reflect.getOwnMetadata(metadata, target, key) as T | undefined;
}

/** By the declared type: an interface and a union are `Object`, and what a promise is of is not known. */
function mayGiveIterable(type: unknown): boolean {
  if (typeof type !== 'function' || type === Object || type === Function) return true;
  const { prototype } = type as { prototype?: object };
  return prototype === undefined || 'then' in prototype || Symbol.asyncIterator in prototype;
}

function isContextClass(type: unknown): boolean {
  return typeof type === 'function' && (type === BaseRpcContext || type.prototype instanceof BaseRpcContext);
}

function isCommandType(type: unknown, command: TypeClass | undefined): boolean {
  if (command === undefined || typeof type !== 'function' || type === Object) return false;
  return type === command || command.prototype instanceof type;
}
