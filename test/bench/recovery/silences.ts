// How soon pending Commands fail when their server hangs, or the way to it swallows everything.
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandClient } from '../../../lib/core.js';
import { FaultProxy } from '../../support/fault-proxy.js';
import { SlowCmd } from '../../support/interop-contract.js';
import { ServerProcess } from '../../support/server-process.js';
import { EchoCmd } from '../../support/vector-contract.js';
import { Crowd } from './crowd.js';
import type { Figure } from './figure.js';

const CLIENTS = 20;
const LIMIT_S = 10.5;
/** The clients come one after the other, so that their pings are in all phases when the silence begins. */
const APART_MS = 250;
/** More than the system buffers for a peer that does not read. */
const FLOOD = { commands: 40, text: 'x'.repeat(500_000) };

export async function measureSilences(): Promise<readonly Figure[]> {
  const [hung, flooded, swallowed] = await Promise.all([measureHang(false), measureHang(true), measureBlackHole()]);
  return [
    figureOf('SIGSTOP', hung),
    figureOf('SIGSTOP, while much is sent', flooded),
    figureOf('a black hole', swallowed),
  ];
}

async function measureHang(isFlooded: boolean): Promise<readonly number[]> {
  const server = await ServerProcess.start();
  const crowd = new Crowd(CLIENTS, () => ({ port: server.port }));
  const seconds = await secondsToFail(crowd, () => {
    server.freeze();
    if (isFlooded) crowd.clients.forEach((client, index) => void flood(client, index * APART_MS));
  });
  await server.kill();
  return seconds;
}

async function measureBlackHole(): Promise<readonly number[]> {
  const server = await ServerProcess.start();
  const proxy = await FaultProxy.listen(server.port);
  const seconds = await secondsToFail(new Crowd(CLIENTS, () => ({ port: proxy.port })), () => proxy.blackhole());
  await proxy.close();
  await server.kill();
  return seconds;
}

async function secondsToFail(crowd: Crowd, fall: () => void): Promise<readonly number[]> {
  const failures: Promise<number>[] = [];
  for (const client of crowd.clients) {
    await client.connect();
    const never = client.execute(new SlowCmd(3_600_000));
    failures.push(
      never.then(
        () => Number.NaN,
        () => performance.now(),
      ),
    );
    await delay(APART_MS);
  }
  const began = performance.now();
  fall();
  const ends = await Promise.all(failures);
  for (const client of crowd.clients) client.destroy();
  return ends.map((end) => (end - began) / 1000);
}

async function flood(client: CommandClient, afterMs: number): Promise<void> {
  await delay(afterMs);
  for (let sent = 0; sent < FLOOD.commands; sent++) client.execute(new EchoCmd(FLOOD.text)).catch(() => {});
}

function figureOf(what: string, seconds: readonly number[]): Figure {
  const value = Math.max(...seconds);
  return { what: `pending Commands fail after ${what}, longest`, value, limit: LIMIT_S, unit: 's', count: CLIENTS };
}
