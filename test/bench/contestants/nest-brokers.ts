// Nest's NATS and Redis transports, each with a broker of its own that lives as long as its server process. What the
// broker itself takes of the processor is not counted.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ClientNats, ClientRedis, Transport } from '@nestjs/microservices';
import type { Contestant } from './contestant.js';
import { freePort } from './free-port.js';
import { host, microservice } from './nest-app.js';
import { callingByPattern, PatternController } from './patterns.js';

const READY_WITHIN_MS = 10_000;

export const nats: Contestant = {
  async serve() {
    const broker = await start('nats-server', (port) => ['--addr', host, '--port', String(port)]);
    const options = { servers: [`nats://${host}:${broker.port}`] };
    return served(broker, await microservice(PatternController, { transport: Transport.NATS, options }));
  },
  async connect(port, workload) {
    return callingByPattern(new ClientNats({ servers: [`nats://${host}:${port}`] }), 'echo', workload);
  },
};

export const redis: Contestant = {
  async serve() {
    const flags = ['--bind', host, '--save', '', '--appendonly', 'no'];
    const broker = await start('redis-server', (port) => ['--port', String(port), ...flags]);
    const options = { host, port: broker.port };
    return served(broker, await microservice(PatternController, { transport: Transport.REDIS, options }));
  },
  async connect(port, workload) {
    return callingByPattern(new ClientRedis({ host, port }), 'echo', workload);
  },
};

interface Broker {
  readonly port: number;
  stop(): Promise<void>;
}

function served(broker: Broker, app: { close(): Promise<unknown> }) {
  const close = async (): Promise<void> => {
    await app.close();
    await broker.stop();
  };
  return { port: broker.port, close };
}

async function start(program: string, args: (port: number) => readonly string[]): Promise<Broker> {
  const port = await freePort();
  const child = spawn(program, args(port), { stdio: 'ignore' });
  const kill = () => child.kill();
  process.once('exit', kill);
  const exited = once(child, 'exit');
  const failed = exited.then(([code]) => Promise.reject(new Error(`${program} ended with ${String(code)}`)));
  await Promise.race([failed, accepting(port)]);
  failed.catch(() => {});
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    kill();
    await exited;
  };
  return { port, stop };
}

async function accepting(port: number): Promise<void> {
  for (const started = performance.now(); performance.now() < started + READY_WITHIN_MS; await delay(20)) {
    const socket = connect(port, host);
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
  }
  throw new Error(`the broker does not accept connections on port ${port}`);
}
