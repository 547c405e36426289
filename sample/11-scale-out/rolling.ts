// A rolling restart of three servers under load, behind HAProxy or found by the client itself, with figures. Ends with
// 1 if anything is lost that need not be.
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type LookupFunction } from 'node:net';
import { dirname, extname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CmdStreamClient, type CmdStreamClientOptions } from 'nestjs-cmd-stream';
import { allOpen, type SquareClient } from './client.js';
import { Fleet } from './fleet.js';
import { Load } from './load.js';
import { squareContract } from './square.contract.js';

const { values: flags } = parseArgs({
  options: {
    /** `haproxy`, which has to be installed, or `dns`. */
    way: { type: 'string', default: 'haproxy' },
    /** Commands a second. */
    rate: { type: 'string', default: '5000' },
    /** At least so many Commands. */
    commands: { type: 'string', default: '60000' },
    /** How often all three are restarted. */
    restarts: { type: 'string', default: '1' },
    /** Are Commands that were lost sent again? They are idempotent. */
    'no-retry': { type: 'boolean', default: false },
  },
});

const [, script = ''] = process.argv;
const SERVERS = 3;
/** Between two restarts: HAProxy, or the client, has to see that the server is back. */
const SETTLE_MS = 1_000;
const counted = (count: number): string => count.toLocaleString('en');

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

function startWorker(env: Record<string, string>): ChildProcess {
  // The sample's own main file, be it TypeScript or what was built of it.
  const entry = join(dirname(script), `main${extname(script)}`);
  return fork(entry, { env: { ...process.env, ...env } });
}

/** Servers, and how a client gets to them. */
interface Site {
  readonly title: string;
  readonly fleet: Fleet;
  readonly options: Partial<CmdStreamClientOptions<typeof squareContract>>;
  close(): Promise<void>;
}

/** How many Commands the servers say that they have executed. */
const tally = { executed: 0 };
const onMessage = (message: unknown): void => {
  tally.executed += (message as { executed: number }).executed;
};

/** Each server has a port of its own, and is restarted there; the client knows HAProxy's port only. */
async function behindHaproxy(): Promise<Site> {
  const start = (port: number) => startWorker({ WORKER_PORT: String(port) });
  const fleet = await Fleet.start({ size: SERVERS, sharesPort: false, start, onMessage });
  const [port] = await freePorts(1);
  const ports = await fleet.ports();
  const servers = Object.fromEntries(ports.map((one, at) => [`SERVER_${at + 1}`, `127.0.0.1:${one}`]));
  const env = { ...process.env, ...servers, PORT: String(port) };
  const config = join(dirname(script), 'haproxy.cfg');
  const haproxy = spawn('haproxy', ['-db', '-q', '-f', config], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  let isOver = false;
  const ended = once(haproxy, 'exit').then(() => {
    if (isOver) return;
    console.error('HAProxy has ended by itself');
    process.exit(1);
  });
  const close = async (): Promise<void> => {
    isOver = true;
    haproxy.kill('SIGTERM');
    await ended;
  };
  const options = { host: '127.0.0.1', port: port!, connectionsPerServer: 2 * SERVERS };
  return { title: 'behind HAProxy', fleet, options, close };
}

/**
 * Each server has an address of its own, and its successor another one, as pods have. `lookup` stands for the name
 * server: it has the addresses of those that listen and were not asked to end. (All of 127.0.0.0/8 are addresses of
 * this machine on Linux and on Windows.)
 */
async function byDns(): Promise<Site> {
  const [port] = await freePorts(1);
  const addresses = new Map<ChildProcess, string>();
  let last = 0;
  const start = (): ChildProcess => {
    const address = `127.0.0.${(last++ % 250) + 1}`;
    const child = startWorker({ WORKER_PORT: String(port), HOST: address });
    child.once('message', () => addresses.set(child, address));
    return child;
  };
  const onLeaving = (child: ChildProcess): void => void addresses.delete(child);
  const fleet = await Fleet.start({ size: SERVERS, sharesPort: true, start, onMessage, onLeaving });
  const lookup: LookupFunction = (_host, _options, callback) => {
    const found = Array.from(addresses.values(), (address) => ({ address, family: 4 }));
    setImmediate(() => callback(null, found));
  };
  const options = { host: 'square.internal', port: port!, connectionsPerServer: 2, lookup };
  return { title: 'found by DNS', fleet, options, close: () => Promise.resolve() };
}

function report(load: Load, restarts: number): boolean {
  const failed = load.sent - load.answered;
  const seconds = load.ms / 1000;
  const rate = counted(Math.round(load.sent / seconds));
  const unanswered = Math.max(0, tally.executed - load.answered);
  console.log(`  ${counted(load.sent)} Commands in ${seconds.toFixed(1)} s, ${rate} a second; ${restarts} restarts`);
  console.log(`  answered ${counted(load.answered)}, wrong ${load.wrong}, failed ${failed}`);
  for (const [what, count] of load.failures) console.log(`    ${what}: ${count}`);
  console.log(`  executed ${counted(tally.executed)}, without an answer ${unanswered}`);
  console.log(`  latency: ${load.latencies}`);
  return load.wrong === 0 && load.unsent === 0 && unanswered === 0 && (flags['no-retry'] || failed === 0);
}

async function show(site: Site): Promise<void> {
  const [rate, commands, rounds] = [Number(flags.rate), Number(flags.commands), Number(flags.restarts)];
  const retry = !flags['no-retry'];
  const client: SquareClient = new CmdStreamClient({
    contract: squareContract,
    dispatchStrategy: 'least-pending',
    logger: false,
    retry,
    // What a machine that is short of time makes late is not lost.
    timeoutMs: 120_000,
    ...site.options,
  });
  await client.connect();
  await allOpen(client);
  console.log(`${SERVERS} servers ${site.title}, lost Commands are ${retry ? '' : 'not '}sent again`);
  const load = new Load(client);
  const done = { restarts: 0 };
  const restarting = (async () => {
    for (; done.restarts < rounds * SERVERS; done.restarts += SERVERS) {
      await delay(SETTLE_MS);
      await site.fleet.restart(SETTLE_MS);
    }
  })();
  await load.run(rate, () => done.restarts >= rounds * SERVERS && load.sent >= commands);
  await restarting;
  await client.close();
  await site.fleet.stop();
  await site.close();
  if (!report(load, done.restarts)) process.exitCode = 1;
}

async function main(): Promise<void> {
  await show(flags.way === 'dns' ? await byDns() : await behindHaproxy());
}

void main();
