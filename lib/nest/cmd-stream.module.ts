// Provides clients to a Nest application.
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
import { CmdStreamError } from '../errors.js';
import type { CmdStreamClientOptions } from './cmd-stream-client-options.js';
import { CmdStreamClient } from './cmd-stream-client.js';

/** The options of a client, and the name to inject it by; without a name it is injected by its class. @publicApi */
export interface CmdStreamClientModuleOptions extends CmdStreamClientOptions {
  name?: string | symbol;
}

/** Makes the options of a client; for `useClass` and `useExisting`. @publicApi */
export interface CmdStreamOptionsFactory {
  createCmdStreamOptions(): CmdStreamClientOptions | Promise<CmdStreamClientOptions>;
}

/** One client whose options come from dependency injection: exactly one of `useFactory`, `useClass`, `useExisting`. @publicApi */
export interface CmdStreamClientAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  name?: string | symbol;
  inject?: InjectionToken[];
  useFactory?: (...dependencies: never[]) => CmdStreamClientOptions | Promise<CmdStreamClientOptions>;
  useClass?: Type<CmdStreamOptionsFactory>;
  useExisting?: InjectionToken;
  /** More providers the factory needs. */
  extraProviders?: Provider[];
}

/** @publicApi */
export interface CmdStreamModuleExtras {
  /**
   * Make the clients known to all modules.
   * @default false
   */
  isGlobal?: boolean;
}

/** The token of a client: its name, or the class {@link CmdStreamClient} without one. @publicApi */
export function getCmdStreamClientToken(name?: string | symbol): InjectionToken {
  return name ?? CmdStreamClient;
}

/** Injects the client of this name; without a name the only unnamed one. @publicApi */
export function InjectCmdStreamClient(name?: string | symbol): PropertyDecorator & ParameterDecorator {
  return Inject(getCmdStreamClientToken(name));
}

/**
 * Provides {@link CmdStreamClient}s; they connect with their first call and close with the application.
 *
 * @throws {CmdStreamError} INVALID_OPTION when two clients have one name, or the source of a client's options is not clear
 * @publicApi
 */
@Module({})
export class CmdStreamModule {
  static register(
    clients: CmdStreamClientModuleOptions | CmdStreamClientModuleOptions[],
    extras: CmdStreamModuleExtras = {},
  ): DynamicModule {
    const providers = listOf(clients).map(({ name, ...options }): FactoryProvider => ({
      provide: getCmdStreamClientToken(name),
      useFactory: () => new CmdStreamClient(options),
    }));
    return moduleOf(providers, extras);
  }

  static registerAsync(
    clients: CmdStreamClientAsyncOptions | CmdStreamClientAsyncOptions[],
    extras: CmdStreamModuleExtras = {},
  ): DynamicModule {
    const list = listOf(clients);
    const imports = list.flatMap((client) => client.imports ?? []);
    return moduleOf(list.map(asyncClient), extras, imports, list.flatMap(helpers));
  }
}

/** One or several; what comes without TypeScript may be anything. */
function listOf<T extends object>(clients: T | T[]): T[] {
  const list = [clients].flat() as T[];
  if (list.every((options) => typeof options === 'object' && options !== null)) return list;
  throw new CmdStreamError('INVALID_OPTION', 'CmdStreamModule: the options of a client must be an object');
}

function moduleOf(
  clients: FactoryProvider[],
  { isGlobal = false }: CmdStreamModuleExtras,
  imports: DynamicModule['imports'] = [],
  others: Provider[] = [],
): DynamicModule {
  const tokens = clients.map(({ provide }) => provide);
  const twice = tokens.find((token, index) => tokens.indexOf(token) !== index);
  if (twice !== undefined) {
    const name = typeof twice === 'function' ? 'have no name' : `have the name ${String(twice)}`;
    throw new CmdStreamError('INVALID_OPTION', `CmdStreamModule: two clients ${name}`);
  }
  return { module: CmdStreamModule, global: isGlobal, imports, providers: [...others, ...clients], exports: clients };
}

function asyncClient(options: CmdStreamClientAsyncOptions): FactoryProvider {
  const { name, inject = [], useFactory, useClass, useExisting } = options;
  if ([useFactory, useClass, useExisting].filter((source) => source !== undefined).length !== 1) {
    const needed = 'exactly one of useFactory, useClass and useExisting';
    throw new CmdStreamError('INVALID_OPTION', `CmdStreamModule.registerAsync() needs ${needed}`);
  }
  const provide = getCmdStreamClientToken(name);
  const factory = useExisting ?? useClass;
  if (factory !== undefined) {
    const useMade = async (made: CmdStreamOptionsFactory) => new CmdStreamClient(await made.createCmdStreamOptions());
    return { provide, inject: [factory], useFactory: useMade };
  }
  const makeOptions = useFactory as (...dependencies: unknown[]) => ReturnType<NonNullable<typeof useFactory>>;
  return {
    provide,
    inject,
    useFactory: async (...dependencies: unknown[]) => new CmdStreamClient(await makeOptions(...dependencies)),
  };
}

function helpers({ useClass, extraProviders = [] }: CmdStreamClientAsyncOptions): Provider[] {
  return useClass ? [...extraProviders, useClass] : extraProviders;
}
