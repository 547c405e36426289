// Provides clients to a Nest application.
import { randomUUID } from 'node:crypto';
import {
  Inject,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type InjectionToken,
  type ModuleMetadata,
  type Provider,
  type Type,
} from '@nestjs/common';
import { requireFunction } from '../../callbacks.js';
import { CmdStreamError } from '../../errors.js';
import {
  type Complete,
  boolean,
  callback,
  checkOptionNames,
  resolveOptions,
  text,
  type OptionRule,
  type OldOptionNames,
  type OptionRules,
} from '../../options.js';
import { oldClientNames } from '../../client/client-options.js';
import { type CmdStreamClientOptions, CmdStreamClient, cmdStreamClientRules } from './cmd-stream-client.js';
import { refuseStandardDecorator } from '../server/command-handler.decorator.js';

/** The options of a client, and the name to inject it by; without a name it is injected by its class. @publicApi */
export interface CmdStreamClientModuleOptions extends CmdStreamClientOptions {
  /**
   * What `@InjectCmdStreamClient(name)` asks for; needed where an application has several clients.
   * @default none: it is injected by its class
   */
  name?: string | symbol | undefined;
}

/** Makes the options of a client; for `useClass` and `useExisting`. @publicApi */
export interface CmdStreamOptionsFactory {
  /** Called once, when the application starts; a client needs no `name` here. */
  createCmdStreamOptions(): CmdStreamClientOptions | Promise<CmdStreamClientOptions>;
}

/** What a factory may give. */
type GivenOptions = CmdStreamClientOptions | Promise<CmdStreamClientOptions>;

/** The names in what a factory gives that are no options of a client; of `any` nothing is known. */
type Strangers<O> = 0 extends 1 & O
  ? never
  : O extends unknown
    ? Exclude<keyof O, keyof CmdStreamClientOptions>
    : never;

/** Nothing, or what the compiler complains about. */
type WithoutStrangers<R> = [Strangers<Awaited<R>>] extends [never]
  ? unknown
  : { readonly 'a factory gives options of a client, and these are none': Strangers<Awaited<R>> };

/**
 * One client whose options come from dependency injection: exactly one of `useFactory`, `useClass`, `useExisting`.
 * `R` is what `useFactory` returns.
 *
 * @publicApi
 */
export interface CmdStreamClientAsyncOptions<R extends GivenOptions = GivenOptions> {
  /** Modules whose providers the factory needs. */
  imports?: ModuleMetadata['imports'] | undefined;
  /** What `@InjectCmdStreamClient(name)` asks for; without one it is injected by its class. */
  name?: string | symbol | undefined;
  /** The tokens of what `useFactory` is called with, in this order. */
  inject?: InjectionToken[] | undefined;
  /** Makes the options, with the providers that `inject` lists. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as Nest's own: what is injected is not known to types
  useFactory?: ((...dependencies: any[]) => WithoutStrangers<R> & R & GivenOptions) | undefined;
  /** A class that makes the options; the module makes its instance. */
  useClass?: Type<CmdStreamOptionsFactory> | undefined;
  /** The token of a provider that is there already and makes the options. */
  useExisting?: InjectionToken | undefined;
  /** More providers the factory needs. */
  extraProviders?: Provider[] | undefined;
}

/**
 * What holds for all clients of one `register` or `registerAsync`.
 *
 * @publicApi
 */
export interface CmdStreamModuleExtras {
  /**
   * Make the clients known to all modules.
   * @default false
   */
  isGlobal?: boolean | undefined;
}

/** Several clients, and whether all modules know them, as Nest's `ClientsModule` takes them. @publicApi */
export interface CmdStreamClients<Client> extends CmdStreamModuleExtras {
  /** The clients, each with a name of its own. Required. */
  clients: Client[];
}

/** One client, a list of them, or a list with what holds for all of it. @publicApi */
export type CmdStreamModuleOptions<Client> = (Client & CmdStreamModuleExtras) | Client[] | CmdStreamClients<Client>;

/** Several clients, each with what its factory returns. */
type AsyncClients<L extends readonly GivenOptions[]> = { [I in keyof L]: CmdStreamClientAsyncOptions<L[I]> };

const anything: OptionRule = Object.freeze({ expected: 'anything', accepts: () => true });
const list: OptionRule = Object.freeze({ expected: 'an array', accepts: Array.isArray });

const clientsRules: OptionRules<CmdStreamClients<object>> = Object.freeze({
  clients: { ...list, required: true },
  isGlobal: boolean,
});

/** What a name may be is checked where its token is made, how many sources there are where they are read. */
const asyncRules: OptionRules<CmdStreamClientAsyncOptions> = Object.freeze({
  name: anything,
  imports: list,
  inject: list,
  useFactory: callback,
  useClass: callback,
  useExisting: anything,
  extraProviders: list,
});

const namedRules: OptionRules<CmdStreamClientModuleOptions> = Object.freeze({
  ...cmdStreamClientRules,
  name: anything,
});

/** What is said of names that belong to all clients of a list. */
const besideClients: OldOptionNames = Object.freeze({
  isGlobal: 'it stands beside the clients, { clients: [...], isGlobal: true }',
});

/** What says where the server is. */
const addressKeys = ['host', 'port', 'path', 'servers'] as const;
/** What keeps modules apart where Nest knows them by their content (`moduleIdGeneratorAlgorithm: 'deep-hash'`). */
const MODULE_ID = 'CMD_STREAM_MODULE_ID';

/**
 * The token of a client: its name, or the class {@link CmdStreamClient} without one.
 *
 * @throws {CmdStreamError} INVALID_OPTION when the name is no symbol and no string, or an empty one
 * @publicApi
 */
export function getCmdStreamClientToken(name?: string | symbol): InjectionToken {
  if (name === undefined) return CmdStreamClient;
  if (typeof name === 'symbol' || text.accepts(name)) return name;
  const got = typeof name === 'string' ? 'an empty one' : String(name);
  const remedy = 'leave it out for the one client that has none';
  throw new CmdStreamError(
    'INVALID_OPTION',
    `the name of a client must be a symbol or ${text.expected}, got ${got}; ${remedy}`,
  );
}

/**
 * Injects the client of this name; without a name the only unnamed one.
 *
 * @throws {CmdStreamError} INVALID_OPTION as {@link getCmdStreamClientToken}; INVALID_HANDLER when it is used as a
 * standard decorator
 * @publicApi
 */
export function InjectCmdStreamClient(name?: string | symbol): PropertyDecorator & ParameterDecorator {
  const inject = Inject(getCmdStreamClientToken(name));
  return (target: object, key: string | symbol | undefined, ...index: [number?]): void => {
    refuseStandardDecorator('@InjectCmdStreamClient()', key);
    (inject as ParameterDecorator)(target, key, ...(index as [number]));
  };
}

/**
 * Provides {@link CmdStreamClient}s; they connect with their first call and close with the application.
 *
 * @throws {CmdStreamError} INVALID_OPTION when two clients have one name, the name is an empty string, or the source of
 * a client's options is not clear; at the start of the application when a factory gives no options
 * @publicApi
 */
@Module({})
export class CmdStreamModule {
  /**
   * Provides one client, or several with names, whose options are known now. See {@link registerAsync} for others.
   *
   * @example
   * import { Injectable, Module } from '@nestjs/common';
   * import { CmdStreamClient, CmdStreamModule, InjectCmdStreamClient } from 'nestjs-cmd-stream';
   * import { AddCmd, calcContract } from './calc.contract.js';
   *
   * export @Injectable() class Sums {
   *   constructor(@InjectCmdStreamClient() private readonly calc: CmdStreamClient<typeof calcContract>) {}
   *
   *   async ofTwo(a: number, b: number): Promise<number> {
   *     return (await this.calc.execute(new AddCmd(a, b))).value;
   *   }
   * }
   *
   * const clients = CmdStreamModule.register({ host: 'calc.example', port: 9000, contract: calcContract });
   *
   * export @Module({ imports: [clients], providers: [Sums] }) class SumsModule {}
   */
  static register(options: CmdStreamModuleOptions<CmdStreamClientModuleOptions>, ...none: []): DynamicModule {
    const { clients, isGlobal } = clientsOf('register', options, none, namedRules, oldClientNames);
    const providers = clients.map(({ name, ...client }): FactoryProvider => ({
      provide: getCmdStreamClientToken(name),
      useFactory: () => new CmdStreamClient(client),
    }));
    return moduleOf(providers, isGlobal);
  }

  /**
   * The same with options that come from dependency injection, for instance from a configuration.
   *
   * @example
   * import { CmdStreamModule } from 'nestjs-cmd-stream';
   * import { calcContract } from './calc.contract.js';
   *
   * export class CalcConfig {
   *   readonly servers = 'a:9000,b:9000';
   * }
   *
   * export const clients = CmdStreamModule.registerAsync({
   *   extraProviders: [CalcConfig],
   *   inject: [CalcConfig],
   *   useFactory: ({ servers }: CalcConfig) => ({ servers, contract: calcContract }),
   * });
   */
  static registerAsync<
    R extends GivenOptions,
    L extends readonly GivenOptions[] | [GivenOptions],
    M extends readonly GivenOptions[] | [GivenOptions],
  >(
    options:
      | (CmdStreamClientAsyncOptions<R> & CmdStreamModuleExtras)
      | AsyncClients<L>
      | (CmdStreamModuleExtras & { clients: AsyncClients<M> }),
    ...none: []
  ): DynamicModule;
  static registerAsync(options: CmdStreamModuleOptions<CmdStreamClientAsyncOptions>, ...none: []): DynamicModule {
    const { clients, isGlobal } = clientsOf('registerAsync', options, none, asyncRules);
    const imports = clients.flatMap((client) => client.imports ?? []);
    return moduleOf(clients.map(asyncClient), isGlobal, imports, clients.flatMap(helpers));
  }
}

/** What is given in one of three ways; what comes without TypeScript may be anything. */
function clientsOf<Client extends object>(
  method: string,
  given: CmdStreamModuleOptions<Client>,
  none: readonly unknown[],
  rules: Readonly<Record<string, OptionRule>>,
  oldNames?: OldOptionNames,
): Complete<CmdStreamClients<Client>> {
  const owner = `CmdStreamModule.${method}()`;
  if (none.length > 0) {
    const remedy = `isGlobal stands beside the clients, { clients: [...], isGlobal: true }`;
    throw new CmdStreamError('INVALID_OPTION', `${owner} takes one argument: ${remedy}`);
  }
  const several = (options: readonly Client[]): Client[] => {
    const clients = objects(options);
    for (const client of clients) checkOptionNames(owner, client, rules, { ...oldNames, ...besideClients });
    return clients;
  };
  if (Array.isArray(given)) return { clients: several(given), isGlobal: false };
  const [single] = objects([given]);
  if (Object.hasOwn(single as object, 'clients')) {
    const { clients, isGlobal } = resolveOptions(owner, single as CmdStreamClients<Client>, {}, clientsRules);
    return { clients: several(clients as Client[]), isGlobal: isGlobal ?? false };
  }
  checkOptionNames(owner, single, { ...rules, isGlobal: boolean }, oldNames);
  const { isGlobal, ...client } = single as Client & CmdStreamModuleExtras;
  resolveOptions(owner, { isGlobal }, {}, { isGlobal: boolean });
  return { clients: [client as unknown as Client], isGlobal: isGlobal ?? false };
}

function objects<T>(clients: readonly T[]): T[] {
  if (clients.every((options) => typeof options === 'object' && options !== null)) return [...clients];
  throw new CmdStreamError('INVALID_OPTION', 'CmdStreamModule: the options of a client must be an object');
}

function moduleOf(
  clients: FactoryProvider[],
  isGlobal: boolean,
  imports: DynamicModule['imports'] = [],
  others: Provider[] = [],
): DynamicModule {
  const tokens = clients.map(({ provide }) => provide);
  const twice = tokens.find((token, index) => tokens.indexOf(token) !== index);
  if (twice !== undefined) {
    const name = typeof twice === 'function' ? 'have no name' : `have the name ${String(twice)}`;
    throw new CmdStreamError('INVALID_OPTION', `CmdStreamModule: two clients ${name}`);
  }
  const id: Provider = { provide: MODULE_ID, useValue: randomUUID() };
  return {
    module: CmdStreamModule,
    global: isGlobal,
    imports,
    providers: [id, ...others, ...clients],
    exports: clients,
  };
}

function asyncClient(options: CmdStreamClientAsyncOptions): FactoryProvider {
  resolveOptions('CmdStreamModule.registerAsync()', options, {}, asyncRules);
  const { name, inject = [], useFactory, useClass, useExisting } = options;
  if ([useFactory, useClass, useExisting].filter((source) => source !== undefined).length !== 1) {
    const needed = 'exactly one of useFactory, useClass and useExisting';
    throw new CmdStreamError('INVALID_OPTION', `CmdStreamModule.registerAsync() needs ${needed}`);
  }
  const provide = getCmdStreamClientToken(name);
  const source = useFactory ? 'useFactory' : useClass ? 'useClass' : 'useExisting';
  const factory = useExisting ?? useClass;
  if (factory !== undefined) {
    const useMade = async (made: CmdStreamOptionsFactory | null | undefined) => {
      requireFunction(`${placeOf(name)}: createCmdStreamOptions of its ${source}`, made?.createCmdStreamOptions);
      return clientOf(name, source, await made!.createCmdStreamOptions());
    };
    return { provide, inject: [factory], useFactory: useMade };
  }
  const makeOptions = useFactory as (...dependencies: unknown[]) => ReturnType<NonNullable<typeof useFactory>>;
  return {
    provide,
    inject,
    useFactory: async (...dependencies: unknown[]) => clientOf(name, source, await makeOptions(...dependencies)),
  };
}

/**
 * The client of the options that a factory gave. Where it gave nothing, or nothing for the address it names, a setting
 * is missing: the client must not go to the default address then.
 */
function clientOf(
  name: string | symbol | undefined,
  source: string,
  options: CmdStreamClientOptions | undefined,
): CmdStreamClient {
  const where = placeOf(name);
  if (options === undefined || options === null)
    throw new CmdStreamError('INVALID_OPTION', `${where}: its factory gave ${options} instead of options`);
  const belongs = `it belongs beside ${source}, not into what that gives`;
  checkOptionNames(where, options, cmdStreamClientRules, { ...oldClientNames, name: belongs, isGlobal: belongs });
  const named = addressKeys.filter((key) => Object.hasOwn(options, key));
  if (named.length > 0 && named.every((key) => options[key] === undefined)) {
    const remedy = 'is a setting missing? Leave them out for the default address';
    throw new CmdStreamError(
      'INVALID_OPTION',
      `${where}: its factory gave undefined for ${named.join(' and ')}: ${remedy}`,
    );
  }
  return new CmdStreamClient(options);
}

/** For errors. */
function placeOf(name: string | symbol | undefined): string {
  const client = name === undefined ? 'the client without a name' : `client ${String(name)}`;
  return `CmdStreamModule.registerAsync(), ${client}`;
}

function helpers({ useClass, extraProviders = [] }: CmdStreamClientAsyncOptions): Provider[] {
  return useClass ? [...extraProviders, useClass] : extraProviders;
}
