// A server without Nest: listens, keeps one session per connection, drains them at the end. One owner, one close.
import type { AddressInfo, Socket } from 'node:net';
import { codecFor } from '../codec/codec-rules.js';
import { Ticker } from '../connection/ticker.js';
import { serverFlow } from '../connection/value-flow.js';
import { CmdStreamError } from '../errors.js';
import { resolveOptions } from '../options.js';
import { serverInfoBytes } from '../wire/server-info.js';
import { Listener } from './listener.js';
import { commandServerRules, serverDefaults, type CommandServerOptions } from './server-options.js';
import { Session, type SessionConfig } from './session.js';

type State = 'idle' | 'listening' | 'draining' | 'closed';

/** How often a draining server looks whether its connections have become quiet. */
const DRAIN_LOOK_MS = 10;

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
  readonly #ticker = new Ticker();
  #state: State = 'idle';
  #listener: Listener | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: CommandServerOptions) {
    const resolved = resolveOptions('CommandServer', options, serverDefaults, commandServerRules);
    this.#options = resolved;
    this.#config = {
      side: 'server',
      flow: serverFlow(codecFor(resolved.contract, resolved.codec), resolved),
      options: resolved,
      ticker: this.#ticker,
      serverInfo: serverInfoBytes(resolved.serverInfo),
      invoker: resolved.invoker,
      results: resolved.contract.results,
      onPlainError: resolved.onPlainError,
      maxInFlight: resolved.maxInFlightPerConnection,
      sendHighWaterBytes: resolved.sendHighWaterBytes,
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
    const listener = new Listener(this.#options, {
      onSocket: (socket) => this.#accept(socket),
      onRefused: (remoteAddress, cause) => this.#lost(remoteAddress, cause),
      onListenerError: (error) => this.#report(error),
    });
    try {
      await listener.listen();
    } catch (error) {
      if (this.#state === 'listening') this.#state = 'idle';
      throw error;
    }
    if (this.#state !== 'listening') {
      listener.close();
      throw new CmdStreamError('CLOSED', 'the server was closed before it listened');
    }
    this.#listener = listener;
    return listener.address() as AddressInfo;
  }

  /**
   * Drains: stops listening, answers what was received, ends every connection that has been quiet for `quietPeriodMs`,
   * and after `gracePeriodMs` whatever is left. Resolves when the last Command has ended. Idempotent.
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
    const started = performance.now();
    while (this.#state === 'draining' && this.#sessions.size > 0) {
      await afterReading(DRAIN_LOOK_MS);
      const now = performance.now();
      if (now - started >= gracePeriodMs) break;
      for (const session of this.#sessions) {
        if (session.quietFor(now) >= quietPeriodMs) {
          session.end(new CmdStreamError('SHUTDOWN', 'the server is shutting down'));
        }
      }
    }
    this.destroy(new CmdStreamError('SHUTDOWN', `the server shut down: gracePeriodMs (${gracePeriodMs}) is over`));
  }

  /** Ends everything at once; running Commands are aborted, their Results are lost. */
  destroy(cause = new CmdStreamError('CLOSED', 'the server was destroyed')): void {
    this.#state = 'closed';
    this.#listener?.close();
    for (const session of this.#sessions) session.destroy(cause);
  }

  #accept(socket: Socket): void {
    const session = new Session(socket, this.#config, {
      onCommandError: (error) => this.#report(error),
      onConnectionEnd: () => {},
      onSessionEnd: (ended, cause) => {
        this.#sessions.delete(ended);
        this.#lost(ended.remoteAddress, cause);
      },
    });
    if (session.endCause === undefined) this.#sessions.add(session);
  }

  #lost(remoteAddress: string, cause: CmdStreamError): void {
    try {
      this.#options.onConnectionLost?.({ remoteAddress, cause });
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
