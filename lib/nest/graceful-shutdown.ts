// The right order at the end: drain the servers first, while the providers their handlers need are alive.
import { Logger, type INestApplicationContext, type INestMicroservice } from '@nestjs/common';
import { NestApplicationContext } from '@nestjs/core';
import { CommandServer } from '../server/command-server.js';

/** @publicApi */
export interface GracefulShutdownOptions {
  /** Signals that close the application; default: SIGTERM and SIGINT. */
  signals?: readonly NodeJS.Signals[];
}

/** What applications of all kinds may have; Nest's types know no signal. */
interface Closable {
  close(signal?: string): Promise<void>;
  getMicroservices?(): INestMicroservice[];
  unwrap?<T>(): T;
}

/**
 * Makes `app.close()`, and the given signals, drain the CmdStreamServers of the application before anything else is
 * destroyed; in pure and in hybrid applications. After a signal the application is closed and the signal raised again.
 * Use it instead of `app.enableShutdownHooks()`. Returns what takes the signal handlers away.
 *
 * @publicApi
 */
export function enableGracefulShutdown(
  app: INestApplicationContext,
  { signals = ['SIGTERM', 'SIGINT'] }: GracefulShutdownOptions = {},
): () => void {
  let closing: Promise<void> | undefined;
  const closeAll = async (context: INestApplicationContext, signal?: string): Promise<void> => {
    remove();
    await Promise.all(serversOf(context).map((server) => server.close()));
    // Unlike NestMicroservice's own, this one tells the hooks the signal; what else that one does is done.
    await NestApplicationContext.prototype.close.call(context, signal);
  };
  // Defined, not assigned: the proxy in which NestFactory wraps an application swallows assignments.
  Object.defineProperty(app, 'close', {
    configurable: true,
    writable: true,
    value(this: INestApplicationContext, signal?: string): Promise<void> {
      closing ??= closeAll(this, signal);
      return closing;
    },
  });
  const onSignal = async (signal: NodeJS.Signals): Promise<void> => {
    try {
      await (app as Closable).close(signal);
    } catch (error) {
      Logger.error(error, enableGracefulShutdown.name);
    }
    process.kill(process.pid, signal);
  };
  const remove = (): void => signals.forEach((signal) => process.off(signal, onSignal));
  signals.forEach((signal) => process.on(signal, onSignal));
  return remove;
}

function serversOf(context: INestApplicationContext): CommandServer[] {
  const app = context as Closable;
  const parts: Pick<Closable, 'unwrap'>[] = [app, ...(app.getMicroservices?.() ?? [])];
  return parts.flatMap((part) => {
    try {
      const server = part.unwrap?.<unknown>();
      return server instanceof CommandServer ? [server] : [];
    } catch {
      // Another transport that has nothing to unwrap.
      return [];
    }
  });
}
