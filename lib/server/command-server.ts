// A server without Nest: its options and callbacks, and what all its connections share. It may listen, close and listen
// again; what happens between is a ServerRun.
import type { AddressInfo, Server } from 'node:net';
import { AsyncScope } from '../async-scope.js';
import { callSafely, notify, requireFunction } from '../callbacks.js';
import { codecFor } from '../codec/codec-rules.js';
import { isEachLast, tablesOf } from '../contract/contract.js';
import { Fingerprint } from '../codec/fingerprint.js';
import { ReadingTurns } from '../connection/reading-turns.js';
import { Ticker } from '../connection/ticker.js';
import { serverDirection } from '../connection/codec-direction.js';
import { CmdStreamError } from '../errors.js';
import type { ObservedServer } from '../instrumentation/instrumentation.js';
import { ServerObservers } from '../instrumentation/observers.js';
import { resolveOptions } from '../options.js';
import { SpareBlocks } from '../wire/byte-writer.js';
import { serverInfoBytes } from '../wire/server-info.js';
import { ByteBudget, defaultBudget } from './byte-budget.js';
import { ServerLoad } from './server-load.js';
import {
  closeRules,
  resolveServerOptions,
  type CloseOptions,
  type CommandServerOptions,
  type ResolvedServerOptions,
  type ServerStatus,
} from './server-options.js';
import { ServerTls, type TlsReloadOptions } from './server-tls.js';
import { ServerRun, type ServerRunConfig, type ServerRunListener } from './server-run.js';

/** Above so many bytes that wait for a peer the server reads no more from a plain one, and producers wait. */
const SEND_HIGH_WATER_BYTES = 65_536;

/**
 * Takes the status a server has now, and why it has it; see {@link CommandServer.onStatus}.
 *
 * @publicApi
 */
export type ServerStatusListener = (status: ServerStatus, cause?: CmdStreamError) => void;

/** Registered: the application may have been given a server by another copy of this package. */
const IS_SERVER: unique symbol = Symbol.for('nestjs-cmd-stream.server') as never;

/**
 * Serves the Commands of one contract.
 *
 * @example
 * import { CommandServer, type CommandInvoker } from 'nestjs-cmd-stream/core';
 * import { AddCmd, calcContract, CalcResult } from './calc.contract.js';
 *
 * const invoker: CommandInvoker = {
 *   invoke(command, context, sink) {
 *     if (command instanceof AddCmd) sink.complete(new CalcResult(command.A + command.B));
 *     else sink.error(new Error(`no handler, ${context.bytesRead} bytes`));
 *   },
 * };
 *
 * export const server = new CommandServer({ port: 9000, contract: calcContract, invoker });
 * await server.listen();
 *
 * @throws {CmdStreamError} INVALID_OPTION, SERVER_INFO_TOO_LARGE when it is made with options that make no sense
 * @publicApi
 */
export class CommandServer implements ObservedServer {
  /**
   * Commands, connections and callbacks begin here: not in each other, and not where `listen` or `close` was called.
   */
  readonly #scope = new AsyncScope();
  readonly #options;
  readonly #config: ServerRunConfig;
  readonly #load: ServerLoad;
  readonly #tls: ServerTls | undefined;
  readonly #listeners = new Set<{ readonly call: ServerStatusListener }>();
  #run: ServerRun | undefined;
  /** Was it closed before it has ever listened? */
  #isClosedUnused = false;
  #lateFrames = 0;
  /** Bytes that all its connections have sent and received so far. */
  readonly traffic = { sent: 0, received: 0 };
  readonly #observers: ServerObservers;

  constructor(options: CommandServerOptions);
  /** @internal `isResolved`: the Nest server has checked them, and filled in the defaults, under its own name. */
  constructor(options: ResolvedServerOptions, isResolved: true);
  constructor(options: CommandServerOptions, isResolved = false) {
    const resolved = isResolved ? (options as ResolvedServerOptions) : resolveServerOptions(options);
    this.#options = resolved;
    this.#load = new ServerLoad(resolved.maxInFlight);
    this.#observers = new ServerObservers(resolved.instrumentation);
    const contract = tablesOf(resolved.contract);
    const codec = codecFor(contract, resolved.codec);
    const session = {
      side: 'server' as const,
      direction: serverDirection(codec, resolved),
      options: resolved,
      ticker: new Ticker(this.#scope),
      readingTurns: new ReadingTurns(this.#scope),
      spareBlocks: new SpareBlocks(),
      scope: this.#scope,
      serverInfo: serverInfoBytes(resolved.serverInfo),
      invoker: resolved.invoker,
      contract,
      fingerprint: new Fingerprint(contract, codec),
      extension: resolved.extension,
      onPlainError: resolved.onPlainError,
      isEachLast: isEachLast(contract),
      reportedAfterLast: new Set<string>(),
      maxInFlight: resolved.maxInFlightPerConnection,
      commandTimeoutMs: resolved.commandTimeoutMs,
      load: this.#load,
      observers: this.#observers,
      traffic: this.traffic,
      limits: resolved,
      rates: resolved,
      sendHighWaterBytes: SEND_HIGH_WATER_BYTES,
      maxStreamBufferBytes: resolved.maxStreamBufferBytes,
      budget: new ByteBudget(resolved.maxBufferedBytes ?? defaultBudget(), this.#scope),
    };
    const { tls, tlsFiles } = resolved;
    const isSecure = tls !== undefined || tlsFiles !== undefined;
    this.#tls = isSecure ? new ServerTls(isResolved ? 'CmdStreamServer' : 'CommandServer', tls, tlsFiles) : undefined;
    this.#config = { ...resolved, port: Number(resolved.port), session, tls: this.#tls };
  }

  /** @internal */
  get [IS_SERVER](): true {
    return true;
  }

  /** What the server does now; {@link onStatus} notifies of changes. */
  get status(): ServerStatus {
    return this.#run?.status ?? (this.#isClosedUnused ? 'closed' : 'disconnected');
  }

  /**
   * Calls `listener` whenever the status changes, with the reason if there is one: why it could not listen, why it is
   * degraded, why it closed by itself. Returns what ends that.
   *
   * @throws {CmdStreamError} INVALID_OPTION when it is no function
   */
  onStatus(listener: ServerStatusListener): () => void {
    requireFunction('onStatus: the listener', listener);
    const entry = { call: listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /**
   * Where the server listens; null while it does not. Of a Unix domain socket `address` is the path, `family` is
   * `'unix'` and `port` 0.
   */
  get address(): AddressInfo | null {
    return this.#run?.address ?? null;
  }

  /** Open connections, and those whose Commands still run. */
  get connections(): number {
    return this.#run?.connections ?? 0;
  }

  /** Commands that are running, on all connections, and handlers that run on although theirs is over. */
  get inFlight(): number {
    return this.#load.inFlight;
  }

  /** Bytes of memory that are held for peers, as `maxBufferedBytes` counts them. */
  get bufferedBytes(): number {
    return this.#config.session.budget.bytes;
  }

  /** Frames so far for Commands that were over: peers cannot help sending some. */
  get lateFrames(): number {
    return this.#lateFrames;
  }

  /** The listening socket of Node. */
  get netServer(): Server | undefined {
    return this.#run?.netServer;
  }

  /**
   * Starts listening and resolves with the address. After `close()` or `destroy()` it may listen again.
   *
   * @throws {CmdStreamError} LISTEN_FAILED when the address cannot be had; CLOSED when it listens already, drains, or
   * is closed meanwhile, and for a descriptor that was closed with the server
   */
  async listen(): Promise<AddressInfo> {
    const { status } = this;
    if (status !== 'disconnected' && status !== 'closed')
      throw new CmdStreamError('CLOSED', `cannot listen: the server is ${status}`);
    const { listenOn } = this.#config;
    if (this.#run && status === 'closed' && listenOn !== undefined && 'fd' in listenOn)
      throw new CmdStreamError(
        'CLOSED',
        `cannot listen again: the descriptor ${listenOn.fd} is no longer the server's`,
      );
    this.#observers.open(this);
    this.#run = new ServerRun(this.#config, this.#runListener());
    return this.#scope.run(this.#run.listen, this.#run);
  }

  /**
   * Replaces the certificate, or what else is given, for connections from now on; those that are open go on as they
   * are. Without options the files of `tlsFiles` are read anew. What is of no use throws, and changes nothing. A
   * session of TLS from before is not taken up again, unless there are `ticketKeys`.
   *
   * @throws {CmdStreamError} INVALID_OPTION for a server without TLS, and for options that make no sense; TLS_ERROR
   * when the certificate, or the key, cannot be used
   */
  reloadTls(options?: TlsReloadOptions): void {
    const tls = this.#tls;
    if (tls === undefined) throw new CmdStreamError('INVALID_OPTION', 'reloadTls: the server has no TLS');
    const replaced = tls.reload(options);
    this.#run?.useTls(replaced);
  }

  #runListener(): ServerRunListener {
    const { onConnection, onDisconnect, onConnectionRefused } = this.#options;
    return {
      onStatus: (status, cause) => this.#notifyStatus(status, cause),
      onConnection: (connection) => {
        this.#observers.onConnection(connection);
        this.#notify(onConnection, connection);
      },
      onDisconnect: (connection, cause) => {
        this.#observers.onDisconnect(connection, cause);
        this.#notify(onDisconnect, connection, cause);
      },
      onConnectionRefused: (client, cause) => {
        this.#observers.onConnectionRefused(client, cause);
        this.#notify(onConnectionRefused, client, cause);
      },
      onError: (error) => this.#report(error),
      onLateFrame: () => this.#lateFrames++,
    };
  }

  /**
   * Drains: stops listening, tells peers of this package to go elsewhere, answers every Command that was received or is
   * on its way, and ends each connection when it is quiet: as soon as such a peer has said that nothing follows, or
   * when a plain one has been silent for `quietPeriodMs`. One that never is has half of `gracePeriodMs`: then it
   * is read no more, and ends when what was read is answered. After `gracePeriodMs` the rest gets SHUTDOWN. Resolves
   * when all connections are closed. Idempotent; while it drains, a call with a shorter `gracePeriodMs` hurries it.
   *
   * @throws {CmdStreamError} INVALID_OPTION, by its promise, when it is called with options that make no sense
   */
  close(options?: CloseOptions): Promise<void> {
    const { gracePeriodMs: standard } = this.#options;
    let gracePeriodMs: number;
    try {
      ({ gracePeriodMs } = resolveOptions('close', options, { gracePeriodMs: standard }, closeRules));
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#run !== undefined) return this.#run.close(gracePeriodMs);
    this.#closeUnused();
    return Promise.resolve();
  }

  /** As {@link close}: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends everything at once, a drain too; running Commands are aborted, their Results are lost. */
  destroy(cause = new CmdStreamError('CLOSED', 'the server was destroyed')): void {
    if (this.#run !== undefined) this.#run.destroy(cause);
    else this.#closeUnused(cause);
  }

  #closeUnused(cause?: CmdStreamError): void {
    if (this.#isClosedUnused) return;
    this.#isClosedUnused = true;
    this.#notifyStatus('closed', cause);
  }

  #notifyStatus(status: ServerStatus, cause?: CmdStreamError): void {
    if (status === 'closed') this.#observers.close();
    for (const { call } of this.#listeners) this.#notify(call, status, cause);
  }

  #notify<A extends unknown[]>(callback: ((...args: A) => unknown) | undefined, ...args: A): void {
    callSafely((error) => this.#report(error), callback && (() => this.#scope.runApart(callback, undefined, ...args)));
  }

  #report(failure: unknown): void {
    const { onError } = this.#options;
    // What it fails with is not reported any further; the server serves others.
    if (onError) notify(() => this.#scope.runApart(onError, undefined, failure));
  }
}

/** Is it one, of this copy of the package or of another? */
export function isCommandServer(value: unknown): value is CommandServer {
  return (value as Partial<CommandServer> | null | undefined)?.[IS_SERVER] === true;
}
