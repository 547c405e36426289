// Binds a controller method to a type of Commands. What Nest sees is an ordinary message handler under a string route;
// the class or type entry itself travels in the handler's extras.
import 'reflect-metadata';
import { MessagePattern, type Transport } from '@nestjs/microservices';
import { isObservable, type Observable } from 'rxjs';
import type { Command, CommandEntry, ResultOf } from '../codec/command.js';
import { isClass, isTypeEntry, type ContractType, type TypeClass } from '../codec/type-table.js';
import { CmdStreamError } from '../errors.js';
import { isAsyncIterable, isPromiseLike } from '../server/outcome.js';
import type { CmdStreamContext } from './cmd-stream.context.js';
import { bindParameters } from './handler-parameters.js';
import { liftIterable } from './lifted-iterable.js';

// Nest's own key; it is no public constant in all supported versions.
const PATTERN_METADATA = 'microservices:pattern';

type Results<R> = R | Observable<R> | AsyncIterable<R> | void;

/** What a handler of a Command with Results of type `R` may return; a method without a Result returns nothing. */
export type HandlerReturn<R> = Results<R> | Promise<Results<R>>;

/** What the server finds in a handler's extras. */
export interface CommandHandlerExtras {
  readonly command: ContractType;
}

/** The Nest pattern of a Command: text, because Nest's tools print it. */
export function routeOf(command: { readonly name: string }): string {
  return `command:${command.name}`;
}

/** What a decorator of methods of type `M` is. */
type HandlerDecorator<M> = <Method extends M>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/** The handler of a class: its parameters are found by their types. */
type ClassHandler<C> = (...args: never[]) => HandlerReturn<ResultOf<C>>;

/** The handler of a message, which has no class that tells it from others: its parameters are found by their places. */
type MessageHandler<M, R> = (message: M, context: CmdStreamContext, ...decorated: never[]) => HandlerReturn<R>;

/**
 * Marks a controller method as the handler of a Command class, or of a type entry of a codec, such as `protobufType()`.
 * It may return a Result, a Promise, an Observable or an AsyncIterable (async generators too). Parameters without a
 * decorator get the Command and the {@link CmdStreamContext}: by their type, or of a type entry the message first.
 *
 * @param transport Serves only the server with this `transportId`; default: every CmdStreamServer of the application.
 * @throws {CmdStreamError} INVALID_HANDLER when it does not stand on a method that handles nothing else, or is given
 * neither a class nor a type entry
 * @publicApi
 */
export function CommandHandler<C extends Command>(
  command: TypeClass<C>,
  transport?: Transport | symbol,
): HandlerDecorator<ClassHandler<C>>;
export function CommandHandler<M extends object, R>(
  type: CommandEntry<M, R>,
  transport?: Transport | symbol,
): HandlerDecorator<MessageHandler<M, R>>;
export function CommandHandler(command: ContractType, transport?: Transport | symbol) {
  if (!isClass(command) && !isTypeEntry(command))
    throw new CmdStreamError('INVALID_HANDLER', '@CommandHandler() needs a Command class or a type entry of a codec');
  return <M extends (...args: never[]) => unknown>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const method = descriptor?.value;
    if (typeof target === 'function' || typeof method !== 'function') {
      throw new CmdStreamError(
        'INVALID_HANDLER',
        `@CommandHandler(${command.name}) belongs on a method of a controller`,
      );
    }
    if (Reflect.hasOwnMetadata(PATTERN_METADATA, method)) {
      throw new CmdStreamError(
        'INVALID_HANDLER',
        `@CommandHandler(${command.name}): the method ${String(key)} handles something else already`,
      );
    }
    descriptor.value = lifted(method);
    bindParameters(target, key, command, method.length);
    const extras: CommandHandlerExtras = { command };
    (MessagePattern as PatternDecorator)(routeOf(command), transport, extras)(target, key, descriptor);
  };
}

type PatternDecorator = (
  pattern: string,
  transport: Transport | symbol | undefined,
  extras: object,
) => (target: object, key: string | symbol, descriptor: object) => unknown;

/** The method with AsyncIterables turned into Observables before Nest sees them, so that interceptors and filters see each item. */
function lifted<M extends (...args: never[]) => unknown>(method: M): M {
  const wrapper = function (this: unknown, ...args: never[]): unknown {
    const returned = method.apply(this, args);
    return isPromiseLike(returned) && !isObservable(returned) ? returned.then(lift) : lift(returned);
  };
  for (const key of Reflect.getMetadataKeys(method))
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), wrapper);
  Object.defineProperty(wrapper, 'name', { value: method.name });
  return wrapper as M;
}

function lift(returned: unknown): unknown {
  return isAsyncIterable(returned) ? liftIterable(returned) : returned;
}
