// The right order at the end: drain the servers first, while the providers their handlers need are alive.
import type { INestApplicationContext, INestMicroservice } from '@nestjs/common';
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
  const closable = app as Closable;
  const close = closable.close.bind(closable);
  closable.close = async (signal?: string): Promise<void> => {
    await Promise.all(serversOf(closable).map((server) => server.close()));
    await close(signal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    remove();
    void closable.close(signal).finally(() => process.kill(process.pid, signal));
  };
  const remove = (): void => signals.forEach((signal) => process.off(signal, onSignal));
  signals.forEach((signal) => process.on(signal, onSignal));
  return remove;
}

function serversOf(app: Closable): CommandServer[] {
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
