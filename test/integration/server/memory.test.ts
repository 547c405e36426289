// What a connection at rest takes of the memory of its server, beside what Node takes for any socket.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { ADD_2_3, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, turns } from '../../support/deadline.js';

const CONNECTIONS = 300;
const ROUNDS = 5;
const KIB = 1024;
const answer = Buffer.from(GREETING + SUM_5, 'hex');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function usedBytes(): Promise<number> {
  for (let round = 0; round < 2; round++) {
    await turns(5);
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** One that has had its Command answered. */
async function answered(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  let missing = answer.length;
  const received = new Promise<void>((resolve) => {
    socket.on('data', ({ length }) => (missing -= length) === 0 && resolve());
  });
  socket.write(Buffer.from(ADD_2_3, 'hex'));
  await inTime('the answer is there', received);
  return socket;
}

/** What each of so many of them takes, both ends together. */
async function bytesOfOne(port: number): Promise<number> {
  const before = await usedBytes();
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => answered(port)));
  const after = await usedBytes();
  for (const socket of sockets) socket.destroy();
  await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')));
  return (after - before) / CONNECTIONS;
}

describe('a plain connection that has had its answer', () => {
  it('takes not more than 4 KiB beside one of Node that answers the same', async () => {
    const bare = createServer((socket) => {
      socket.on('error', () => {}).on('data', () => socket.write(answer));
    }).listen(0, '127.0.0.1');
    await once(bare, 'listening');
    const calc = await CalcServer.start();
    const ports = [(bare.address() as AddressInfo).port, calc.port];
    // What else is at work in this process counts in some rounds, the code that is made ready in the first.
    const least = [Infinity, Infinity];
    for (let round = 0; round < ROUNDS; round++)
      for (const [at, port] of ports.entries()) least[at] = Math.min(least[at]!, await bytesOfOne(port));
    expect(least[1]! - least[0]!).toBeLessThan(4 * KIB);
    bare.close();
    await calc.server.close({ gracePeriodMs: 100 });
  });
});
