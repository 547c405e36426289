// What a server logs of its own life: where it listens, that it drains, that it is closed.
import type { LoggerService } from '@nestjs/common';
import { notify } from '../../callbacks.js';
import { visibleText, type CmdStreamError } from '../../errors.js';
import type { ObservedServer } from '../../instrumentation/instrumentation.js';
import type { ServerStatus } from '../../server/server-options.js';
import { counted, endpointText } from '../log-text.js';

/** What there are handlers for. */
export interface Handled {
  readonly commands: number;
  readonly patterns: number;
}

export class LifeLog {
  readonly #loggerOf: () => LoggerService;
  readonly #server: ObservedServer;
  readonly #handled: () => Handled;
  #isListening = false;

  /** `logger`: a subclass may have another one. */
  constructor(logger: () => LoggerService, server: ObservedServer, handled: () => Handled) {
    this.#loggerOf = logger;
    this.#server = server;
    this.#handled = handled;
  }

  onStatus(status: ServerStatus, cause: CmdStreamError | undefined): void {
    const isOver = status === 'closed';
    if (!this.#isListening) {
      if (status !== 'connected') return;
      this.#isListening = true;
      this.#write(this.#listening);
    } else if (status === 'draining') {
      const { connections, inFlight } = this.#server;
      this.#write(`draining: ${counted(connections, 'connection')}, ${counted(inFlight, 'Command')} running`);
    } else if (isOver) {
      this.#isListening = false;
      this.#closed(cause);
    }
  }

  get #listening(): string {
    const { address } = this.#server;
    const { commands, patterns } = this.#handled();
    const place = address?.port ? endpointText(address.address, address.port) : address?.address;
    return `listening on ${place}, ${counted(commands, 'Command')}, ${counted(patterns, 'pattern')}`;
  }

  /** One that has closed by itself says why. */
  #closed(cause: CmdStreamError | undefined): void {
    const { inFlight } = this.#server;
    const left = inFlight > 0 ? `; ${counted(inFlight, 'Command')} still running` : '';
    if (cause === undefined || cause.code === 'CLOSED') this.#write(`closed${left}`);
    else this.#write(`closed: ${cause.code}: ${cause.message}${left}`, 'warn');
  }

  #write(text: string, level: 'log' | 'warn' = 'log'): void {
    notify(() => this.#loggerOf()[level](visibleText(text)));
  }
}
