// The role of a client that means no harm: measures what it has to wait, byte by byte, with nothing of its own in
// between.
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { frame, GREETING } from '../../support/calc-frames.js';
import { percentile } from './figure.js';
import { type } from './hostile-contract.js';

export interface Waited {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  readonly count: number;
}

const PAUSE_MS = 5;
const MOST_WAIT_MS = 30_000;
const ECHO = Buffer.from(frame(1, type.Echo, '{"S":"xxxxxxxxxxxxxxxxxxxx"}'), 'hex');
const GREETING_BYTES = GREETING.length / 2;

function open(port: number, ca?: string): Socket {
  const socket =
    ca === undefined
      ? connect(port, '127.0.0.1')
      : connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca });
  return socket.setNoDelay(true);
}

/** Resolves when so many bytes more have come. */
function bytes(socket: Socket, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (): void => settle(() => reject(new Error('a client that means no harm was cut off')));
    const late = setTimeout(fail, MOST_WAIT_MS);
    const settle = (done: () => void): void => {
      clearTimeout(late);
      socket.off('data', take).off('close', fail).off('error', fail);
      done();
    };
    const take = (chunk: Buffer): void => {
      count -= chunk.length;
      if (count <= 0) settle(resolve);
    };
    socket.on('data', take).on('close', fail).on('error', fail);
  });
}

async function echoOn(socket: Socket): Promise<number> {
  const began = performance.now();
  const answered = bytes(socket, 1);
  socket.write(ECHO);
  await answered;
  return performance.now() - began;
}

export const victim = {
  /** For so many seconds: one call after the other, with a pause. */
  async echo(port: number, seconds: number): Promise<Waited> {
    const socket = open(port);
    await bytes(socket, GREETING_BYTES);
    const waited: number[] = [];
    for (const end = performance.now() + seconds * 1000; performance.now() < end; await delay(PAUSE_MS))
      waited.push(await echoOn(socket));
    socket.destroy();
    const [p50, p99, most] = [50, 99, 100].map((share) => percentile(waited, share));
    return { p50: p50!, p99: p99!, most: most!, count: waited.length };
  },

  /** A connection of its own and its first Result: how long that takes, in milliseconds. */
  async first(port: number, ca?: string): Promise<number> {
    const began = performance.now();
    const socket = open(port, ca);
    await bytes(socket, GREETING_BYTES);
    await echoOn(socket);
    socket.destroy();
    return performance.now() - began;
  },
};
