// A facade over a client for those who come from RPC: one method for each Command, which makes it, sends it and gives
// what comes back.
import type { ResultOf, StreamCommand } from '../contract/command.js';
import {
  checkedMethods,
  type CheckedMethod,
  type FittingMethods,
  type MethodCommand,
  type ServiceMethods,
} from '../contract/service-methods.js';
import { CmdStreamError } from '../errors.js';
import { checkCallOptions, ownMetadata } from './call/call-rules.js';
import type { CallOptions } from './call/client-call.js';

/**
 * What a service needs of its client: CommandClient and CmdStreamClient have it.
 *
 * @publicApi
 */
export interface ServiceClient {
  /** Sends a Command that has one Result. */
  execute(command: never, options?: CallOptions): Promise<unknown>;
  /** The Results of a Command, one by one. */
  iterate(command: never, options?: CallOptions): AsyncIterableIterator<unknown, undefined>;
}

/** What a method gives: all Results, one by one, of a StreamCommand; else a promise of the one. */
type AnswerOf<C> = C extends StreamCommand ? AsyncIterableIterator<ResultOf<C>, undefined> : Promise<ResultOf<C>>;

type CallOf<T extends MethodCommand> = (...args: ConstructorParameters<T>) => AnswerOf<InstanceType<T>>;

/**
 * A service as {@link serviceOf} makes it: its methods, and `$with()`.
 *
 * @publicApi
 */
export type ServiceOf<M extends ServiceMethods> = { readonly [K in keyof M]: CallOf<M[K]> } & {
  /**
   * The same service, whose calls have these options: those of the service it is called on stay, unless they are given
   * anew, and metadata is merged key by key. Make it once where it is used often.
   *
   * @throws {CmdStreamError} INVALID_OPTION
   */
  readonly $with: (options: CallOptions) => ServiceOf<M>;
};

/**
 * Gives a client the face of a service: a method for each Command. It takes what the constructor of the Command takes,
 * and gives a promise of the Result, as `execute` does, or for a StreamCommand an AsyncIterable of all Results, as
 * `iterate` does. Methods need no `this`.
 *
 * @param client Its calls go to this one, which goes on to belong to its owner
 * @throws {CmdStreamError} INVALID_CONTRACT when a method has the name `then`, `toJSON`, one of a method of every
 * object or one that begins with `$`, or is no class of Commands; INVALID_OPTION when `client` is no client
 *
 * @example
 * import { serviceOf, type CmdStreamClient } from 'nestjs-cmd-stream';
 * import { AddCmd, PrimesCmd } from './calc.contract.js';
 *
 * export async function ask(client: CmdStreamClient) {
 *   const calc = serviceOf(client, { add: AddCmd, primes: PrimesCmd });
 *   const { value } = await calc.add(2, 3);
 *   for await (const { P } of calc.primes(10)) console.log(P);
 *   return calc.$with({ timeoutMs: 100 }).add(value, 1);
 * }
 *
 * @publicApi
 */
export function serviceOf<Client extends ServiceClient, M extends ServiceMethods>(
  client: Client,
  methods: M & FittingMethods<M, Parameters<Client['iterate']>[0]>,
): ServiceOf<M> {
  const { execute, iterate } = (client ?? {}) as Partial<ServiceClient>;
  if (typeof execute !== 'function' || typeof iterate !== 'function')
    throw new CmdStreamError('INVALID_OPTION', 'serviceOf() needs a CommandClient or a CmdStreamClient');
  return serviceWith(client, checkedMethods(methods), undefined) as ServiceOf<M>;
}

function serviceWith(
  client: ServiceClient,
  methods: readonly CheckedMethod[],
  options: CallOptions | undefined,
): object {
  const service: Record<string, unknown> = {
    $with: (given: CallOptions) => serviceWith(client, methods, merged(options, given)),
  };
  for (const { name, command, isStream } of methods)
    service[name] = isStream ? streamMethod(client, command, options) : method(client, command, options);
  return service;
}

type CommandConstructor = CheckedMethod['command'];

/** Rejects with what the constructor throws, as a caller expects of whatever gives a promise. */
function method(client: ServiceClient, Class: CommandConstructor, options: CallOptions | undefined) {
  return (...args: unknown[]): Promise<unknown> => {
    try {
      return client.execute(new Class(...args) as never, options);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

function streamMethod(client: ServiceClient, Class: CommandConstructor, options: CallOptions | undefined) {
  return (...args: unknown[]): AsyncIterable<unknown> => client.iterate(new Class(...args) as never, options);
}

/** Given ones win over earlier ones; what is undefined is not given. */
function merged(earlier: CallOptions | undefined, given: CallOptions): CallOptions {
  checkCallOptions(given);
  const options: CallOptions = { ...earlier };
  const { metadata, ...others } = given;
  for (const [name, value] of Object.entries(others))
    if (value !== undefined) Object.assign(options, { [name]: value });
  if (metadata !== undefined)
    options.metadata = { ...earlier?.metadata, ...ownMetadata('call option "metadata"', metadata) };
  return options;
}
