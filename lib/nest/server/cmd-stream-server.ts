// The server of the transport, as Nest's strategies are: it takes handlers, listens, runs what it is asked to between
// Nest's hooks, and says how it is. How a Command finds its handler is the HandlerInvoker's, connections and drain are
// the core's.
import 'reflect-metadata';
import { AsyncResource } from 'node:async_hooks';
import type { LoggerService } from '@nestjs/common';
import {
  Server,
  type ClientOptions,
  type CustomTransportStrategy,
  type Deserializer,
  type MessageHandler,
  type MsPattern,
  type ReadPacket,
  type Serializer,
  type Transport,
} from '@nestjs/microservices';
import { callSafely } from '../../callbacks.js';
import type { ConnectionAddresses } from '../../contract/command.js';
import { emptyContract, tablesOf, contractRule, type Contract } from '../../contract/contract.js';
import { CmdStreamError } from '../../errors.js';
import { resolveOptions, type OldOptionNames, type OptionRules } from '../../options.js';
import { CommandServer } from '../../server/command-server.js';
import type { ResultSink } from '../../server/invoker.js';
import {
  oldServerOptions,
  serverDefaults,
  type CloseOptions,
  type ResolvedServerOptions,
  type ServerStatus,
  serverRules,
  type CmdStreamBaseServerOptions,
} from '../../server/server-options.js';
import type { TlsReloadOptions } from '../../server/server-tls.js';
import { Listeners, type EventNames } from '../listeners.js';
import { logRules, ownLog, type CmdStreamLogOptions } from '../own-log.js';
import { PeerLog } from '../peer-log.js';
import type { CmdStreamContext } from './cmd-stream.context.js';
import { transportIdRule, type CommandHandlerExtras } from './command-handler.decorator.js';
import { FailureLog } from './failure-log.js';
import { failureOf } from './handler-failure.js';
import { HandlerInvoker, runHandler } from './handler-invoker.js';
import { LifeLog, type Handled } from './life-log.js';
import { PatternInvoker, type RunHandler } from './pattern-invoker.js';
import { HookedSink } from './response-sinks.js';
import { deserializerRule, normalized, serializerRule } from '../packet-forms.js';

/**
 * The options of the Nest server: those of the core server, without its Invoker, which is Nest, and what it logs.
 *
 * @publicApi
 */
export interface CmdStreamServerOptions extends CmdStreamBaseServerOptions, CmdStreamLogOptions {
  /**
   * The contract both sides share; without one the server takes messages by pattern only.
   * @default none
   */
  contract?: Contract | undefined;
  /**
   * Which handlers this server serves: those without a tag, and those tagged with this id, as by
   * `@CommandHandler(command, id)`, `@MessagePattern(pattern, id)` or `@EventPattern(pattern, id)`. Nest hands over no
   * others: handlers tagged with `Transport.TCP` need `transportId: Transport.TCP`.
   * @default CMD_STREAM
   */
  transportId?: Transport | symbol | undefined;
  /**
   * Nest's serializer of answers by pattern.
   * @default none
   */
  serializer?: Serializer | undefined;
  /**
   * Nest's deserializer of messages by pattern.
   * @default none
   */
  deserializer?: Deserializer | undefined;
}

export const cmdStreamServerRules: OptionRules<CmdStreamServerOptions> = Object.freeze({
  ...serverRules,
  contract: { ...contractRule, required: false },
  transportId: transportIdRule,
  serializer: serializerRule,
  deserializer: deserializerRule,
  ...logRules,
});

const oldNames: OldOptionNames = Object.freeze({
  ...oldServerOptions,
  gracefulShutdown: 'it is a function, as signals end the whole application: `enableGracefulShutdown(app)`',
});

/**
 * What a {@link CmdStreamServer} does, as its event `status` gives it.
 *
 * @publicApi
 */
export type CmdStreamServerStatus = ServerStatus;

/**
 * The events of a server. No interface: to Nest's base class one is no record of functions unless any name is an event.
 *
 * @publicApi
 */
export type CmdStreamServerEvents = {
  /** A client has connected; nothing was sent or received. The same object is given to `disconnect`. */
  connection: (connection: ConnectionAddresses) => void;
  /** A connection has ended; its Commands may still be running. */
  disconnect: (connection: ConnectionAddresses, cause: CmdStreamError) => void;
  /** A client did not get as far as a connection: MAX_CONNECTIONS, TLS_ERROR, HANDSHAKE_TIMEOUT, SHUTDOWN. */
  connectionRefused: (client: ConnectionAddresses, cause: CmdStreamError) => void;
  /** The status has changed; `cause` is why it could not listen, is degraded, or closed by itself. */
  status: (status: CmdStreamServerStatus, cause?: CmdStreamError) => void;
};

/** The id of this transport, unless the option `transportId` says otherwise. */
export const CMD_STREAM: unique symbol = Symbol.for('nestjs-cmd-stream.transport') as never;

const known: readonly (keyof CmdStreamServerEvents)[] = ['status', 'connection', 'disconnect', 'connectionRefused'];

const eventNames: EventNames = {
  owner: 'CmdStreamServer',
  known,
  old: {
    connectionLost: 'it is "disconnect" now, which is given (connection, cause)',
    connect: 'it is "connection"',
    error: 'there is none: errors are logged, and "status" is given why the server could not listen',
    listening: 'it is the status "connected" of "status"',
    close: 'it is the status "closed" of "status"',
  },
};

/** Nest keeps handlers with another tag from the server: this is all that it can notice. */
const NO_HANDLERS = 'no handlers: those tagged with a transport other than the option transportId are not served';

/**
 * The strategy for `NestFactory.createMicroservice()` and `connectMicroservice()`.
 *
 * @example
 * import { NestFactory } from '@nestjs/core';
 * import { CmdStreamServer } from 'nestjs-cmd-stream';
 * import { calcContract } from './calc.contract.js';
 *
 * export async function serve(module: object): Promise<void> {
 *   const strategy = new CmdStreamServer({ port: 9000, contract: calcContract });
 *   strategy.on('disconnect', ({ remoteAddress }, cause) => console.log(remoteAddress, cause.code));
 *   const app = await NestFactory.createMicroservice(module, { strategy });
 *   await app.listen();
 * }
 *
 * @throws {CmdStreamError} INVALID_OPTION, SERVER_INFO_TOO_LARGE when it is made with options that make no sense
 * @publicApi
 */
export class CmdStreamServer
  extends Server<CmdStreamServerEvents, CmdStreamServerStatus>
  implements CustomTransportStrategy
{
  override transportId: Transport | symbol;
  /** Nest 12 leaves it to this server to log what an event's handler threw on purpose. */
  override readonly propagatesEventHandlerErrors = true;
  /** Where it logs: see the option `logger`; subclasses may have another one. */
  protected override readonly logger: LoggerService;
  readonly #server: CommandServer;
  readonly #invoker: HandlerInvoker;
  readonly #listeners = new Listeners(eventNames);
  readonly #peerLog: PeerLog;
  readonly #failureLog: FailureLog;
  readonly #lifeLog: LifeLog;
  readonly #patterns: PatternInvoker;
  #unserved: (() => readonly string[]) | undefined;
  #hooked = false;
  /** Was it closed since it got its handlers? */
  #isOver = false;

  constructor(options: CmdStreamServerOptions = {}) {
    super();
    const resolved = resolveOptions('CmdStreamServer', options, serverDefaults, cmdStreamServerRules, oldNames);
    const { transportId, serializer, deserializer, logger, logLevels, contract = emptyContract, ...core } = resolved;
    this.logger = ownLog('CmdStreamServer', { logger, logLevels });
    this.#peerLog = new PeerLog(this.logger);
    this.#failureLog = new FailureLog(() => this.logger, this.#peerLog);
    this.transportId = transportId ?? CMD_STREAM;
    this.initializeSerializer({ serializer } as ClientOptions['options']);
    this.initializeDeserializer({ deserializer } as ClientOptions['options']);
    const run: RunHandler = (handler, data, context, sink) => this.#run(handler, data, context, sink);
    const onUnsaid = (exception: unknown): void => this.#failureLog.error(exception);
    const shape = (error: unknown): CmdStreamError => failureOf(error, onUnsaid);
    this.#patterns = new PatternInvoker({
      handlers: this,
      forms: () => ({ serializer: this.serializer, deserializer: this.deserializer as Deserializer | undefined }),
      run,
      failureOf: shape,
      onUnsaid,
      log: this.#peerLog,
    });
    this.#invoker = new HandlerInvoker({
      commands: tablesOf(contract).commands,
      handlers: this,
      patterns: this.#patterns,
      run,
      failureOf: shape,
    });
    this.#server = new CommandServer(this.#coreOptions({ ...core, contract }), true);
    const loggerOf = (): LoggerService => this.logger;
    this.#lifeLog = new LifeLog(loggerOf, this.#server, () => this.#handled);
    this.#server.onStatus((status, cause) => this.#onStatus(status, cause));
  }

  #coreOptions(given: Omit<ResolvedServerOptions, 'invoker'>): ResolvedServerOptions {
    const report = (error: unknown): void => this.#failureLog.report(error);
    return {
      ...given,
      invoker: this.#invoker,
      onConnection: (connection) => {
        callSafely(report, given.onConnection, connection);
        this.#emit('connection', connection);
      },
      onDisconnect: (connection, cause) => {
        this.#peerLog.connectionEnd(connection, cause);
        callSafely(report, given.onDisconnect, connection, cause);
        this.#emit('disconnect', connection, cause);
      },
      onConnectionRefused: (client, cause) => {
        this.#peerLog.connectionEnd(client, cause);
        callSafely(report, given.onConnectionRefused, client, cause);
        this.#emit('connectionRefused', client, cause);
      },
      onError: report,
    };
  }

  get #handled(): Handled {
    const { size } = this.#invoker;
    return { commands: size, patterns: this.messageHandlers.size - size };
  }

  #onStatus(status: ServerStatus, cause: CmdStreamError | undefined): void {
    this.#isOver ||= status === 'closed';
    this.#lifeLog.onStatus(status, cause);
    this._status$.next(status);
    this.#emit('status', status, cause);
  }

  /** Without a serializer packets are not wrapped at all. */
  protected override initializeSerializer(options: ClientOptions['options']): void {
    this.serializer = (options as CmdStreamServerOptions).serializer as Serializer;
  }

  /** Without a deserializer data by pattern is taken as it comes. */
  protected override initializeDeserializer(options: ClientOptions['options']): void {
    this.deserializer = (options as CmdStreamServerOptions).deserializer as Server['deserializer'];
  }

  /** The text by which a pattern is found. For subclasses that have another one. */
  protected override normalizePattern(pattern: MsPattern): string {
    return normalized(pattern, (given) => super.normalizePattern(given));
  }

  /** Runs the handlers of an event by pattern; resolves when they have ended. For subclasses that add to it. */
  override handleEvent(pattern: string, packet: ReadPacket, context: CmdStreamContext): Promise<void> {
    return this.#patterns.handleEvent(pattern, packet, context);
  }

  /**
   * Takes a handler that Nest found; those of Commands are also kept by type number.
   *
   * @throws {CmdStreamError} INVALID_HANDLER when the Command is not in the contract or has a handler already
   */
  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    if (this.#isOver) this.removeHandlers();
    const { command, method, controller, timeoutMs } = extras as Partial<CommandHandlerExtras>;
    if (command !== undefined) {
      this.#invoker.add(command, {
        pattern: this.normalizePattern(pattern as string),
        handler: callback,
        method,
        controller,
        timeoutMs,
      });
    }
    this.#patterns.onHandler(pattern, this.normalizePattern(pattern as string), isEventHandler);
    super.addHandler(pattern, callback, isEventHandler, extras);
  }

  /** @internal The application that was closed is replaced by another one, or Nest brings its handlers once more. */
  removeHandlers(): void {
    this.#isOver = false;
    this.#invoker.removeAll();
    this.#patterns.removeAll();
    this.messageHandlers.clear();
  }

  /** @internal Is asked at start for more to warn of: it knows the application. */
  warnOf(unserved: () => readonly string[]): void {
    this.#unserved = unserved;
  }

  listen(callback: (error?: unknown, info?: unknown) => void): void {
    const missing = this.#invoker.warnings(this.transportId);
    const none = missing.length === 0 && this.messageHandlers.size === 0 ? [NO_HANDLERS] : [];
    const unserved = this.#unserved?.() ?? [];
    for (const line of [...missing, ...none, ...this.#patterns.warnings, ...unserved]) this.logger.warn(line);
    this.#server.listen().then(
      (address) => callback(undefined, address),
      (error: unknown) => callback(error),
    );
  }

  /**
   * Replaces the certificate for connections from now on; see {@link CommandServer.reloadTls}.
   *
   * @throws {CmdStreamError} INVALID_OPTION, TLS_ERROR
   */
  reloadTls(options?: TlsReloadOptions): void {
    this.#server.reloadTls(options);
  }

  /** Drains and ends; see {@link CommandServer.close}. Idempotent; it may listen again. */
  close(options?: CloseOptions): Promise<void> {
    return this.#server.close(options);
  }

  /** As {@link close}: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Calls `callback` for each of these events; returns what ends that.
   *
   * @throws {CmdStreamError} INVALID_OPTION when there is no such event, or `callback` is no function
   */
  on<E extends keyof CmdStreamServerEvents>(event: E, callback: CmdStreamServerEvents[E]): () => void {
    return this.#listeners.on(event, callback);
  }

  #emit(event: keyof CmdStreamServerEvents, ...args: unknown[]): void {
    for (const { call } of this.#listeners.of(event))
      callSafely((error) => this.#failureLog.report(error), call, ...args);
  }

  /** The core server. Of an application: `app.unwrap<CommandServer>()`. */
  unwrap(): CommandServer;
  unwrap<T extends CommandServer>(): T;
  unwrap(): CommandServer {
    return this.#server;
  }

  override setOnProcessingStartHook(hook: Parameters<Server['setOnProcessingStartHook']>[0]): void {
    this.#hooked = true;
    super.setOnProcessingStartHook(hook);
  }

  override setOnProcessingEndHook(hook: Parameters<Server['setOnProcessingEndHook']>[0]): void {
    this.#hooked = true;
    super.setOnProcessingEndHook(hook);
  }

  #run(handler: MessageHandler, data: unknown, context: CmdStreamContext, sink: ResultSink): void {
    if (!this.#hooked) return runHandler(handler, data, context, sink);
    let handled: Promise<void> | undefined;
    /** Resolves when the Command has ended, so that what a hook has begun spans all of it. */
    const handle = (): Promise<void> => {
      handled ??= new Promise((resolve) => {
        const scope = new AsyncResource('cmd-stream.Command');
        const end = (): void => {
          void scope.runInAsyncScope(this.#ended, this, context);
          resolve();
        };
        runHandler(handler, data, context, new HookedSink(sink, end));
      });
      return handled;
    };
    // Once the handler has begun, the answer is its own.
    const failed = (error: unknown): void => (handled ? this.#failureLog.error(error) : sink.error(error));
    callSafely(failed, () => this.onProcessingStartHook(this.transportId, context, handle));
  }

  async #ended(context: CmdStreamContext): Promise<void> {
    try {
      await this.onProcessingEndHook?.(this.transportId, context);
    } catch (error) {
      this.#failureLog.error(error);
    }
  }
}
