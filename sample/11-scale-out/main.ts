import { fork } from 'node:child_process';
import cluster from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import { allOpen, clientOf, lostDuring, shares, type SquareClient } from './client.js';
import { Fleet } from './fleet.js';
import { serve } from './server.js';

// This file is what each of the processes runs, too: WORKER_PORT says so.
const [, entry = ''] = process.argv;
const { PORT, WORKER_PORT, HOST } = process.env;

/** Workers of node:cluster: one port, whose connections the primary hands to one after the other. */
function clusterFleet(port: number): Promise<Fleet> {
  cluster.setupPrimary({ exec: entry });
  // All that ask for port 0 get the one that the first of them got; none could ask for it by its number.
  const start = () => cluster.fork({ WORKER_PORT: port }).process;
  return Fleet.start({ size: 2, sharesPort: true, start });
}

/** Processes that have nothing in common, each with a port of its own. */
function portsFleet(): Promise<Fleet> {
  const start = (port: number) => fork(entry, { env: { ...process.env, WORKER_PORT: String(port) } });
  return Fleet.start({ size: 2, sharesPort: false, start });
}

async function crashOne(fleet: Fleet): Promise<void> {
  const [pid] = await fleet.pids();
  process.kill(pid!, 'SIGKILL');
  while ((await fleet.pids()).includes(pid!)) await delay(10);
}

/** What becomes of a client that calls all the time, while processes go and others come. */
async function showReplaced(title: string, fleet: Fleet, client: SquareClient, happens: () => Promise<void>) {
  const before = await fleet.pids();
  const lost = await lostDuring(client, happens);
  const after = await fleet.pids();
  const replaced = after.filter((pid) => !before.includes(pid)).length;
  console.log(`  ${title}: ${replaced} of ${after.length} replaced, ${lost} Commands lost`);
}

async function showCluster(): Promise<void> {
  console.log('node:cluster: one port, two workers');
  const fleet = await clusterFleet(0);
  const [port] = await fleet.ports();
  const narrow = await clientOf([port!], 1);
  console.log(`  100 Commands over 1 connection: ${await shares(narrow, 100)}`);
  await narrow.close();
  const client = await clientOf([port!], 2);
  console.log(`  100 Commands over 2 connections: ${await shares(client, 100)}`);
  await showReplaced('rolling restart', fleet, client, () => fleet.restart());
  await client.close();
  await fleet.stop();
}

async function showPorts(): Promise<void> {
  console.log('two processes: a port for each');
  const fleet = await portsFleet();
  const client = await clientOf(await fleet.ports(), 1);
  console.log(`  100 Commands over 2 connections: ${await shares(client, 100)}`);
  await showReplaced('rolling restart', fleet, client, () => fleet.restart());
  await showReplaced('one crashes', fleet, client, () => crashOne(fleet));
  await allOpen(client);
  console.log(`  100 Commands over 2 connections: ${await shares(client, 100)}`);
  await client.close();
  await fleet.stop();
}

/** A service: two workers on PORT, restarted by SIGHUP, ended by SIGTERM or SIGINT. */
async function stay(port: number): Promise<void> {
  const fleet = await clusterFleet(port);
  process.on('SIGHUP', () => void fleet.restart().catch(console.error));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void fleet.stop());
  const [listening] = await fleet.ports();
  console.log(`listening on port ${listening}`);
}

async function main(): Promise<void> {
  if (WORKER_PORT !== undefined) {
    await serve(Number(WORKER_PORT), HOST);
  } else if (PORT !== undefined) {
    await stay(Number(PORT));
  } else {
    await showCluster();
    await showPorts();
  }
}

void main();
