// The client of the transport: a core client with Nest's ClientProxy face, Observables and the dispatch hook.
import 'reflect-metadata';
import { EventEmitter } from 'node:events';
import { ClientProxy, type ReadPacket } from '@nestjs/microservices';
import { AsyncSubject, defer, Observable, ReplaySubject, throwError } from 'rxjs';
import { distinctUntilChanged } from 'rxjs/operators';
import {
  clientDefaults,
  clientRules,
  type CommandClientOptions,
  type UnexpectedResult,
} from '../client/client-options.js';
import { CommandClient } from '../client/command-client.js';
import type { CallOptions } from '../client/pending-call.js';
import { Command, type ResultOf } from '../codec/command.js';
import { typeNameOf } from '../codec/type-table.js';
import { CmdStreamError } from '../errors.js';
import { resolveOptions } from '../options.js';
import { routeOf } from './command-handler.decorator.js';

/** @publicApi */
export type CmdStreamClientStatus = 'disconnected' | 'connecting' | 'connected' | 'closed';

/** @publicApi */
export interface CmdStreamClientEvents {
  connect: () => void;
  /** A connection, or the attempt to open one, failed. */
  disconnect: (cause: CmdStreamError | undefined) => void;
  unexpectedResult: (result: UnexpectedResult) => void;
}

/** @publicApi */
export interface CmdStreamClientOptions extends CommandClientOptions {}

const statuses = { idle: 'disconnected', connecting: 'connecting', open: 'connected', closed: 'closed' } as const;

/**
 * Sends Commands: `execute` for a Promise, `send` for an Observable, `emit` to wait for nothing. It connects with the first call.
 *
 * @throws {CmdStreamError} INVALID_OPTION, SERVER_INFO_TOO_LARGE when it is made with options that make no sense
 * @publicApi
 */
export class CmdStreamClient extends ClientProxy {
  readonly #client: CommandClient;
  readonly #events = new EventEmitter();
  readonly #status = new ReplaySubject<CmdStreamClientStatus>(1);

  constructor(options: CmdStreamClientOptions) {
    super();
    const resolved = resolveOptions('CmdStreamClient', options, clientDefaults, clientRules);
    this.#client = new CommandClient({
      ...resolved,
      onUnexpectedResult: (result) => {
        this.#events.emit('unexpectedResult', result);
        resolved.onUnexpectedResult?.(result);
      },
    });
    this.#client.onStatus((status, cause) => {
      this.#status.next(statuses[status]);
      if (status === 'open') this.#events.emit('connect');
      else if (status === 'idle') this.#events.emit('disconnect', cause);
    });
  }

  override get status(): Observable<CmdStreamClientStatus> {
    return this.#status.pipe(distinctUntilChanged());
  }

  override on<E extends keyof CmdStreamClientEvents>(event: E, callback: CmdStreamClientEvents[E]): void {
    this.#events.on(event, callback);
  }

  /** The core client: `unwrap<CommandClient>()`. */
  unwrap<T>(): T {
    return this.#client as T;
  }

  /**
   * Opens the connection; calls do so by themselves.
   *
   * @throws {CmdStreamError} CONNECT_FAILED, CONNECT_TIMEOUT, TLS_ERROR, SERVER_INFO_MISMATCH, SERVER_INFO_TOO_LARGE, CLOSED
   */
  connect(): Promise<void> {
    return this.#client.connect();
  }

  /** Waits for pending calls, at most `gracePeriodMs`, then ends the connection. Idempotent. */
  close(): Promise<void> {
    return this.#client.close();
  }

  /** Nest calls this at the application's end. */
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }

  /** Sends a Command that has one Result; see {@link CommandClient.execute} for its errors. */
  execute<C extends Command>(command: C, options?: CallOptions): Promise<ResultOf<C>> {
    try {
      this.#dispatched(command);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#client.execute(command, options);
  }

  /**
   * The Results of a Command as a cold Observable: each subscription sends the Command anew, unsubscribing forgets it.
   * Errors are those of {@link CommandClient.dispatch}.
   */
  override send<C extends Command>(command: C, options?: CallOptions): Observable<ResultOf<C>>;
  override send<TResult = unknown, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult>;
  override send(command: unknown, options?: unknown): Observable<unknown> {
    if (!(command instanceof Command)) return throwError(() => noCommand(command));
    return new Observable((subscriber) => {
      this.#dispatched(command);
      const call = this.#client.dispatch(command, subscriber, options as CallOptions | undefined);
      return () => call.cancel();
    });
  }

  /** Sends a Command without waiting for Results; hot: it is sent at once. Emits and completes when it was written. */
  override emit(command: Command): Observable<void>;
  override emit<TResult = unknown, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult>;
  override emit(command: unknown): Observable<unknown> {
    if (!(command instanceof Command)) return throwError(() => noCommand(command));
    const written = new AsyncSubject<void>();
    defer(async () => {
      this.#dispatched(command);
      await this.#client.emit(command);
    }).subscribe(written);
    return written.asObservable();
  }

  /** Nest's dispatch hook learns of every outgoing Command as of any packet. */
  #dispatched(command: Command): void {
    this.onDispatchHook?.({ pattern: routeOf(command.constructor), data: command });
  }

  protected publish(): never {
    throw noCommand(undefined);
  }

  protected dispatchEvent(packet: ReadPacket): never {
    throw noCommand(packet.data);
  }
}

function noCommand(value: unknown): CmdStreamError {
  return new CmdStreamError('COMMAND_NOT_IN_CONTRACT', `expected a Command of the contract, got ${typeNameOf(value)}`);
}
