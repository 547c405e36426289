// One attempt to open a connection: the socket, ServerInfo and the knock, all within one time limit. Ends once, well or not.
import type { Duplex } from 'node:stream';
import { CmdStreamError } from '../errors.js';
import type { ClientSession } from './client-session.js';

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
      (error: CmdStreamError) => this.fail(error),
    );
  }

  /** Code of a user may throw, or give something that is no promise. */
  async #dial(): Promise<Duplex> {
    return this.#config.dial(this.#abort.signal);
  }

  #dialled(socket: Duplex): void {
    if (this.#isOver) {
      socket.on('error', () => {}).destroy();
      return;
    }
    try {
      this.session = this.#config.start(socket);
    } catch (error) {
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
