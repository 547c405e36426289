// One server process against two of them: workers of node:cluster behind one port. Their handler keeps a core busy, so
// that it is the servers that have most to do, and not the client. What the figures call the server is the primary,
// which does nothing. This file is what a worker runs, too.
import 'reflect-metadata';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CmdStreamServer, type CommandServer } from 'nestjs-cmd-stream';
import { BusyController } from './busy-controller.js';
import { execute } from './cmd-stream.js';
import type { Contestant, Serving } from './contestant.js';
import { contract } from './contract.js';
import { host, microservice, portOf } from './nest-app.js';

async function serve(servers: number): Promise<Serving> {
  cluster.setupPrimary({ exec: fileURLToPath(import.meta.url) });
  const workers = Array.from({ length: servers }, () => cluster.fork());
  const ports = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0] as number));
  const close = async (): Promise<void> => {
    const ended = Promise.all(workers.map((worker) => once(worker, 'exit')));
    for (const worker of workers) worker.process.kill();
    await ended;
  };
  return { port: ports[0]!, close };
}

if (cluster.isWorker) {
  const strategy = new CmdStreamServer({ host, port: 0, contract });
  const app = await microservice(BusyController, { strategy });
  process.send!(portOf(app.unwrap<CommandServer>().address));
}

export const oneServer: Contestant = { ...execute, serve: () => serve(1) };
export const twoServers: Contestant = { ...execute, serve: () => serve(2) };
