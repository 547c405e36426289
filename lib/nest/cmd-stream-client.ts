// The client of the transport: a core client with Nest's ClientProxy face, Observables and the dispatch hook.
import 'reflect-metadata';
import { EventEmitter } from 'node:events';
import {
  ClientProxy,
  type Deserializer,
  type ReadPacket,
  type Serializer,
  type WritePacket,
} from '@nestjs/microservices';
import { AsyncSubject, defer, lastValueFrom, Observable, ReplaySubject } from 'rxjs';
import { distinctUntilChanged } from 'rxjs/operators';
import { clientDefaults, type UnexpectedResult } from '../client/client-options.js';
import { CallerSink } from '../client/caller-sink.js';
import { CommandClient } from '../client/command-client.js';
import type { CallNeeds, CallOptions, CommandSink } from '../client/pending-call.js';
import { Command, type AnyCommand, type ResultOf } from '../codec/command.js';
import { emptyContract } from '../codec/contract.js';
import { PatternMessage } from '../codec/pattern-message.js';
import { messageTypeOf, type TypeTable } from '../codec/type-table.js';
import type { CmdStreamError } from '../errors.js';
import type { ServerState } from '../client/group-server.js';
import type { ClientStatus } from '../client/group-status.js';
import { resolveOptions } from '../options.js';
import { NO_METADATA, type Metadata } from '../wire/control-frame.js';
import { cmdStreamClientRules, type CmdStreamClientOptions } from './cmd-stream-client-options.js';
import { CmdStreamRecord } from './cmd-stream-record.js';
import { routeOf } from './command-handler.decorator.js';
import { PatternResponses } from './pattern-responses.js';

/** @publicApi */
export interface CmdStreamClientEvents {
  /** A connection is open. */
  connect: (server: string) => void;
  /** A connection has ended or could not be opened; `cause` undefined: the server drains. */
  disconnect: (cause: CmdStreamError | undefined, server: string) => void;
  unexpectedResult: (result: UnexpectedResult) => void;
}

/**
 * Sends Commands: `execute` for a Promise, `send` for an Observable, `emit` to wait for nothing. It connects with the first call.
 *
 * @throws {CmdStreamError} INVALID_OPTION, SERVER_INFO_TOO_LARGE when it is made with options that make no sense
 * @publicApi
 */
export class CmdStreamClient extends ClientProxy {
  readonly #client: CommandClient;
  readonly #commands: TypeTable;
  readonly #events = new EventEmitter();
  readonly #serializer: Serializer | undefined;
  readonly #deserializer: Deserializer | undefined;
  #packets = 0;
  readonly #status = new ReplaySubject<ClientStatus>(1);
  readonly #connectOnBootstrap: boolean;

  constructor(options: CmdStreamClientOptions = {}) {
    super();
    resolveOptions('CmdStreamClient', options, clientDefaults, cmdStreamClientRules);
    const { serializer, deserializer, connectOnBootstrap = false, contract = emptyContract, ...core } = options;
    this.#connectOnBootstrap = connectOnBootstrap;
    this.#serializer = serializer;
    this.#deserializer = deserializer;
    this.#commands = contract.commands;
    this.#client = new CommandClient({
      ...core,
      contract,
      onUnexpectedResult: (result) => {
        this.#events.emit('unexpectedResult', result);
        options.onUnexpectedResult?.(result);
      },
    });
    this.#client.onStatus(({ status, cause, server, connection }) => {
      this.#status.next(status);
      if (connection === 'connected') this.#events.emit('connect', server);
      else if (connection === 'disconnected') this.#events.emit('disconnect', cause, server);
    });
  }

  override get status(): Observable<ClientStatus> {
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
   * Opens the connections; calls do so by themselves. See {@link CommandClient.connect}.
   */
  connect(): Promise<void> {
    return this.#client.connect();
  }

  /** Each server, now. */
  get servers(): readonly ServerState[] {
    return this.#client.servers;
  }

  /** Nest calls this when the application starts. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.#connectOnBootstrap) await this.connect();
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
  execute<C extends AnyCommand>(command: C, options?: CallOptions): Promise<ResultOf<C>> {
    try {
      return this.#client.executeWith(command, options, this.#needsOf(command));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The Results of a Command as an AsyncIterable whose taker sets the pace; see {@link CommandClient.iterate}. */
  iterate<C extends AnyCommand>(command: C, options?: CallOptions): AsyncIterableIterator<ResultOf<C>, undefined> {
    return this.#client.iterateWith(command, options, () => this.#needsOf(command));
  }

  /**
   * The Results of a Command, or of the handler of a Nest pattern, as a cold Observable: each subscription sends anew,
   * unsubscribing cancels. A Command's errors are those of {@link CommandClient.dispatch}; a pattern's error is what the
   * server sent, as it is.
   */
  override send<C extends AnyCommand>(command: C, options?: CallOptions): Observable<ResultOf<C>>;
  override send<TResult = unknown, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult>;
  override send(command: unknown, options?: unknown): Observable<unknown> {
    if (this.#isCommand(command)) return this.#stream(command, options as CallOptions | undefined);
    if (isNil(command) || isNil(options)) return super.send(command, options);
    return this.#request(command, options);
  }

  /**
   * Sends a Command, or an event by pattern, without waiting for an answer; hot: it is sent at once. Emits and completes when
   * it was written.
   */
  override emit(command: AnyCommand, options?: Pick<CallOptions, 'metadata'>): Observable<void>;
  override emit<TResult = unknown, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult>;
  override emit(command: unknown, options?: unknown): Observable<unknown> {
    if (this.#isCommand(command)) {
      const { metadata } = (options ?? {}) as CallOptions;
      return this.#hot(() => this.#client.post(command, metadata, this.#needsOf(command)?.ambient));
    }
    if (isNil(command) || isNil(options)) return super.emit(command, options);
    return this.#hot(() => {
      const { message, metadata, ambient } = this.#outgoing('event', command, options);
      return this.#client.post(message, metadata, ambient);
    });
  }

  /** `send` under a name that says it. */
  stream<C extends AnyCommand>(command: C, options?: CallOptions): Observable<ResultOf<C>> {
    return this.#stream(command, options);
  }

  #stream<C extends AnyCommand>(command: C, options: CallOptions | undefined): Observable<ResultOf<C>> {
    return new Observable((subscriber) => {
      const sink = new CallerSink(subscriber as CommandSink);
      const call = this.#client.submit(command, sink, options, this.#needsOf(command));
      return () => call.cancel();
    });
  }

  #request(pattern: unknown, data: unknown): Observable<unknown> {
    return new Observable((subscriber) => {
      const { message, metadata, ambient } = this.#outgoing('message', pattern, data);
      const observer = { packet: this.createObserver(subscriber), error: (error: unknown) => subscriber.error(error) };
      const responses = new CallerSink(new PatternResponses(observer, this.#deserializer));
      const call = this.#client.submit(message, responses, { metadata }, { ambient });
      return () => call.cancel();
    });
  }

  /** An instance of a Command class, a message, or anything else that is listed: no Nest pattern. */
  #isCommand(value: unknown): value is AnyCommand {
    if (value instanceof Command) return true;
    return typeof value === 'object' && (messageTypeOf(value) !== undefined || this.#commands.indexOf(value) >= 0);
  }

  /** Begins at once, whoever subscribes and when. */
  #hot(post: () => Promise<void>): Observable<void> {
    const written = new AsyncSubject<void>();
    defer(post).subscribe(written);
    return written.asObservable();
  }

  /** What a pattern and its data become on the way out: through Nest's dispatch hook and serializer. */
  #outgoing(kind: PatternMessage['kind'], pattern: unknown, given: unknown): Outgoing {
    const { data, metadata } = given instanceof CmdStreamRecord ? given : { data: given, metadata: undefined };
    const packet: HookedPacket = { pattern, data };
    this.onDispatchHook?.(packet);
    const ambient = packet.metadata ?? NO_METADATA;
    if (this.#serializer === undefined)
      return { message: new PatternMessage(kind, this.normalizePattern(pattern as string), data), metadata, ambient };
    const id = kind === 'message' ? { id: String(++this.#packets) } : {};
    return {
      message: new PatternMessage(kind, '', this.#serializer.serialize({ ...packet, ...id }), true),
      metadata,
      ambient,
    };
  }

  /** Nest's dispatch hook learns of every outgoing Command as of any packet; what metadata it gives travels along. */
  #needsOf(command: AnyCommand): CallNeeds | undefined {
    if (this.onDispatchHook === undefined || !this.#isCommand(command)) return undefined;
    const packet: HookedPacket = { pattern: routeOf({ name: this.#commands.nameFor(command) }), data: command };
    this.onDispatchHook(packet);
    return packet.metadata && { ambient: packet.metadata };
  }

  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const subscription = this.#request(packet.pattern, packet.data).subscribe({
      next: (response) => callback({ response }),
      error: (err: unknown) => callback({ err }),
      complete: () => callback({ isDisposed: true }),
    });
    return () => subscription.unsubscribe();
  }

  protected async dispatchEvent<T>(packet: ReadPacket): Promise<T> {
    return (await lastValueFrom(this.emit(packet.pattern, packet.data), { defaultValue: undefined })) as T;
  }
}

interface HookedPacket extends ReadPacket {
  metadata?: Record<string, string>;
}

interface Outgoing {
  readonly message: PatternMessage;
  readonly metadata: Metadata | undefined;
  readonly ambient: Metadata;
}

function isNil(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}
