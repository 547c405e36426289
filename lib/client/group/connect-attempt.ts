// One attempt to open a connection: the socket, ServerInfo and the probe, all within one time limit. Ends once, well or
// not.
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import type { DialStage } from '../../connection/dial.js';
import type { Ticker } from '../../connection/ticker.js';
import { CLOSE_MS } from '../../connection/connection-socket.js';
import { ownCertificate, refusedCertificate } from '../../connection/socket-error.js';
import { CmdStreamError, isCmdStreamError, MAX_REASON_BYTES, messageOf, peerText } from '../../errors.js';
import type { ClientSession } from '../session/client-session.js';

/** What an attempt waits for before there is a socket; `factory`: the option `connect`. */
export type ConnectStage = DialStage | 'factory';

export interface ConnectAttemptConfig {
  /** For errors. */
  readonly server: string;
  readonly connectTimeoutMs: number;
  readonly ticker: Ticker;
  dial(signal: AbortSignal, onStage: (stage: ConnectStage) => void): Promise<Duplex>;
  /** Makes the session that takes it from there. */
  start(socket: Duplex): ClientSession;
  onFailed(error: CmdStreamError): void;
}

const NO_SERVER = 'is it a cmd-stream server, with or without TLS as here?';
const FULL_SERVER = 'One that has maxConnections already hangs up, too';
const NO_EXTENSION = 'if it is no server of this package, try the option `extension: false`';

const waitsFor: Readonly<Record<ConnectStage | 'greeting' | 'probe', string>> = Object.freeze({
  lookup: 'the lookup of its host has not answered',
  connect: 'the connection was not taken there: is the server running, and does the network let it be reached?',
  factory: 'option "connect" has not given a socket',
  tls: `the TLS handshake was not finished: ${NO_SERVER}`,
  greeting: NO_SERVER,
  probe: `it has greeted and not answered the offer of the extension: ${NO_EXTENSION}`,
});

export class ConnectAttempt {
  session: ClientSession | undefined;
  readonly since = performance.now();
  readonly #config: ConnectAttemptConfig;
  readonly #abort = new AbortController();
  #stage: ConnectStage = 'connect';
  #dialling: Promise<void> | undefined;
  readonly #stopWatching: () => void;
  #isOver = false;

  constructor(config: ConnectAttemptConfig) {
    this.#config = config;
    const { connectTimeoutMs, ticker } = config;
    this.#stopWatching = ticker.after(connectTimeoutMs, () => this.fail(this.#late()));
  }

  #late(): CmdStreamError {
    return this.unanswered(` within connectTimeoutMs (${this.#config.connectTimeoutMs})`);
  }

  /** Why there is no connection yet, for what cannot wait for it. */
  unanswered(within = ''): CmdStreamError {
    const text = `no answer from ${this.#config.server}${within}: ${this.#waitsFor}`;
    return new CmdStreamError('CONNECT_TIMEOUT', text);
  }

  get #waitsFor(): string {
    if (this.session === undefined) return waitsFor[this.#stage];
    return waitsFor[this.session.isProbing ? 'probe' : 'greeting'];
  }

  /** Begins; it may fail before this returns. */
  begin(): void {
    this.#dialling = this.#dial().then(
      (socket) => this.#dialled(socket),
      (error: unknown) => this.fail(asConnectError(error)),
    );
  }

  /** Code of a user may throw, or give something that is no promise. */
  async #dial(): Promise<Duplex> {
    return this.#config.dial(this.#abort.signal, (stage) => (this.#stage = stage));
  }

  #dialled(socket: Duplex): void | Promise<void> {
    if (this.#isOver) return discard(socket);
    try {
      if (socket.destroyed) this.fail(new CmdStreamError('CONNECT_FAILED', 'the socket was closed'));
      else this.session = this.#config.start(socket);
    } catch (error) {
      void discard(socket);
      this.fail(new CmdStreamError('CONNECT_FAILED', 'what was to be a socket is none', { cause: error }));
    }
  }

  succeed(): void {
    this.#isOver = true;
    this.#stopWatching();
  }

  /** Gives up, and says so. */
  fail(error: CmdStreamError): void {
    if (this.#isOver) return;
    this.abandon(error);
    this.#config.onFailed(error);
  }

  /** Gives up silently. */
  abandon(cause: CmdStreamError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopWatching();
    this.#abort.abort(cause);
    this.session?.destroy(cause);
  }

  /** Resolves when no socket can come any more and one that came too late is closed, or both have had time for it. */
  closed(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_MS);
      void Promise.resolve(this.#dialling).then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** Resolves when it is closed. */
async function discard(socket: Duplex): Promise<void> {
  try {
    await new Promise((resolve) => {
      if (socket.closed) resolve(undefined);
      socket
        .on('error', () => {})
        .once('close', resolve)
        .destroy();
    });
  } catch {
    // It is no socket.
  }
}

function asConnectError(error: unknown): CmdStreamError {
  if (isCmdStreamError(error)) return error;
  return new CmdStreamError('CONNECT_FAILED', peerText(messageOf(error), MAX_REASON_BYTES), { cause: error });
}

export interface NotOpened {
  readonly server: string;
  /** With which it was connected to, if at all. */
  readonly tls: SecureContextOptions | undefined;
  /** Between its greeting and its answer to the offer of the extension. */
  readonly hungUpOnProbe: boolean;
}

/** A server that refuses a certificate says so when TLS has long finished for the client, or just hangs up. */
export function notOpened(cause: CmdStreamError, { server, tls, hungUpOnProbe }: NotOpened): CmdStreamError {
  if (cause.code === 'TLS_ERROR') return notConnected('TLS_ERROR', server, cause.message, rootOf(cause));
  if (cause.code !== 'PEER_CLOSED' && cause.code !== 'PEER_RESET') return cause;
  if (hungUpOnProbe) {
    const text = `${cause.message} when it was offered the extension; ${NO_EXTENSION}`;
    return notConnected('CONNECT_FAILED', server, text, rootOf(cause));
  }
  const own = tls && ownCertificate(tls);
  if (own !== undefined) return refusedCertificate(server, cause, own);
  if (tls && cause.code === 'PEER_RESET') return notConnected('TLS_ERROR', server, cause.message, cause);
  const text = `${cause.message} before it has greeted: ${NO_SERVER} ${FULL_SERVER}`;
  return notConnected('CONNECT_FAILED', server, text, rootOf(cause));
}

function notConnected(
  code: 'TLS_ERROR' | 'CONNECT_FAILED',
  server: string,
  text: string,
  cause: unknown,
): CmdStreamError {
  return new CmdStreamError(code, `cannot connect to ${server}: ${text}`, { cause });
}

/** The cause of CONNECT_FAILED is an error of Node where there is one. */
export function rootOf(error: CmdStreamError): unknown {
  return error.cause ?? error;
}
