// A server from one listen() to the end of its last socket: listening, sessions, drain. A server that listens again has
// a new one; Commands that outlive their connection are the server's.
//
//   disconnected --(listen)--> connecting --> connected <--> degraded --(close)--> draining --> closed
//        ^                          |             └───────────(destroy, a limit)──────────────────^
//        └──────(no address)────────┘
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { fromSocketError } from '../connection/socket-error.js';
import type { Ticking } from '../connection/ticker.js';
import type { ConnectionAddresses } from '../contract/command.js';
import { CmdStreamError } from '../errors.js';
import { acceptFailure, ConnectionLimit, type ConnectionLimitConfig } from './connection-limit.js';
import { ListeningSocket, type ListeningSocketConfig, type SocketAcceptor } from './listening-socket.js';
import type { ServerStatus } from './server-options.js';
import type { SessionConfig } from './session/session-config.js';
import { ServerSession, type ServerSessionListener } from './session/server-session.js';

export interface ServerRunConfig extends ListeningSocketConfig, ConnectionLimitConfig {
  readonly session: SessionConfig;
  readonly firstConnectionTimeoutMs: number;
  readonly quietPeriodMs: number;
}

/** What a run tells its server. No method may throw. */
export interface ServerRunListener {
  onStatus(status: ServerStatus, cause?: CmdStreamError): void;
  /** A client has connected. */
  onConnection(connection: ConnectionAddresses): void;
  /** Its connection has ended; Commands of it may still run. */
  onDisconnect(connection: ConnectionAddresses, cause: CmdStreamError): void;
  /** A client did not get as far as a connection. */
  onConnectionRefused(client: ConnectionAddresses, cause: CmdStreamError): void;
  onError(error: unknown): void;
  onLateFrame(): void;
}

/** How often a server that listens looks whether the process has descriptors left. */
const DESCRIPTOR_CHECK_MS = 1000;
/** How often a draining server looks which of its connections may end. */
const DRAIN_CHECK_MS = 10;
/** How long connections that were ended may take to close, within the grace period. */
const LINGER_MS = 1000;
/** What is left of the grace period for the last errors to leave. */
const LAST_ERRORS_MS = 100;
const LAST_ERRORS_SHARE = 0.1;
/** And for the last Commands of plain peers that are never silent: no more are read, those that run are answered. */
const LAST_COMMANDS_SHARE = 0.5;

export class ServerRun implements SocketAcceptor, ServerSessionListener, Ticking {
  readonly #config: ServerRunConfig;
  readonly #listener: ServerRunListener;
  readonly #connectionLimit: ConnectionLimit;
  readonly #sessions = new Set<ServerSession>();
  /** Those whose connection has ended and whose socket is not closed yet. */
  readonly #unclosed = new Set<ServerSession>();
  #status: ServerStatus = 'disconnected';
  #listening: ListeningSocket | undefined;
  /** Ends the wait for the first connection. */
  #stopFirstWait = (): void => {};
  #acceptError: CmdStreamError | undefined;
  #descriptorsCheckedAt = 0;
  #isFull = false;
  /** The end of the grace period, and of the time for Commands in it: for all, and for those of plain peers to come. */
  #drainUntil = Number.POSITIVE_INFINITY;
  #readUntil = Number.POSITIVE_INFINITY;
  #answerUntil = Number.POSITIVE_INFINITY;
  #drained: Promise<void> | undefined;

  constructor(config: ServerRunConfig, listener: ServerRunListener) {
    this.#config = config;
    this.#listener = listener;
    this.#connectionLimit = new ConnectionLimit(config);
  }

  get connections(): number {
    return this.#sessions.size;
  }

  get status(): ServerStatus {
    return this.#status;
  }

  get isListening(): boolean {
    return this.#status === 'connected' || this.#status === 'degraded';
  }

  get address(): AddressInfo | null {
    return (this.isListening && this.#listening?.address()) || null;
  }

  get netServer(): ListeningSocket['server'] | undefined {
    return this.#listening?.server;
  }

  async listen(): Promise<AddressInfo> {
    this.#change('connecting');
    try {
      this.#listening = new ListeningSocket(this.#config, this.#connectionLimit, this);
      await this.#listening.listen();
    } catch (error) {
      this.#listening?.destroy();
      this.#checkNotClosed();
      const cause = fromSocketError(error);
      this.#change('disconnected', cause);
      throw cause;
    }
    this.#checkNotClosed();
    const address = this.#listening.address() as AddressInfo;
    this.#connectionLimit.warn();
    this.#expectFirstConnection();
    this.#change('connected');
    return address;
  }

  /** What was true before an `await` may not be true any more. */
  #checkNotClosed(): void {
    if (this.#isStill('connecting')) return;
    this.#listening?.destroy();
    throw new CmdStreamError('CLOSED', 'the server was closed before it listened');
  }

  #isStill(status: ServerStatus): boolean {
    return this.#status === status;
  }

  #expectFirstConnection(): void {
    const { firstConnectionTimeoutMs } = this.#config;
    const tooLate = (): void => {
      const text = `no client connected within firstConnectionTimeoutMs (${firstConnectionTimeoutMs})`;
      const cause = new CmdStreamError('FIRST_CONNECTION_TIMEOUT', text);
      this.#listener.onError(cause);
      this.destroy(cause);
    };
    this.#stopFirstWait = this.#config.session.ticker.after(firstConnectionTimeoutMs, tooLate, true);
  }

  onSocket(socket: Socket): void {
    this.#stopFirstWait();
    if (this.#sessions.size === 0) this.#config.session.ticker.add(this);
    this.#sessions.add(new ServerSession(socket, this.#config.session, this));
    this.#acceptError = undefined;
    this.#updateHealth();
  }

  onCommandError(error: unknown): void {
    this.#listener.onError(error);
  }

  onLateFrame(): void {
    this.#listener.onLateFrame();
  }

  onConnection({ connection: { addresses } }: ServerSession): void {
    this.#listener.onConnection(addresses);
  }

  onConnectionEnd(session: ServerSession, cause: CmdStreamError): void {
    this.#unclosed.add(session);
    this.#listener.onDisconnect(session.connection.addresses, cause);
  }

  onSessionEnd(session: ServerSession): void {
    this.#sessions.delete(session);
    if (this.#sessions.size === 0) this.#config.session.ticker.delete(this);
  }

  onSocketClosed(session: ServerSession): void {
    this.#unclosed.delete(session);
  }

  onRefused(client: ConnectionAddresses, cause: CmdStreamError): void {
    this.#listener.onConnectionRefused(client, cause);
  }

  /** Called by a ticker, while there are connections. */
  tick(now: number): void {
    if (!this.isListening || now - this.#descriptorsCheckedAt < DESCRIPTOR_CHECK_MS) return;
    this.#descriptorsCheckedAt = now;
    const error = acceptFailure();
    if (error !== undefined) this.onAcceptError(error);
  }

  onAcceptError(error: CmdStreamError): void {
    this.#acceptError = error;
    this.#listener.onError(error);
    this.#updateHealth();
  }

  onReloadError(error: CmdStreamError): void {
    this.#listener.onError(error);
  }

  /** Connections from now on use it. */
  useTls(tls: TlsOptions): void {
    this.#listening?.useTls(tls);
  }

  onFull(isFull: boolean): void {
    this.#isFull = isFull;
    this.#updateHealth();
  }

  onListenerClosed(): void {
    if (this.isListening) this.destroy(new CmdStreamError('CLOSED', 'what the server listened on was closed'));
  }

  #updateHealth(): void {
    if (!this.isListening) return;
    const full = this.#isFull ? this.#connectionLimit.full() : undefined;
    const cause = this.#acceptError ?? full;
    this.#change(cause ? 'degraded' : 'connected', cause);
  }

  /** Drains, see `CommandServer.close`; a further call may shorten what is left of the grace period. */
  close(gracePeriodMs: number): Promise<void> {
    // By the ticker: what stood still for the whole period, and has read nothing, would answer nothing.
    const until = this.#config.session.ticker.now + gracePeriodMs;
    this.#drainUntil = Math.min(this.#drainUntil, until);
    const lastErrorsMs = Math.min(LAST_ERRORS_MS, gracePeriodMs * LAST_ERRORS_SHARE);
    this.#answerUntil = Math.min(this.#answerUntil, until - lastErrorsMs);
    this.#readUntil = Math.min(this.#readUntil, until - gracePeriodMs * LAST_COMMANDS_SHARE);
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    if (this.#status === 'closed') return;
    this.#change('draining');
    this.#listening?.close();
    this.#stopFirstWait();
    const { ticker } = this.#config.session;
    const ending = new CmdStreamError('SHUTDOWN', 'the server is shutting down');
    while (this.#isStill('draining') && this.#sessions.size > 0) {
      // In each round: a peer that has only now probed could not get it before. Each session sends it once.
      for (const session of this.#sessions) session.goAway('shutdown');
      await afterReading(DRAIN_CHECK_MS);
      const { now } = ticker;
      if (now >= this.#answerUntil) break;
      if (now >= this.#readUntil) for (const session of this.#sessions) session.takeNoMore();
      for (const session of this.#sessions) {
        if (session.mayEnd(now, this.#config.quietPeriodMs)) session.close(ending);
      }
    }
    const over = new CmdStreamError('SHUTDOWN', 'the server shut down: gracePeriodMs is over');
    for (const session of this.#sessions) session.abort(over);
    await this.#socketsClosed(ticker.now + LINGER_MS);
    this.#endAll(over);
    this.#change('closed');
  }

  /** What was sent last must leave before the process may. */
  async #socketsClosed(until: number): Promise<void> {
    while (this.#unclosed.size > 0) {
      await afterReading(DRAIN_CHECK_MS);
      if (this.#config.session.ticker.now >= Math.min(until, this.#drainUntil)) return;
    }
  }

  /** Ends everything at once; running Commands are aborted, their Results are lost. */
  destroy(cause: CmdStreamError): void {
    if (this.#status === 'closed') return;
    this.#endAll(cause);
    this.#change('closed', cause);
  }

  #endAll(cause: CmdStreamError): void {
    this.#stopFirstWait();
    this.#listening?.destroy();
    for (const session of this.#sessions) session.destroy(cause);
    for (const session of this.#unclosed) session.destroy(cause);
  }

  #change(status: ServerStatus, cause?: CmdStreamError): void {
    if (this.#status === status || this.#status === 'closed') return;
    this.#status = status;
    this.#listener.onStatus(status, cause);
  }
}

/**
 * Waits, and then until what had arrived meanwhile was read: a timer alone fires before that when the process was busy.
 */
function afterReading(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(() => setImmediate(resolve), delayMs));
}
