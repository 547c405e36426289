// What a connection at rest takes of the memory of its server, beside what Node takes for any socket. Each server is a
// process of its own: its memory is.
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { ADD_2_3, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { ServerProcess } from '../../support/child-process.js';
import { inTime } from '../../support/deadline.js';
import { Folder } from '../../support/folder.js';
import { guardLeaks } from '../../support/leak-guard.js';

const own = guardLeaks();
const CONNECTIONS = 1000;
const KIB = 1024;

/** One that has had its Command answered. */
async function answered(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  own({ destroy: () => void socket.destroy() });
  let missing = (GREETING + SUM_5).length / 2;
  const received = new Promise<void>((resolve) => {
    socket.on('data', ({ length }) => (missing -= length) === 0 && resolve());
  });
  socket.write(Buffer.from(ADD_2_3, 'hex'));
  await inTime('the answer is there', received);
  return socket;
}

/** What each of so many of them takes. The first ones make the code ready. */
async function bytesOfOne(child: ServerProcess): Promise<number> {
  const { port } = await child.address();
  for (let first = 0; first < 200; first++) (await answered(port)).destroy();
  let before = await child.memory();
  while (before.connections > 0) before = await child.memory();
  for (let count = 0; count < CONNECTIONS; count++) await answered(port);
  const after = await child.memory();
  return (after.bytes - before.bytes) / after.connections;
}

describe('a plain connection that has had its answer', () => {
  it('takes not more than 3 KiB beside one of Node that answers the same', async () => {
    const bare = await bytesOfOne(own(new ServerProcess(own(new Folder()), { bare: true })));
    const ours = await bytesOfOne(own(new ServerProcess(own(new Folder()), {})));
    expect(ours - bare).toBeLessThan(3 * KIB);
  });
});
