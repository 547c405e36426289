// The process that ServerProcess starts: serves the interop contract, alone or in a Nest application, tells its parent
// the port, and never outlives it. After a SIGTERM it drains and must then end by itself.
import { setTimeout as delay } from 'node:timers/promises';
import { CommandServer, type CommandServerOptions, type Invoker } from 'nestjs-cmd-stream/core';
import { calcInvoker } from './calc-invoker.js';
import { interopContract, SlowCmd } from './interop-contract.js';
import type { ServerSetup } from './server-process.js';
import { CalcResult } from './vector-contract.js';

const invoker: Invoker = {
  async invoke(command, context, sink) {
    if (!(command instanceof SlowCmd)) return calcInvoker.invoke(command, context, sink);
    await delay(command.Ms, undefined, { signal: context.signal });
    sink.next(new CalcResult(command.Ms));
  },
};

async function serveAlone(options: Partial<CommandServerOptions>): Promise<number> {
  const server = new CommandServer({ host: '127.0.0.1', contract: interopContract, invoker, ...options });
  await server.listen();
  process.once('SIGTERM', () => void server.close().then(() => process.disconnect()));
  return server.address!.port;
}

async function serveInNest(options: Partial<CommandServerOptions>): Promise<number> {
  const { startNestServer } = await import('../interop/interop-server.js');
  const { enableGracefulShutdown } = await import('nestjs-cmd-stream');
  const { app, port } = await startNestServer(options);
  enableGracefulShutdown(app);
  return port;
}

const { nest, ...options } = JSON.parse(process.argv[2] ?? '{}') as ServerSetup;
const onlyChild = (): never => process.exit(1);
process.on('disconnect', onlyChild);
process.once('SIGTERM', () => process.off('disconnect', onlyChild));
process.send?.(await (nest ? serveInNest(options) : serveAlone(options)));
