// The right order at the end: drain the servers first, while the providers their handlers need are alive; and one
// signal for all applications of the process, raised again when the last of them is done.
import { constants } from 'node:os';
import { Logger, type INestApplicationContext, type INestMicroservice } from '@nestjs/common';
import { NestApplicationContext } from '@nestjs/core';
import { CmdStreamError } from '../../errors.js';
import { resolveOptions, type OptionRules } from '../../options.js';
import { isCommandServer, type CommandServer } from '../../server/command-server.js';

/**
 * The options of {@link enableGracefulShutdown}.
 *
 * @publicApi
 */
export interface GracefulShutdownOptions {
  /**
   * Signals that close the application, any but SIGKILL and SIGSTOP; none: `app.close()` alone does.
   * @default ['SIGTERM', 'SIGINT']
   */
  signals?: readonly NodeJS.Signals[] | undefined;
}

export const gracefulShutdownDefaults = Object.freeze({ signals: ['SIGTERM', 'SIGINT'] as readonly NodeJS.Signals[] });

/** Also those of other systems: an application names them all, wherever it runs. */
const signalNames: ReadonlySet<unknown> = new Set([
  'SIGBREAK',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  ...Object.keys(constants.signals),
]);

function mayBeReceived(name: unknown): boolean {
  return name !== 'SIGKILL' && name !== 'SIGSTOP' && signalNames.has(name);
}

export const gracefulShutdownRules: OptionRules<GracefulShutdownOptions> = Object.freeze({
  signals: {
    expected: 'a list of names of signals such as ["SIGTERM"], without SIGKILL and SIGSTOP, which no process receives',
    accepts: (value) => Array.isArray(value) && value.every(mayBeReceived),
  },
});

/** What applications of all kinds may have; Nest's types know no signal. */
interface Closable {
  close(signal?: string): Promise<void>;
  enableShutdownHooks(): void;
  getMicroservices?(): INestMicroservice[];
  unwrap?<T>(): T;
}

/** Where Nest 12, and Nest 11, keep what `enableShutdownHooks` has begun. */
interface NestShutdownHooks {
  readonly shutdownCleanupRefs?: ReadonlyMap<string, unknown>;
  readonly shutdownCleanupRef?: unknown;
}

/**
 * Finds the shutdowns of other applications among the listeners of a signal, those of another copy of this file too.
 */
const SHUTDOWN = Symbol.for('nestjs-cmd-stream.gracefulShutdown');

/** A listener of a signal, or an application. */
interface OfShutdown {
  readonly [SHUTDOWN]?: Pick<GracefulShutdown, 'isRaised' | 'listen'>;
}

/**
 * Makes `app.close()`, and the given signals, drain the CmdStreamServers of the application before anything else is
 * destroyed; in pure and in hybrid applications. A signal, also one that comes while the application closes, is raised
 * again when it is closed, and with it every other application of the process that does this; until then further ones
 * are ignored. Returns what takes the signal handlers away. Called again for an application, the later call counts.
 *
 * @example
 * import { NestFactory } from '@nestjs/core';
 * import { CmdStreamServer, enableGracefulShutdown } from 'nestjs-cmd-stream';
 * import { calcContract } from './calc.contract.js';
 *
 * export async function serve(module: object): Promise<void> {
 *   const strategy = new CmdStreamServer({ port: 9000, contract: calcContract });
 *   const app = await NestFactory.createMicroservice(module, { strategy });
 *   enableGracefulShutdown(app, { signals: ['SIGTERM'] });
 *   await app.listen();
 * }
 *
 * @throws {CmdStreamError} INVALID_OPTION when its options make no sense; beside `app.enableShutdownHooks()`, whose
 * place it takes, and from that one as well
 * @publicApi
 */
export function enableGracefulShutdown(app: INestApplicationContext, options?: GracefulShutdownOptions): () => void {
  const { signals } = resolveOptions(
    'enableGracefulShutdown',
    options,
    gracefulShutdownDefaults,
    gracefulShutdownRules,
  );
  if (hasShutdownHooks(app)) refuseBoth();
  const given = (app as OfShutdown)[SHUTDOWN];
  if (given !== undefined) return given.listen(signals);
  const shutdown = new GracefulShutdown(app);
  // Defined, not assigned: the proxy in which NestFactory wraps an application swallows assignments.
  const define = (name: keyof Closable | typeof SHUTDOWN, value: object): void =>
    void Object.defineProperty(app, name, { configurable: true, writable: true, value });
  define('close', function (this: INestApplicationContext, signal?: string): Promise<void> {
    return shutdown.close(this, signal);
  });
  define('enableShutdownHooks', refuseBoth);
  define(SHUTDOWN, shutdown);
  return shutdown.listen(signals);
}

class GracefulShutdown {
  readonly #app: INestApplicationContext;
  #signals: readonly NodeJS.Signals[] = [];
  readonly #listener = Object.assign((signal: NodeJS.Signals) => this.#onSignal(signal), { [SHUTDOWN]: this });
  #closing: Promise<void> | undefined;
  #isClosed = false;
  #raised: NodeJS.Signals | undefined;

  constructor(app: INestApplicationContext) {
    this.#app = app;
  }

  /** Has a signal come that is to be raised again? */
  get isRaised(): boolean {
    return this.#raised !== undefined;
  }

  /** To these, instead of those it has listened to; returns what takes its handlers away. */
  listen(signals: readonly NodeJS.Signals[]): () => void {
    this.#stopListening();
    const mine = [...signals];
    this.#signals = mine;
    for (const signal of mine) process.on(signal, this.#listener);
    return () => {
      if (this.#signals === mine) this.#stopListening();
    };
  }

  #stopListening(): void {
    for (const signal of this.#signals) process.off(signal, this.#listener);
    this.#signals = [];
  }

  close(context: INestApplicationContext, signal?: string): Promise<void> {
    this.#closing ??= this.#closeAll(context, signal).finally(() => this.#end());
    return this.#closing;
  }

  async #closeAll(context: INestApplicationContext, signal?: string): Promise<void> {
    await Promise.all(serversOf(context).map((server) => server.close()));
    // Unlike NestMicroservice's own, this one tells the hooks the signal; what else that one does is done.
    await NestApplicationContext.prototype.close.call(context, signal);
  }

  /** Not before all others that have got it are closed: what they still drain would end with the process. */
  #end(): void {
    this.#isClosed = true;
    this.#stopListening();
    const signal = this.#raised;
    if (signal === undefined) return;
    this.#raised = undefined;
    const others = process.listeners(signal) as OfShutdown[];
    if (!others.some((listener) => listener[SHUTDOWN]?.isRaised)) process.kill(process.pid, signal);
  }

  #onSignal(signal: NodeJS.Signals): void {
    if (this.#raised !== undefined) return;
    this.#raised = signal;
    // Asked again for an application that is closed, nothing is left to close.
    if (this.#isClosed) return this.#end();
    (this.#app as Closable).close(signal).catch((error: unknown) => {
      Logger.error(error, enableGracefulShutdown.name);
    });
  }
}

function hasShutdownHooks(app: INestApplicationContext): boolean {
  const { shutdownCleanupRefs, shutdownCleanupRef } = app as NestShutdownHooks;
  return shutdownCleanupRef !== undefined || (shutdownCleanupRefs?.size ?? 0) > 0;
}

function refuseBoth(): never {
  const text = 'enableGracefulShutdown(app) takes the place of app.enableShutdownHooks(): call one of the two';
  throw new CmdStreamError('INVALID_OPTION', text);
}

function serversOf(context: INestApplicationContext): CommandServer[] {
  const app = context as Closable;
  const parts: Pick<Closable, 'unwrap'>[] = [app, ...(app.getMicroservices?.() ?? [])];
  return parts.flatMap((part) => {
    try {
      const server = part.unwrap?.<unknown>();
      return isCommandServer(server) ? [server] : [];
    } catch {
      // Another transport that has nothing to unwrap.
      return [];
    }
  });
}
