// The server of the transport: finds the Nest handler of a Command, runs Nest's pipeline, and gives what comes out
// to the core server's sink. Connections, limits and drain are the core's.
import 'reflect-metadata';
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { Logger, type LoggerService } from '@nestjs/common';
import {
  Server,
  type ClientOptions,
  type CustomTransportStrategy,
  type Deserializer,
  type MessageHandler,
  type ReadPacket,
  type Serializer,
  type Transport,
} from '@nestjs/microservices';
import type { CommandContext } from '../../contract/command.js';
import { emptyContract } from '../../contract/contract.js';
import { PatternMessage } from '../../codec/pattern-message.js';
import type { TypeTable } from '../../contract/type-table.js';
import { CmdStreamError, isCmdStreamError, isError, messageOf, stackOf, type ErrorCode } from '../../errors.js';
import { resolveOptions } from '../../options.js';
import { callSafely } from '../../callbacks.js';
import { CommandServer } from '../../server/command-server.js';
import type { ResultSink } from '../../server/invoker.js';
import {
  serverDefaults,
  type CloseOptions,
  type CommandServerOptions,
  type LostConnection,
  type ServerStatus,
} from '../../server/server-options.js';
import { CmdStreamContext } from './cmd-stream.context.js';
import { cmdStreamServerRules, type CmdStreamServerOptions } from './cmd-stream-server-options.js';
import type { CommandHandlerExtras } from './command-handler.decorator.js';
import { failedFilterOf, failureOf, isLogged } from './handler-failure.js';
import { HookedSink, runHandler } from './handler-run.js';
import { PatternInvoker, type PacketForms } from './pattern-invoker.js';
import { PeerLog } from './peer-log.js';

/** @publicApi */
export type CmdStreamServerStatus = ServerStatus;

/** @publicApi */
export interface CmdStreamServerEvents extends Record<string, Function> {
  /** A connection, and its last Command, have ended. */
  connectionLost: (connection: LostConnection) => void;
  /** The status has changed; `cause` is why it could not listen, is degraded, or closed by itself. */
  status: (status: CmdStreamServerStatus, cause?: CmdStreamError) => void;
}

/** The id of this transport, unless the option `transportId` says otherwise. */
export const CMD_STREAM: unique symbol = Symbol('cmd-stream');

/** Nest keeps handlers with another tag from the server: this is all that it can notice. */
const NO_HANDLERS = 'no handlers: those tagged with a transport other than the option transportId are not served';

/** What a peer can send as often as it likes, or make a handler give. */
const unreadable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_PAYLOAD',
  'FRAME_TOO_LARGE',
  'JSON_DEPTH',
  'JSON_KEYS',
  'JSON_TOKENS',
  'UNKNOWN_TYPE',
  'UNSAFE_INTEGER',
]);

const FILTER_HINT =
  'if it is for HTTP only, let it extend CmdStreamExceptionFilter, and hand what is not for HTTP to super.catch()';

interface Route {
  readonly pattern: string;
  readonly handler: MessageHandler;
  readonly method: string | undefined;
}

/**
 * The strategy for `NestFactory.createMicroservice()` and `connectMicroservice()`.
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
  protected override readonly logger: LoggerService = new Logger('CmdStreamServer');
  readonly #server: CommandServer;
  readonly #commands: TypeTable;
  /** By type number. */
  readonly #routes: (Route | undefined)[] = [];
  readonly #events = new EventEmitter();
  readonly #log = new PeerLog(this.logger);
  readonly #patterns: PatternInvoker;
  #hooked = false;
  /** Was it closed since it got its handlers? */
  #isOver = false;

  constructor(options: CmdStreamServerOptions = {}) {
    super();
    const resolved = resolveOptions('CmdStreamServer', options, serverDefaults, cmdStreamServerRules);
    const { transportId, serializer, deserializer, contract = emptyContract, ...core } = resolved;
    this.transportId = transportId ?? CMD_STREAM;
    this.initializeSerializer({ serializer } as ClientOptions['options']);
    this.initializeDeserializer({ deserializer } as ClientOptions['options']);
    this.#patterns = this.#patternInvoker();
    const report = (error: unknown): void => this.#report(error);
    const coreOptions: CommandServerOptions = {
      ...core,
      contract,
      invoker: this,
      onConnectionEnd: (ended) => this.#log.connectionLost(ended),
      onConnectionLost: (lost) => {
        callSafely(report, core.onConnectionLost, lost);
        this.#emit('connectionLost', lost);
      },
      onError: report,
    };
    this.#server = new CommandServer(coreOptions);
    this.#server.onStatus((status) => this._status$.next(status));
    this.#server.onStatus((...change) => this.#emit('status', ...change));
    this.#server.onStatus((status) => (this.#isOver ||= status === 'closed'));
    this.#commands = contract.commands;
  }

  #patternInvoker(): PatternInvoker {
    const serializer = (): Serializer | undefined => this.serializer;
    const deserializer = (): Deserializer | undefined => this.deserializer as Deserializer | undefined;
    const forms: PacketForms = {
      get serializer() {
        return serializer();
      },
      get deserializer() {
        return deserializer();
      },
    };
    return new PatternInvoker(this, this.logger, this.#log, forms, (...call) => this.#handle(...call));
  }

  /** Without a serializer packets are not wrapped at all. */
  protected override initializeSerializer(options: ClientOptions['options']): void {
    this.serializer = (options as CmdStreamServerOptions).serializer as Serializer;
  }

  protected override initializeDeserializer(options: ClientOptions['options']): void {
    this.deserializer = (options as CmdStreamServerOptions).deserializer as Server['deserializer'];
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
    if (this.#isOver) this.#forgetHandlers();
    const { command, method } = extras as Partial<CommandHandlerExtras>;
    if (command !== undefined) {
      const index = this.#commands.indexOfType(command);
      const fault = this.#handlerFault(index, command.name, method ?? 'a handler');
      if (fault !== undefined) throw new CmdStreamError('INVALID_HANDLER', fault);
      this.#routes[index] = { pattern: this.normalizePattern(pattern as string), handler: callback, method };
    }
    super.addHandler(pattern, callback, isEventHandler, extras);
  }

  #handlerFault(index: number, name: string, method: string): string | undefined {
    if (this.#commands === emptyContract.commands)
      return `CmdStreamServer has no option \`contract\`, but ${method} handles ${name}`;
    if (index < 0) return `${method} handles ${name}, but ${name} is not in the contract's commands`;
    const first = this.#routes[index];
    return first && `${method} handles ${name}, but ${name} has a handler already: ${first.method ?? 'another one'}`;
  }

  /** The application that was closed is replaced by another one, which brings handlers of its own. */
  #forgetHandlers(): void {
    this.#isOver = false;
    this.#routes.length = 0;
    this.messageHandlers.clear();
  }

  listen(callback: (error?: unknown, info?: unknown) => void): void {
    const missing = this.#commands.types
      .filter((_, index) => this.#routes[index] === undefined)
      .map(({ name }) => name);
    if (missing.length > 0) this.logger.warn(`no handler for ${missing.join(', ')} of the contract`);
    else if (this.messageHandlers.size === 0) this.logger.warn(NO_HANDLERS);
    this.#server.listen().then(
      (address) => callback(undefined, address),
      (error: unknown) => callback(error),
    );
  }

  /** Drains and ends; see {@link CommandServer.close}. Idempotent; it may listen again. */
  close(options?: CloseOptions): Promise<void> {
    return this.#server.close(options);
  }

  /** What peers can cause as often as they like has a line a second. */
  #report(error: unknown): void {
    const code = isCmdStreamError(error) ? error.code : undefined;
    if (code !== undefined && unreadable.has(code)) logging(() => this.#log.failure(error as CmdStreamError));
    else if (code === 'OVERLOADED' || code === 'ACCEPT_FAILED') logging(() => this.#log.error(error as CmdStreamError));
    else if (code === 'RESULT_AFTER_LAST') logging(() => this.logger.warn(messageOf(error)));
    else if (code === 'HANDLER_ERROR') this.#logEvent(error as CmdStreamError);
    else if (!isLogged(error)) this.#logError(error);
  }

  /** One message of whose handler has failed, with the stack of what it threw; what was logged already has its own. */
  #logEvent({ message, cause }: CmdStreamError): void {
    if (isLogged(cause)) return;
    const exception = isCmdStreamError(cause) && isError(cause.cause) ? cause.cause : cause;
    logging(() => this.logger.error(message, stackOf(exception)));
  }

  #logError(error: unknown): void {
    const filter = failedFilterOf(error);
    if (filter === undefined) return this.#logUnknown(error);
    const text = `the exception filter ${filter} has failed itself: ${messageOf(error)}; ${FILTER_HINT}`;
    logging(() => this.logger.error(text, stackOf(error)));
  }

  /** A logger may fail at what cannot be shown: then its text has to do. */
  #logUnknown(error: unknown): void {
    try {
      this.logger.error(error);
    } catch {
      logging(() => this.logger.error(messageOf(error)));
    }
  }

  on<E extends keyof CmdStreamServerEvents>(event: E, callback: CmdStreamServerEvents[E]): void {
    this.#events.on(event as string, callback as (...args: unknown[]) => void);
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const listener of this.#events.listeners(event)) {
      callSafely((error) => this.#report(error), listener as (...args: unknown[]) => unknown, ...args);
    }
  }

  /** The core server: `unwrap<CommandServer>()`. */
  unwrap<T>(): T {
    return this.#server as T;
  }

  override setOnProcessingStartHook(hook: Parameters<Server['setOnProcessingStartHook']>[0]): void {
    this.#hooked = true;
    super.setOnProcessingStartHook(hook);
  }

  override setOnProcessingEndHook(hook: Parameters<Server['setOnProcessingEndHook']>[0]): void {
    this.#hooked = true;
    super.setOnProcessingEndHook(hook);
  }

  /** For messages of the core server; not for applications. */
  handlerOf(command: unknown): string | undefined {
    return this.#routes[this.#commands.indexOf(command)]?.method;
  }

  /** The Invoker of the core server; not for applications. */
  invoke(command: unknown, running: CommandContext, sink: ResultSink): void {
    const index = this.#commands.indexOf(command);
    const route = this.#routes[index];
    const handler = route && this.#handlerOf(route);
    if (handler) return this.#handle(handler, command, new CmdStreamContext([running, route.pattern], sink), sink);
    if (!(command instanceof PatternMessage)) {
      throw new CmdStreamError('NO_HANDLER', `no handler for ${this.#commands.nameAt(index)}`);
    }
    return this.#patterns.invoke(command, running, sink);
  }

  /** A subclass may find another one, or wrap it. */
  #handlerOf({ handler, pattern }: Route): MessageHandler | null {
    const isNests = this.getHandlerByPattern === Server.prototype.getHandlerByPattern;
    return isNests ? handler : this.getHandlerByPattern(pattern);
  }

  /** The Invoker's word on errors; not for applications. */
  failureOf(error: unknown): unknown {
    return failureOf(error, (unknown) => this.#logError(unknown));
  }

  #handle(handler: MessageHandler, data: unknown, context: CmdStreamContext, sink: ResultSink): void {
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
    const failed = (error: unknown): void => (handled ? this.#logError(error) : sink.error(error));
    callSafely(failed, () => this.onProcessingStartHook(this.transportId, context, handle));
  }

  async #ended(context: CmdStreamContext): Promise<void> {
    try {
      await this.onProcessingEndHook?.(this.transportId, context);
    } catch (error) {
      this.#logError(error);
    }
  }
}

/** The logger is the application's: when it fails, nobody is left to be notify. */
function logging(log: () => unknown): void {
  callSafely(() => {}, log);
}
