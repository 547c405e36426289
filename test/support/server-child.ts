// The process that ServerProcess starts: serves the interop contract, alone or in a Nest application, tells its parent
// the port, and never outlives it. After a SIGTERM it drains and must then end by itself.
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CommandServer,
  type CommandContext,
  type CommandServerOptions,
  type CommandInvoker,
} from 'nestjs-cmd-stream/core';
import type { CmdStreamContext } from 'nestjs-cmd-stream';
import { calcInvoker } from './calc-invoker.js';
import { interopContract, SlowCmd } from './interop-contract.js';
import type { ServerSetup } from './server-process.js';
import { CalcResult } from './vector-contract.js';

const { nest, idle = 0, journal, ...options } = JSON.parse(process.argv[2] ?? '{}') as ServerSetup;

/** At once and for good, so that not even SIGKILL takes it back. */
function note({ metadata }: CommandContext): void {
  if (journal !== undefined && metadata['id'] !== undefined) appendFileSync(journal, `${metadata['id']}\n`);
}

const invoker: CommandInvoker = {
  async invoke(command, context, sink) {
    note(context);
    if (!(command instanceof SlowCmd)) return calcInvoker.invoke(command, context, sink);
    await delay(command.Ms, undefined, { signal: context.signal });
    sink.next(new CalcResult(command.Ms));
  },
};

async function serveAlone(given: Partial<CommandServerOptions>): Promise<number> {
  const server = new CommandServer({ host: '127.0.0.1', contract: interopContract, invoker, ...given });
  await server.listen();
  process.once('SIGTERM', () => void server.close().then(() => process.disconnect()));
  return server.address!.port;
}

async function serveInNest(given: Partial<CommandServerOptions>): Promise<number> {
  const { startNestServer } = await import('../interop/interop-server.js');
  const { enableGracefulShutdown } = await import('nestjs-cmd-stream');
  const { app, port } = await startNestServer(given, (strategy) =>
    strategy.setOnProcessingStartHook((_transport, context, done) => {
      note(context as CmdStreamContext);
      return done();
    }),
  );
  enableGracefulShutdown(app);
  for (let more = 0; more < idle; more++) {
    const other = await startNestServer({ ...given, port: 0 });
    enableGracefulShutdown(other.app);
  }
  return port;
}

const onlyChild = (): never => process.exit(1);
process.on('disconnect', onlyChild);
process.once('SIGTERM', () => process.off('disconnect', onlyChild));
process.send?.(await (nest ? serveInNest(options) : serveAlone(options)));
