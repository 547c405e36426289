// How long after the return of a server its clients have their first answer.
import { setTimeout as delay } from 'node:timers/promises';
import { FaultProxy } from '../../support/fault-proxy.js';
import { ServerProcess } from '../../support/server-process.js';
import { Crowd } from './crowd.js';
import { percentile, type Figure } from './figure.js';

const CLIENTS = 100;
const SHORT_MS = [500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000];
const LONG_MS = [10_000, 15_000, 20_000];
const HOLES_MS = [12_000, 15_000, 20_000];
const KILLS = 5;

/** Outages of exact lengths: connections are reset and refused, or fall silent as new ones do, until the end. */
export async function measureOutages(): Promise<readonly Figure[]> {
  const server = await ServerProcess.start();
  const proxy = await FaultProxy.listen(server.port);
  const crowd = new Crowd(CLIENTS, () => ({ port: proxy.port }));
  const recoveriesOf = async (lengthsMs: readonly number[], begin: () => void): Promise<number[]> => {
    const seconds: number[] = [];
    for (const lengthMs of lengthsMs) {
      await crowd.answered();
      begin();
      await delay(lengthMs);
      await proxy.heal();
      const back = performance.now();
      seconds.push(...(await crowd.answered()).map((at) => (at - back) / 1000));
    }
    return seconds;
  };
  const refuse = (): void => {
    proxy.refuse();
    proxy.cut('rst');
  };
  const short = await recoveriesOf(SHORT_MS, refuse);
  const long = await recoveriesOf(LONG_MS, refuse);
  const holes = await recoveriesOf(HOLES_MS, () => proxy.blackhole());
  await crowd.close();
  await proxy.close();
  await server.kill();
  return [
    ...summary('after an outage of 0.5 to 5 s', short, 1),
    ...summary('after one of 10 to 20 s', long, 7.5),
    ...summary('after a black hole of 12 to 20 s', holes, 7.5),
  ];
}

/** Processes that are killed and started again at once. */
export async function measureKills(): Promise<readonly Figure[]> {
  let server = await ServerProcess.start();
  const { port } = server;
  const crowd = new Crowd(CLIENTS, () => ({ port }));
  await crowd.answered();
  const seconds: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    await server.kill();
    server = await server.restart();
    const back = performance.now();
    seconds.push(...(await crowd.answered()).map((at) => (at - back) / 1000));
  }
  await crowd.close();
  await server.kill();
  return summary('after kill -9 and a start at once', seconds, 1);
}

function summary(what: string, seconds: readonly number[], limit: number): readonly Figure[] {
  const common = { count: seconds.length, unit: 's' };
  return [
    { what: `first answer ${what}, p50`, value: percentile(seconds, 50), ...common },
    { what: `first answer ${what}, p99`, value: percentile(seconds, 99), limit, ...common },
  ];
}
