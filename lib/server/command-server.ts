// A server without Nest: listens, keeps one session per connection, drains them at the end. One owner, one close.
import type { AddressInfo, Socket } from 'node:net';
import { codecFor } from '../codec/codec-rules.js';
import { fingerprintOf } from '../codec/fingerprint.js';
import { Ticker } from '../connection/ticker.js';
import { serverFlow } from '../connection/value-flow.js';
import { CmdStreamError, fromSocketError } from '../errors.js';
import { resolveOptions } from '../options.js';
import { serverInfoBytes } from '../wire/server-info.js';
import { EventRoom } from './event-room.js';
import { Listener } from './listener.js';
import {
  commandServerRules,
  serverDefaults,
  type CommandServerOptions,
  type LostConnection,
} from './server-options.js';
import type { SessionConfig } from './session-config.js';
import { Session } from './session.js';

type State = 'idle' | 'listening' | 'draining' | 'closed';

/** How often a draining server looks whether its connections have become quiet. */
const DRAIN_LOOK_MS = 10;
/** How long connections that were ended may take to close. */
const LINGER_MS = 1000;

/**
 * Serves the Commands of one contract.
 *
 * @throws {CmdStreamError} INVALID_OPTION, SERVER_INFO_TOO_LARGE when it is made with options that make no sense
 * @publicApi
 */
export class CommandServer {
  readonly #options;
  readonly #config: SessionConfig;
  readonly #sessions = new Set<Session>();
  /** Sockets that were accepted and are not closed yet. */
  readonly #sockets = new Set<Socket>();
  readonly #ticker = new Ticker();
  #state: State = 'idle';
  #lateFrames = 0;
  #listener: Listener | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: CommandServerOptions) {
    const resolved = resolveOptions('CommandServer', options, serverDefaults, commandServerRules);
    this.#options = resolved;
    const codec = codecFor(resolved.contract, resolved.codec);
    this.#config = {
      side: 'server',
      flow: serverFlow(codec, resolved),
      options: resolved,
      ticker: this.#ticker,
      serverInfo: serverInfoBytes(resolved.serverInfo),
      invoker: resolved.invoker,
      contract: resolved.contract,
      fingerprint: fingerprintOf(resolved.contract, codec.name),
      extension: resolved.extension,
      contractCheck: resolved.contractCheck,
      onPlainError: resolved.onPlainError,
      maxInFlight: resolved.maxInFlightPerConnection,
      sendHighWaterBytes: resolved.sendHighWaterBytes,
      maxStreamBufferBytes: resolved.maxStreamBufferBytes,
      eventRoom: new EventRoom(),
    };
  }

  /** Where the server listens; null while it does not. */
  get address(): AddressInfo | null {
    return this.#listener?.address() ?? null;
  }

  /** Open connections. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Commands that are running, on all connections. */
  get inFlight(): number {
    let sum = 0;
    for (const session of this.#sessions) sum += session.inFlight;
    return sum;
  }

  /** Frames so far for Commands that were over: honest peers cannot help sending some. */
  get lateFrames(): number {
    return this.#lateFrames;
  }

  /** The listening socket of Node. */
  get netServer(): Listener['server'] | undefined {
    return this.#listener?.server;
  }

  /**
   * Starts listening and resolves with the address.
   *
   * @throws {CmdStreamError} CONNECT_FAILED when the address cannot be had; CLOSED when it listens already or was closed
   */
  async listen(): Promise<AddressInfo> {
    if (this.#state !== 'idle') throw new CmdStreamError('CLOSED', `cannot listen: the server is ${this.#state}`);
    this.#state = 'listening';
    let listener: Listener;
    try {
      listener = new Listener(this.#options, {
        onSocket: (socket) => this.#accept(socket),
        onRefused: (remoteAddress, cause) => this.#refused(remoteAddress, cause),
        onListenerError: (error) => this.#report(error),
      });
      await listener.listen();
    } catch (error) {
      if (this.#state === 'listening') this.#state = 'idle';
      throw fromSocketError(error);
    }
    if (this.#state !== 'listening') {
      listener.close();
      throw new CmdStreamError('CLOSED', 'the server was closed before it listened');
    }
    this.#listener = listener;
    return listener.address() as AddressInfo;
  }

  /**
   * Drains: stops listening, tells peers of this package to go elsewhere, answers every Command that was received or is
   * on its way, and ends each connection when it is quiet: as soon as such a peer has said that nothing follows, or when a
   * plain one has been silent for `quietPeriodMs`. After `gracePeriodMs` the rest gets SHUTDOWN. Resolves when all
   * connections are closed. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'draining';
    this.#listener?.close();
    const { gracePeriodMs, quietPeriodMs } = this.#options;
    const ending = new CmdStreamError('SHUTDOWN', 'the server is shutting down');
    const started = performance.now();
    while (this.#state === 'draining' && this.#sessions.size > 0) {
      for (const session of this.#sessions) session.goAway('shutdown');
      await afterReading(DRAIN_LOOK_MS);
      const now = performance.now();
      if (now - started >= gracePeriodMs) break;
      for (const session of this.#sessions) if (session.isQuiet(now, quietPeriodMs)) session.end(ending);
    }
    const over = new CmdStreamError('SHUTDOWN', `the server shut down: gracePeriodMs (${gracePeriodMs}) is over`);
    for (const session of this.#sessions) session.shutDown(over);
    await this.#socketsClosed(performance.now() + LINGER_MS);
    this.destroy(over);
  }

  /** What was sent last must leave before the process may. */
  async #socketsClosed(until: number): Promise<void> {
    while (this.#sockets.size > 0 && performance.now() < until) await afterReading(DRAIN_LOOK_MS);
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends everything at once; running Commands are aborted, their Results are lost. */
  destroy(cause = new CmdStreamError('CLOSED', 'the server was destroyed')): void {
    this.#state = 'closed';
    this.#listener?.close();
    for (const session of this.#sessions) session.destroy(cause);
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const session = new Session(socket, this.#config, {
      onCommandError: (error) => this.#report(error),
      onLateFrame: () => this.#lateFrames++,
      onConnectionEnd: ({ remoteAddress }, cause) =>
        this.#tell(this.#options.onConnectionEnd, { remoteAddress, cause }),
      onSessionEnd: (ended, cause) => {
        this.#sessions.delete(ended);
        this.#tell(this.#options.onConnectionLost, { remoteAddress: ended.remoteAddress, cause });
      },
    });
    if (session.endCause === undefined) this.#sessions.add(session);
  }

  /** A client that did not get as far as a connection. */
  #refused(remoteAddress: string, cause: CmdStreamError): void {
    this.#tell(this.#options.onConnectionEnd, { remoteAddress, cause });
    this.#tell(this.#options.onConnectionLost, { remoteAddress, cause });
  }

  #tell(callback: ((connection: LostConnection) => void) | undefined, connection: LostConnection): void {
    try {
      callback?.(connection);
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // Nobody is left to tell; the server serves others.
    }
  }
}

/** Waits, and then until what had arrived meanwhile was read: a timer alone fires before that when the process was busy. */
function afterReading(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(() => setImmediate(resolve), delayMs));
}
