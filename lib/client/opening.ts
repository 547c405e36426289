// One attempt to open a connection: the socket, ServerInfo and the knock, all within one time limit. Ends once, well or not.
import type { Duplex } from 'node:stream';
import { CmdStreamError, isCmdStreamError, messageOf } from '../errors.js';
import type { ClientSession } from './client-session.js';
import { told } from './told.js';

export interface OpeningConfig {
  /** For errors. */
  readonly server: string;
  readonly connectTimeoutMs: number;
  dial(signal: AbortSignal): Promise<Duplex>;
  /** Makes the session that takes it from there. */
  start(socket: Duplex): ClientSession;
  onFailed(opening: Opening, error: CmdStreamError): void;
}

export class Opening {
  session: ClientSession | undefined;
  readonly since = performance.now();
  readonly #config: OpeningConfig;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(config: OpeningConfig) {
    this.#config = config;
    const { connectTimeoutMs, server } = config;
    if (connectTimeoutMs > 0) {
      const text = `no answer from ${server} within connectTimeoutMs (${connectTimeoutMs}): is it a cmd-stream server, with or without TLS as here?`;
      this.#timer = setTimeout(() => this.fail(new CmdStreamError('CONNECT_TIMEOUT', text)), connectTimeoutMs);
    }
  }

  /** Begins; failures may be told before this returns. */
  begin(): void {
    this.#dial().then(
      (socket) => this.#dialled(socket),
      (error: unknown) => this.fail(asConnectError(error)),
    );
  }

  /** Code of a user may throw, or give something that is no promise. */
  async #dial(): Promise<Duplex> {
    return this.#config.dial(this.#abort.signal);
  }

  #dialled(socket: Duplex): void {
    try {
      if (this.#isOver) discard(socket);
      else if (socket.destroyed) this.fail(new CmdStreamError('CONNECT_FAILED', 'the socket was closed'));
      else this.session = this.#config.start(socket);
    } catch (error) {
      told(() => discard(socket));
      this.fail(new CmdStreamError('CONNECT_FAILED', 'what was to be a socket is none', { cause: error }));
    }
  }

  succeed(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** Gives up, and says so. */
  fail(error: CmdStreamError): void {
    if (this.#isOver) return;
    this.abandon(error);
    this.#config.onFailed(this, error);
  }

  /** Gives up silently. */
  abandon(cause: CmdStreamError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#abort.abort(cause);
    this.session?.destroy(cause);
  }
}

function discard(socket: Duplex): void {
  socket.on('error', () => {}).destroy();
}

function asConnectError(error: unknown): CmdStreamError {
  if (isCmdStreamError(error)) return error;
  return new CmdStreamError('CONNECT_FAILED', messageOf(error), { cause: error });
}

/** A server that refuses a certificate says so when TLS has long finished for the client, or just hangs up. */
export function notOpened(cause: CmdStreamError, server: string, hasTls: boolean): CmdStreamError {
  if (cause.code !== 'PEER_CLOSED' && cause.code !== 'PEER_RESET') return cause;
  const code = hasTls && cause.code === 'PEER_RESET' ? 'TLS_ERROR' : 'CONNECT_FAILED';
  return new CmdStreamError(code, `cannot connect to ${server}: ${cause.message}`, { cause });
}
