// Threats S2, S10 and S24: more connections than others have room for. The server is a process of its own: so many
// descriptors are its own, and its memory is.
import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { CommandServerOptions } from '../../lib/core.js';
import { GREETING, uvarint } from '../support/calc-frames.js';
import { ServerProcess } from '../support/child-process.js';
import { inTime, until } from '../support/deadline.js';
import { Folder } from '../support/folder.js';
import { guardInvariants } from '../support/invariants.js';
import { AddCmd, CalcResult } from '../support/vector-contract.js';

const { own, client: clientOf } = guardInvariants();
const KIB = 1024;
/** Connected at a time: as many as a listening socket holds in line. */
const AT_A_TIME = 250;
/** Descriptors for everything else. */
const SPARE = 300;
const most = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
/** 10,000, where the system lets a process have so many. */
const MANY = Math.min(10_000, (most === 'unlimited' ? Infinity : Number(most)) - SPARE);

interface Child {
  readonly child: ServerProcess;
  readonly port: number;
}

async function start(options: Partial<CommandServerOptions>, maxDescriptors?: number): Promise<Child> {
  const setup = { options, ...(maxDescriptors !== undefined && { maxDescriptors }) };
  const child = own(new ServerProcess(own(new Folder()), setup));
  return { child, port: (await child.address()).port };
}

/** Connections that are greeted, write these bytes and are silent then. */
class Crowd {
  readonly #sockets: Socket[] = [];
  /** How many were ended, or never taken. */
  gone = 0;
  /** How many were greeted otherwise. */
  wrong = 0;

  async join(port: number, count: number, bytes = ''): Promise<void> {
    for (let left = count; left > 0; left -= AT_A_TIME) {
      const some = Array.from({ length: Math.min(left, AT_A_TIME) }, () => this.#open(port, bytes));
      await inTime('some are greeted, or refused', Promise.all(some));
    }
  }

  #open(port: number, bytes: string): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      this.#sockets.push(socket);
      socket.on('error', () => {});
      socket.once('data', (greeting) => {
        if (greeting.toString('hex') !== GREETING) this.wrong++;
        if (bytes === '') return resolve();
        socket.write(Buffer.from(bytes, 'hex'), () => resolve());
      });
      socket.once('close', () => {
        this.gone++;
        resolve();
      });
    });
  }

  async destroy(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await until('all are gone', () => this.gone === this.#sockets.length);
  }
}

async function isServed(port: number): Promise<void> {
  const client = clientOf(port, { extension: 'require' });
  await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
}

describe.each([
  ['S10 connections that say nothing', MANY, ''],
  ['S2 announced lengths of many that fall silent', Math.min(MANY, 2_000), `0103${uvarint(1_000_000)}22`],
])('%s', (_what, count, bytes) => {
  it('keep no one out, and hold at most 16 KiB each', async () => {
    const { child, port } = await start({ maxConnections: count + 10, frameTimeoutMs: 0 });
    await isServed(port);
    const base = await child.memory();
    const crowd = own(new Crowd());
    await crowd.join(port, count, bytes);
    await isServed(port);
    const held = await child.memory();
    expect(held.connections).toBeGreaterThanOrEqual(count);
    expect(held.bytes - base.bytes).toBeLessThan(16 * KIB * count);
    expect([crowd.gone, crowd.wrong]).toEqual([0, 0]);
    expect(child.reported('status')).toEqual(['connecting', 'connected']);
  }, 120_000);
});

describe('S24 a process with 256 descriptors', () => {
  it('takes as many connections as that leaves, goes on serving, and takes others when some have gone', async () => {
    const { child, port } = await start({}, 256);
    const client = clientOf(port, { extension: 'require' });
    await client.connect();
    const crowd = own(new Crowd());
    await crowd.join(port, 400);
    expect(crowd.gone).toBeGreaterThan(200);
    expect((await child.memory()).connections).toBe(256 - 64);
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(child.reported('warning')).toHaveLength(1);
    await crowd.destroy();
    await isServed(port);
    expect(child.reported('error')).toEqual([]);
  });
});
