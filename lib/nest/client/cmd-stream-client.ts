// The client of the transport: a core client with Nest's ClientProxy face, Observables and the dispatch hook.
// It is long because each method of that face is documented here, most of them with an example.
import 'reflect-metadata';
import {
  ClientProxy,
  type ClientOptions,
  type Deserializer,
  type MsPattern,
  type PacketId,
  type ReadPacket,
  type Serializer,
  type WritePacket,
} from '@nestjs/microservices';
import { AsyncSubject, defer, mergeMap, Observable, type Observer } from 'rxjs';
import { ambientMetadata } from '../../client/call/call-rules.js';
import {
  clientDefaults,
  type UnexpectedResult,
  clientRules,
  oldClientNames,
  type CommandClientOptions,
} from '../../client/client-options.js';
import { CallerSink, type CallNeeds, type CallOptions, type CommandSink } from '../../client/call/client-call.js';
import { completeClientOptions } from '../../client/client-config.js';
import { ClientCore } from '../../client/client-core.js';
import { commandClientOf, type CommandClient } from '../../client/command-client.js';
import { ignoreRejection, notify } from '../../callbacks.js';
import {
  resultCountOf,
  type AnyCommand,
  type Answered,
  type ResultOf,
  type ExecutedCommand,
} from '../../contract/command.js';
import { emptyContract, tablesOf, contractRule, type CommandOf, type Contract } from '../../contract/contract.js';
import { PatternMessage } from '../../codec/pattern-message.js';
import { messageTypeOf, type TypeTable } from '../../contract/type-table.js';
import type { ClientTlsReloadOptions } from '../../connection/tls-options.js';
import { CmdStreamError } from '../../errors.js';
import type { ServerState, ClientStatus } from '../../client/group/group-server.js';
import { resolveOptions, boolean, type OptionRules } from '../../options.js';
import type { Metadata } from '../../wire/control-frame.js';
import { isCmdStreamRecord } from './cmd-stream-record.js';
import { routeOf } from '../server/command-handler.decorator.js';
import { EmptyError, PatternResponses } from './pattern-responses.js';
import { Listeners, type EventNames } from '../listeners.js';
import { logRules, ownLog, type CmdStreamLogOptions } from '../own-log.js';
import { PeerLog } from '../peer-log.js';
import { clientLog } from './client-log.js';
import { normalized, serialized, deserializerRule, serializerRule } from '../packet-forms.js';

/**
 * The options of the Nest client: those of the core client, Nest's serializers, and what it logs.
 *
 * @publicApi
 */
export interface CmdStreamClientOptions<C extends Contract = Contract>
  extends Omit<CommandClientOptions, 'contract'>, CmdStreamLogOptions {
  /**
   * The contract both sides share; without one the client sends messages by pattern only.
   * @default none
   */
  contract?: C | undefined;
  /**
   * Open the connections when the application starts, which waits for the first one and fails without it.
   * @default false (they are opened by the first call)
   */
  connectOnBootstrap?: boolean | undefined;
  /**
   * Nest's serializer of messages by pattern.
   * @default none
   */
  serializer?: Serializer | undefined;
  /**
   * Nest's deserializer of answers by pattern.
   * @default none
   */
  deserializer?: Deserializer | undefined;
}

export const cmdStreamClientDefaults = Object.freeze({ connectOnBootstrap: false });

export const cmdStreamClientRules: OptionRules<CmdStreamClientOptions> = Object.freeze({
  ...clientRules,
  contract: { ...contractRule, required: false },
  connectOnBootstrap: boolean,
  serializer: serializerRule,
  deserializer: deserializerRule,
  ...logRules,
});

/**
 * A pattern of Nest, as `@MessagePattern()` and `@EventPattern()` of the handler have it: `'sum'`, `{ cmd: 'sum' }`, in
 * any order of keys. It is the first argument of `send` and `emit` where no Command is; the second are its data.
 *
 * @example
 * import type { ClientPattern, CmdStreamClient } from 'nestjs-cmd-stream';
 *
 * const pattern: ClientPattern = { cmd: 'sum' };
 *
 * export const sum = (client: CmdStreamClient, numbers: number[]) => client.send<number>(pattern, numbers);
 *
 * @publicApi
 */
export type ClientPattern = string | number | boolean | PatternObject;

// oxlint-disable-next-line typescript/no-explicit-any -- with `unknown` an instance of a class would be no pattern
type PatternObject = { readonly [key: string]: any } & {
  readonly [K in keyof Answered<unknown> | '$typeName' | 'prototype']?: never;
};

/**
 * The events of a {@link CmdStreamClient}, for its `on`. `server` is `host:port`, or the path of a socket.
 *
 * @publicApi
 */
export interface CmdStreamClientEvents {
  /** A connection is open. */
  connect: (server: string) => void;
  /** A connection has ended or could not be opened; `cause` undefined: the server drains. */
  disconnect: (cause: CmdStreamError | undefined, server: string) => void;
  /** A Result has come that no call waits for: its call was given up, or the server has answered twice. */
  unexpectedResult: (result: UnexpectedResult) => void;
}

const known: readonly (keyof CmdStreamClientEvents)[] = ['connect', 'disconnect', 'unexpectedResult'];

const eventNames: EventNames = {
  owner: 'CmdStreamClient',
  known,
  old: {
    connectionLost: 'it is "disconnect", which is given (cause, server)',
    connection: 'it is "connect"',
    close: 'it is "disconnect"',
    error: 'there is none: calls fail with their errors, and "disconnect" is given the cause',
    status: 'it is the Observable `status`',
  },
};

/**
 * Sends Commands: `execute` for a Promise, `send` for an Observable, `emit` to wait for nothing. It connects with the
 * first call. `CmdStreamClient<typeof calcContract>` takes the Commands of that contract only, as one that is made with
 * it does.
 *
 * @example
 * import { CmdStreamClient } from 'nestjs-cmd-stream';
 * import { AddCmd, calcContract } from './calc.contract.js';
 *
 * // Outside of dependency injection; CmdStreamModule provides it inside.
 * const client = new CmdStreamClient({ host: 'calc.example', port: 9000, contract: calcContract });
 * console.log((await client.execute(new AddCmd(2, 3))).value);
 * await client.close();
 *
 * @throws {CmdStreamError} INVALID_OPTION, SERVER_INFO_TOO_LARGE when it is made with options that make no sense
 * @publicApi
 */
export class CmdStreamClient<K extends Contract = Contract> extends ClientProxy {
  readonly #core: ClientCore;
  readonly #client: CommandClient;
  readonly #commands: TypeTable;
  readonly #listeners = new Listeners(eventNames);
  readonly #log: PeerLog;
  #packets = 0;
  readonly #connectOnBootstrap: boolean;
  readonly #maxStreamBufferBytes: number;

  constructor(options: CmdStreamClientOptions<K> = {}) {
    super();
    const resolved = resolveOptions(
      'CmdStreamClient',
      options,
      { ...clientDefaults, ...cmdStreamClientDefaults },
      cmdStreamClientRules,
      oldClientNames,
    );
    const {
      serializer,
      deserializer,
      connectOnBootstrap,
      logger,
      logLevels,
      contract = emptyContract,
      ...others
    } = resolved;
    this.#log = new PeerLog(ownLog('CmdStreamClient', { logger, logLevels }));
    this.#connectOnBootstrap = connectOnBootstrap;
    this.#maxStreamBufferBytes = others.maxStreamBufferBytes;
    this.initializeSerializer({ serializer } as ClientOptions['options']);
    this.initializeDeserializer({ deserializer } as ClientOptions['options']);
    const { commands, results } = tablesOf(contract);
    this.#commands = commands;
    const onUnexpectedResult = (result: UnexpectedResult): unknown => {
      if (result.afterLast) this.#log.afterLast(results.nameFor(result.result));
      this.#emit('unexpectedResult', result);
      return others.onUnexpectedResult?.(result);
    };
    const instrumentation = [clientLog(this.#log), others.instrumentation ?? []].flat();
    const all = { ...others, contract, onUnexpectedResult, instrumentation };
    this.#core = new ClientCore(completeClientOptions('CmdStreamClient', options, all));
    this.#client = commandClientOf(this.#core);
    this.#core.onStatus(({ status, cause, server, connection }) => {
      this._status$.next(status);
      if (connection === 'connected') this.#emit('connect', server);
      else if (connection === 'disconnected') this.#emit('disconnect', cause, server);
    });
  }

  override get status(): Observable<ClientStatus> {
    return super.status as Observable<ClientStatus>;
  }

  /**
   * Calls `callback` for each of these events; returns what ends that.
   *
   * @throws {CmdStreamError} INVALID_OPTION when there is no such event, or `callback` is no function
   */
  override on<E extends keyof CmdStreamClientEvents>(event: E, callback: CmdStreamClientEvents[E]): () => void {
    return this.#listeners.on(event, callback);
  }

  /** A listener that fails, now or by a promise, keeps no other one from being called. */
  #emit(event: keyof CmdStreamClientEvents, ...args: unknown[]): void {
    for (const { call } of this.#listeners.of(event)) notify(() => call(...args));
  }

  /** The core client. */
  unwrap(): CommandClient;
  unwrap<T extends CommandClient>(): T;
  unwrap(): CommandClient {
    return this.#client;
  }

  /**
   * Replaces the certificate for connections from now on; see {@link CommandClient.reloadTls}.
   *
   * @throws {CmdStreamError} INVALID_OPTION, TLS_ERROR
   */
  reloadTls(options?: ClientTlsReloadOptions): void {
    this.#core.reloadTls(options);
  }

  /**
   * Opens the connections, also after {@link close}; calls do so by themselves unless it is closed. See
   * {@link CommandClient.connect}.
   */
  connect(): Promise<void> {
    return this.#core.reopen();
  }

  /** Each server, now. */
  get servers(): readonly ServerState[] {
    return this.#core.servers;
  }

  /** Nest calls this when the application starts. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.#connectOnBootstrap) await this.connect();
  }

  /** Waits for pending calls, at most `gracePeriodMs`, then ends the connection; see {@link CommandClient.close}. */
  close(): Promise<void> {
    return this.#core.close();
  }

  /** {@link close}, for `await using client = new CmdStreamClient(…)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Nest calls this at the application's end. */
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }

  /**
   * Sends a Command that has one Result; see {@link CommandClient.execute} for its errors.
   *
   * @example
   * import type { CmdStreamClient } from 'nestjs-cmd-stream';
   * import { AddCmd, type calcContract } from './calc.contract.js';
   *
   * export async function sum(client: CmdStreamClient<typeof calcContract>): Promise<number> {
   *   const { value } = await client.execute(new AddCmd(2, 3), { timeoutMs: 500 });
   *   return value;
   * }
   */
  execute<C extends CommandOf<K>>(command: C & ExecutedCommand, options?: CallOptions): Promise<ResultOf<C>> {
    try {
      return this.#core.execute(command, options, this.#needsOf(command)) as Promise<ResultOf<C>>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The Results of a Command as an AsyncIterable whose taker sets the pace; see {@link CommandClient.iterate}.
   *
   * @example
   * import type { CmdStreamClient } from 'nestjs-cmd-stream';
   * import { PrimesCmd, type calcContract } from './calc.contract.js';
   *
   * export async function printPrimes(client: CmdStreamClient<typeof calcContract>): Promise<void> {
   *   for await (const { P } of client.iterate(new PrimesCmd(10))) console.log(P);
   * }
   */
  iterate<C extends CommandOf<K>>(command: C, options?: CallOptions): AsyncIterableIterator<ResultOf<C>, undefined> {
    return this.#core.iterate(command, options, () => this.#needsOf(command));
  }

  /**
   * The Results of a Command, or of the handler of a Nest pattern, as a cold Observable: each subscription sends anew,
   * unsubscribing cancels. A Command's errors are those of {@link CommandClient.dispatch}; a pattern's error is what
   * the server sent, as it is.
   *
   * @example
   * import type { CmdStreamClient } from 'nestjs-cmd-stream';
   * import { map, type Observable } from 'rxjs';
   * import { PrimesCmd, type calcContract } from './calc.contract.js';
   *
   * export function primes(client: CmdStreamClient<typeof calcContract>): Observable<number> {
   *   return client.send(new PrimesCmd(10)).pipe(map(({ P }) => P));
   * }
   */
  override send<C extends CommandOf<K>>(command: C, options?: CallOptions): Observable<ResultOf<C>>;
  /** Sends data to the `@MessagePattern()` of the pattern; a CmdStreamRecord sends metadata along. */
  override send<TResult = unknown, TInput = unknown>(pattern: ClientPattern, data: TInput): Observable<TResult>;
  override send(command: unknown, options?: unknown): Observable<unknown> {
    if (this.#isCommand(command)) return this.#stream(command, options as CallOptions | undefined);
    if (isNil(command) || isNil(options)) return super.send(command, options);
    const publish = (): Observable<unknown> =>
      new Observable((observer) => this.publish(this.createPacket(command, options), this.createObserver(observer)));
    return this.#connectsItself ? publish() : defer(async () => this.connect()).pipe(mergeMap(publish));
  }

  /**
   * Sends a Command, or an event by pattern, without waiting for an answer; hot: it is sent at once. Emits and
   * completes when it was written. If that fails without a subscriber, it is logged. Whether it may be sent twice says
   * the class or type of the Command alone: `idempotent` is no option here.
   */
  override emit(command: CommandOf<K>, options?: Pick<CallOptions, 'metadata'>): Observable<void>;
  /** Sends data to the `@EventPattern()` of the pattern; a CmdStreamRecord sends metadata along. */
  override emit<TResult = unknown, TInput = unknown>(pattern: ClientPattern, data: TInput): Observable<TResult>;
  override emit(command: unknown, options?: unknown): Observable<unknown> {
    if (this.#isCommand(command))
      return this.#hot(command, () =>
        this.#core.emit(command, options as CallOptions, this.#needsOf(command)?.ambient),
      );
    if (isNil(command) || isNil(options)) return super.emit(command, options);
    const dispatch = (): Promise<unknown> => this.dispatchEvent(this.createPacket(command, options));
    return this.#hot(command, this.#connectsItself ? dispatch : async () => this.connect().then(dispatch));
  }

  #stream<C extends AnyCommand>(command: C, options: CallOptions | undefined): Observable<ResultOf<C>> {
    return new Observable((subscriber) => {
      const sink = new CallerSink(subscriber as CommandSink);
      const call = this.#core.submit(command, sink, options, this.#needsOf(command));
      return () => call.cancel();
    });
  }

  /** False where a subclass has its own way: then it is asked before each message, as Nest's clients do. */
  get #connectsItself(): boolean {
    return this.connect === CmdStreamClient.prototype.connect;
  }

  /** An instance of a Command class, a message, or anything else that is listed: no Nest pattern. */
  #isCommand(value: unknown): value is AnyCommand {
    if (resultCountOf(value) !== undefined) return true;
    return typeof value === 'object' && (messageTypeOf(value) !== undefined || this.#commands.indexOf(value) >= 0);
  }

  /** Begins at once, whether and when it is subscribed to. */
  #hot<T>(what: unknown, post: () => Promise<T>): Observable<T> {
    const written = new AsyncSubject<T>();
    defer(async () => post()).subscribe({
      next: (value) => written.next(value),
      complete: () => written.complete(),
      error: (error: unknown) => {
        if (!written.observed) this.#log.unsent(error, this.#nameOf(what));
        written.error(error);
      },
    });
    return new Observable((subscriber) => written.subscribe(new CallerSink<T>(subscriber)));
  }

  /** For messages. */
  #nameOf(what: unknown): string {
    if (this.#isCommand(what)) return this.#commands.nameFor(what);
    try {
      return this.#routeOf(what);
    } catch {
      return 'what is no pattern';
    }
  }

  /** What the packet of a pattern is on the way out, through Nest's serializer if there is one. */
  #outgoing(kind: PatternMessage['kind'], packet: HookedPacket): Outgoing {
    const given: unknown = packet.data;
    const { data, metadata } = isCmdStreamRecord(given) ? given : { data: given, metadata: undefined };
    const options = metadata === undefined ? undefined : { metadata };
    const ambient = ambientMetadata('the dispatch hook', packet.metadata);
    const serializer = this.serializer as Serializer | undefined;
    if (serializer === undefined)
      return { message: new PatternMessage(kind, this.#routeOf(packet.pattern), data), options, ambient };
    const whole =
      kind === 'message'
        ? this.assignPacketId({ ...packet, data })
        : { ...packet, pattern: this.normalizePattern(packet.pattern as string), data };
    return { message: new PatternMessage(kind, '', serialized(serializer, whole), true), options, ambient };
  }

  #routeOf(pattern: unknown): string {
    const route: unknown = this.normalizePattern(pattern as string);
    if (typeof route === 'string') return route;
    if (typeof route === 'boolean') return String(route);
    const what = 'a pattern must be a string, a number, a boolean or an object';
    throw new CmdStreamError('ENCODE_FAILED', `${what}, got a ${typeof route}`);
  }

  /** The text that a pattern travels as. For subclasses that have another one. */
  protected override normalizePattern(pattern: MsPattern): string {
    return normalized(pattern, (given) => super.normalizePattern(given));
  }

  /** Nest's dispatch hook learns of every outgoing Command as of any packet; what metadata it gives travels along. */
  #needsOf(command: AnyCommand): CallNeeds | undefined {
    if (this.onDispatchHook === undefined || !this.#isCommand(command)) return undefined;
    const packet: HookedPacket = { pattern: routeOf({ name: this.#commands.nameFor(command) }), data: command };
    ignoreRejection(this.onDispatchHook(packet));
    return { ambient: ambientMetadata('the dispatch hook', packet.metadata) };
  }

  /** The packet of a message or event by pattern, as the dispatch hook sees and changes it. */
  protected override createPacket<TInput>(pattern: unknown, data: TInput): ReadPacket {
    const packet: ReadPacket = { pattern, data };
    ignoreRejection(this.onDispatchHook?.(packet));
    return packet;
  }

  /** Gives answers by pattern to the subscriber of `send`. For subclasses that change how. */
  protected override createObserver<T>(observer: Observer<T>): (packet: WritePacket) => void {
    const tell = super.createObserver(observer);
    return (packet) => {
      const empty = EmptyError.unwrap(packet.err);
      if (empty) return observer.error(empty.error);
      try {
        tell(packet);
      } catch (error) {
        // serializeResponse or serializeError of a subclass.
        observer.error(error);
      }
    };
  }

  /** Gives a packet by pattern an id for the serializer of Nest; on the wire it means nothing. */
  protected override assignPacketId(packet: ReadPacket): ReadPacket & PacketId {
    return Object.assign(packet, { id: String(++this.#packets) });
  }

  /** Without a serializer packets are not wrapped at all. */
  protected override initializeSerializer(options: ClientOptions['options']): void {
    this.serializer = (options as CmdStreamClientOptions).serializer as Serializer;
  }

  /** Without a deserializer answers are taken as they come. */
  protected override initializeDeserializer(options: ClientOptions['options']): void {
    this.deserializer = (options as CmdStreamClientOptions).deserializer as ClientProxy['deserializer'];
  }

  /** Sends a message by pattern; what is returned cancels it. Nest calls it with each subscription. */
  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const { message, options, ambient } = this.#outgoing('message', packet);
    const deserializer = this.deserializer as Deserializer | undefined;
    const responses = new CallerSink(new PatternResponses(callback, deserializer, this.#maxStreamBufferBytes));
    const call = this.#core.submit(message, responses, options, { ambient });
    return () => call.cancel();
  }

  /** Sends an event by pattern; resolves when it was written. */
  protected async dispatchEvent<T>(packet: ReadPacket): Promise<T> {
    const { message, options, ambient } = this.#outgoing('event', packet);
    return (await this.#core.emit(message, options, ambient)) as T;
  }
}

interface HookedPacket extends ReadPacket {
  metadata?: Record<string, string>;
}

interface Outgoing {
  readonly message: PatternMessage;
  readonly options: CallOptions | undefined;
  readonly ambient: Metadata;
}

function isNil(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}
