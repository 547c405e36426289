// The core server of a Nest application: whoever closes it, the application's status says so.
import { CommandServer } from '../server/command-server.js';
import type { CommandServerOptions } from '../server/server-options.js';

export class AnnouncedServer extends CommandServer {
  readonly #onStatus: (status: 'draining' | 'closed') => void;
  #announced: Promise<void> | undefined;

  constructor(options: CommandServerOptions, onStatus: (status: 'draining' | 'closed') => void) {
    super(options);
    this.#onStatus = onStatus;
  }

  override close(): Promise<void> {
    this.#announced ??= this.#announce();
    return this.#announced;
  }

  async #announce(): Promise<void> {
    this.#onStatus('draining');
    await super.close();
    this.#onStatus('closed');
  }
}
