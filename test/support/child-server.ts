// A program: serves the calc contract with the options in its first argument (JSON), in as many workers of a cluster as
// its second says (none: in this process), beside as many open files as its third says. If the fourth is 'bare', Node
// alone answers. Tells its parent what happens, and what it holds when it is sent 'memory'; closes when sent 'close'.
import cluster from 'node:cluster';
import { openSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CommandServer, type CommandServerOptions } from '../../lib/core.js';
import type { ChildNews } from './child-process.js';
import { GREETING, SUM_5 } from './calc-frames.js';
import { calcInvoker } from './calc-invoker.js';
import { vectorContract } from './vector-contract.js';

const [options = '{}', workers = '0', holds = '0', kind = ''] = process.argv.slice(2);

function tell(news: ChildNews): void {
  process.send?.(news);
}

function serve(): void {
  const server = new CommandServer({
    contract: vectorContract,
    invoker: {
      invoke(command, context, sink) {
        tell({ ranIn: process.pid });
        return calcInvoker.invoke(command, context, sink);
      },
    },
    host: '127.0.0.1',
    port: 0,
    quietPeriodMs: 20,
    onError: (error) => tell({ error: String((error as { code?: unknown }).code) }),
    ...(JSON.parse(options) as Partial<CommandServerOptions>),
  });
  process.on('warning', ({ message }) => tell({ warning: message }));
  server.onStatus((status) => tell({ status }));
  server.listen().then(
    (address) => {
      for (let file = 0; file < Number(holds); file++) openSync('/dev/null', 'r');
      tell({ address });
    },
    (error: unknown) => tell({ error: String((error as { code?: unknown }).code) }),
  );
  const close = async (): Promise<void> => {
    await server.close();
    process.disconnect();
  };
  process.on('message', (message) => {
    if (message === 'close') void close();
    if (message === 'memory') tell({ memory: { connections: server.connections, bytes: heldBytes() } });
  });
}

function serveBare(): void {
  const answer = Buffer.from(GREETING + SUM_5, 'hex');
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => socket.write(answer));
  });
  server.listen(0, '127.0.0.1', () => tell({ address: server.address() as AddressInfo }));
  process.on('message', (message) => {
    if (message === 'memory')
      server.getConnections((_error, connections) => tell({ memory: { connections, bytes: heldBytes() } }));
  });
}

function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The workers start one after the other, as successors do, which come when others listen already. */
function lead(): void {
  const start = (left: number): void => {
    if (left === 0) return;
    cluster
      .fork()
      .on('message', tell)
      .once('listening', () => start(left - 1));
  };
  start(Number(workers));
  process.on('message', (message) => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.send(message as string);
  });
  cluster.on('exit', () => {
    if (Object.keys(cluster.workers ?? {}).length === 0) process.disconnect();
  });
}

if (kind === 'bare') serveBare();
else if (cluster.isPrimary && workers !== '0') lead();
else serve();
