// What clients do during an outage of 60 seconds: how often each connection is tried, and what that costs.
import type { LookupFunction } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ServerProcess } from '../../support/server-process.js';
import { Crowd } from './crowd.js';
import type { Figure } from './figure.js';

const CLIENTS = 20;
const OUTAGE_MS = 60_000;
const MOST_ATTEMPTS = 22;
const MOST_CPU_PERCENT = 0.5;

export async function measureLongOutage(): Promise<readonly Figure[]> {
  const server = await ServerProcess.start();
  const attempts = Array.from({ length: CLIENTS }, () => 0);
  // Asked once for each attempt; all else is as by default.
  const counting = (index: number): LookupFunction => {
    return (_host, _options, callback) => {
      attempts[index]!++;
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    };
  };
  const crowd = new Crowd(CLIENTS, (index) => ({
    host: 'localhost',
    port: server.port,
    lookup: counting(index),
    resolveIntervalMs: 0,
  }));
  await crowd.answered();
  attempts.fill(0);
  await server.kill();
  const before = process.cpuUsage();
  await delay(OUTAGE_MS);
  const { user, system } = process.cpuUsage(before);
  for (const client of crowd.clients) client.destroy();
  const percent = (user + system) / 1000 / OUTAGE_MS / CLIENTS;
  return [
    { what: 'attempts of a connection in 60 s, fewest', value: Math.min(...attempts), unit: '', count: CLIENTS },
    {
      what: 'attempts of a connection in 60 s, most',
      value: Math.max(...attempts),
      limit: MOST_ATTEMPTS,
      unit: '',
      count: CLIENTS,
    },
    { what: 'CPU per connection meanwhile', value: percent * 100, limit: MOST_CPU_PERCENT, unit: '%', count: CLIENTS },
  ];
}
