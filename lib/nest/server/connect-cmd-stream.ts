// A hybrid application's server of Commands, bound to its handlers when it starts to listen: by then the application
// has all that is global, in whatever order it was given.
import 'reflect-metadata';
import type { INestApplication, INestMicroservice } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { MicroserviceOptions, Transport } from '@nestjs/microservices';
import { CmdStreamError } from '../../errors.js';
import { CmdStreamServer, type CmdStreamServerOptions } from './cmd-stream-server.js';
import { commandOf } from './command-handler.decorator.js';
import { nameOf } from './handler-invoker.js';

/** What a microservice of Nest is besides its interface. */
interface DeferredMicroservice {
  setIsInitialized(isInitialized: boolean): void;
  setIsInitHookCalled(isInitHookCalled: boolean): void;
}

const WATCHED = Symbol.for('nestjs-cmd-stream.unservedHandlers');

/** Has it a server that warns of its handlers? A second one would say it again. */
interface Watched {
  readonly [WATCHED]?: true;
}

/**
 * Adds a server of Commands to an application that serves HTTP, as `app.connectMicroservice()` would, and without its
 * traps: the application's global pipes, filters, guards and interceptors hold for Commands as well, those too that are
 * given after this, up to `app.startAllMicroservices()`; and no provider has its `onModuleInit` called twice.
 *
 * @example
 * import { NestFactory } from '@nestjs/core';
 * import { CommandValidationPipe, connectCmdStream } from 'nestjs-cmd-stream';
 * import { calcContract } from './calc.contract.js';
 *
 * export async function serve(module: object): Promise<void> {
 *   const app = await NestFactory.create(module);
 *   connectCmdStream(app, { port: 9000, contract: calcContract });
 *   app.useGlobalPipes(new CommandValidationPipe());
 *   await app.startAllMicroservices();
 *   await app.listen(8080);
 * }
 *
 * @param server The options of the server, or one that was made before, such as `app.get(CmdStreamServer)`
 * @throws {CmdStreamError} INVALID_OPTION when the options make no sense, or `app` serves no HTTP: it is then the one
 * of `NestFactory.createMicroservice()`, which takes the server itself
 * @publicApi
 */
export function connectCmdStream(
  app: INestApplication,
  server: CmdStreamServerOptions | CmdStreamServer,
): INestMicroservice {
  if (typeof (app as Partial<INestApplication> | undefined)?.connectMicroservice !== 'function') {
    const what = 'connectCmdStream() takes an application of NestFactory.create()';
    const remedy = 'NestFactory.createMicroservice() is given the server as its `strategy`';
    throw new CmdStreamError('INVALID_OPTION', `${what}; ${remedy}`);
  }
  const strategy = server instanceof CmdStreamServer ? server : new CmdStreamServer(server);
  const { size } = strategy.getHandlers();
  const hybrid = { inheritAppConfig: true, deferInitialization: true };
  const microservice = app.connectMicroservice<MicroserviceOptions>({ strategy }, hybrid);
  if (!(app as Watched)[WATCHED]) {
    // Defined, not assigned: the proxy in which NestFactory wraps an application takes no assignments.
    Object.defineProperty(app, WATCHED, { value: true });
    strategy.warnOf(() => unserved(microservice.get(ModulesContainer)));
  }
  // Early versions of Nest 11 cannot defer it, and have bound the handlers by now: `listen()` does it anew.
  if (strategy.getHandlers().size > size) strategy.removeHandlers();
  const deferred = microservice as INestMicroservice & DeferredMicroservice;
  deferred.setIsInitialized(false);
  // Those of the application are called by itself, when it starts.
  deferred.setIsInitHookCalled(true);
  return microservice;
}

// Nest's own key; it is no public constant in all supported versions.
const TRANSPORT_METADATA = 'microservices:transport';

/** Of methods that are bound to a transport which no server of the application has: Nest keeps them from all others. */
function unserved(modules: ModulesContainer): readonly string[] {
  // Early versions of Nest 11 do not know their servers.
  const servers = (modules as Partial<ModulesContainer>).getRpcTargetRegistry?.<{ readonly transportId?: unknown }>();
  if (servers === undefined) return [];
  const served = new Set<unknown>();
  servers.subscribe(({ transportId }) => served.add(transportId)).unsubscribe();
  // A server without an id is given all handlers.
  if (served.has(undefined)) return [];
  const methods = Array.from(modules.values(), (module) => [...module.controllers.values()])
    .flat()
    .flatMap(({ metatype }) => boundMethods(metatype?.prototype as object | undefined))
    .filter(([, transport]) => !served.has(transport))
    .map(([method, transport]) => `${method} (${nameOf(transport)})`);
  if (methods.length === 0) return [];
  const remedy = 'take the transport away, or make it the option transportId';
  const named = [...new Set(methods)].join(', ');
  return [`no server of this application has the transport of ${named}: they are never called; ${remedy}`];
}

/** The methods of a controller that are bound to a transport; Commands have warnings of their own. */
function boundMethods(prototype: object | undefined): readonly (readonly [string, Transport | symbol])[] {
  if (prototype === undefined) return [];
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const method = (prototype as Record<string, object>)[name]!;
    const transport = Reflect.getMetadata(TRANSPORT_METADATA, method) as Transport | symbol | undefined;
    if (transport === undefined || commandOf(method) !== undefined) return [];
    return [[`${prototype.constructor.name}.${name}`, transport] as const];
  });
}
