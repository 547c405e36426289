// Tells Nest what each parameter of a Command handler gets. Nest gives undecorated parameters the payload only, or
// nothing as soon as one is decorated; here they get the Command or the context by their type.
import { BaseRpcContext } from '@nestjs/microservices';
import { isClass, type ContractType, type TypeClass } from '../codec/type-table.js';

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
 * Fills in the metadata of parameters without a decorator; `length` counts the parameters if their types are unknown. Where
 * the method may give an AsyncIterable and has no parameter for the context, Nest gives it behind them, for this package
 * itself: each parameter costs every Command some promises.
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
