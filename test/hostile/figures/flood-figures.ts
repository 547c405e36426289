// Floods of small frames: how long a client that means no harm waits beside them, and what is logged about them.
import { setTimeout as delay } from 'node:timers/promises';
import { withChildren } from './child.js';
import { rounded, worstOf, type Figures } from './figure.js';
import type { FloodName } from './floods.js';
import type { Say } from './measure.js';
import type { NestServerSetup } from './nest-server.js';

interface Flood {
  readonly name: FloodName;
  readonly connections: number;
  readonly extended: boolean;
  readonly seconds: number;
}

interface Beside {
  readonly p99: number;
  readonly quiet: number;
  readonly growth: number;
}

const ROUNDS = 5;
const QUIET_SECONDS = 1;
/** Before anything is measured: what a server compiles and grows once. */
const WARM_UP_SECONDS = 0.5;
const LEAD_MS = 300;

/** In the names of cases. */
const titleOf = ({ name, connections, extended }: Flood): string =>
  `${name}, ${connections} ${extended ? 'extended' : 'plain'}`;

function besideFlood(flood: Flood, options?: NestServerSetup['options']): Promise<Beside> {
  return withChildren(async (start) => {
    const server = start('nestServer');
    const port = await server.ask('serve', options ? { options } : {});
    const victim = start('victim');
    await victim.ask('echo', port, WARM_UP_SECONDS);
    const quiet = await victim.ask('echo', port, QUIET_SECONDS);
    const attacker = start('attacker');
    await attacker.ask('open', port, flood.connections, { extended: flood.extended });
    const before = await server.ask('memory');
    await server.ask('watch');
    const flooding = attacker.ask('flood', flood.name, flood.seconds);
    await delay(LEAD_MS);
    const beside = await victim.ask('echo', port, flood.seconds - 2 * (LEAD_MS / 1000));
    await flooding;
    const { peakRss } = await server.ask('watched');
    return { p99: beside.p99, quiet: quiet.p99, growth: peakRss - before.rss };
  });
}

async function inRounds(flood: Flood, say: Say, options?: NestServerSetup['options']): Promise<readonly Beside[]> {
  const rounds: Beside[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const beside = await besideFlood(flood, options);
    rounds.push(beside);
    const { p99, quiet, growth } = beside;
    say(`${titleOf(flood)}: p99 ${rounded(p99)} ms, quiet ${rounded(quiet)} ms, ${rounded(growth)} MiB`);
  }
  return rounds;
}

/** Pings, no limit on their rate. */
export async function measurePings(say: Say): Promise<Figures> {
  const rounds = await inRounds({ name: 'ping', connections: 1, extended: false, seconds: 6 }, say, {
    maxPingsPerSecond: Infinity,
  });
  return {
    pingFloodMiB: worstOf({ growth: rounds.map(({ growth }) => growth) }),
    pingFloodP99Ms: worstOf(
      { p99: rounds.map(({ p99 }) => p99) },
      rounds.map(({ quiet }) => quiet),
    ),
  };
}

export async function measureFloods(say: Say): Promise<Figures> {
  const figureOf = async (name: FloodName, connections: number, kinds: readonly boolean[]) => {
    const cases: Record<string, readonly number[]> = {};
    const quiet: number[] = [];
    for (const extended of kinds) {
      const flood = { name, connections, extended, seconds: 4 };
      const rounds = await inRounds(flood, say);
      cases[titleOf(flood)] = rounds.map(({ p99 }) => p99);
      quiet.push(...rounds.map((round) => round.quiet));
    }
    return worstOf(cases, quiet);
  };
  return {
    flood1P99Ms: await figureOf('echo', 1, [false, true]),
    flood16P99Ms: await figureOf('echo', 16, [false, true]),
    cancelFloodP99Ms: await figureOf('cancelled', 1, [true]),
  };
}

const LOGGED: readonly FloodName[] = [
  'unknown event',
  'bad event',
  'unknown message',
  'bad Command',
  'Command without handler',
  'bad Command without answer',
  'Command without answer or handler',
];
const LOG_SECONDS = 10;

/** Everything at once that peers could get logged. */
export async function measureLog(say: Say): Promise<Figures> {
  return withChildren(async (start) => {
    const server = start('nestServer');
    const port = await server.ask('serve', {});
    const attackers = [];
    for (const name of LOGGED) {
      const attacker = start('attacker');
      await attacker.ask('open', port, 1, { extended: true });
      attackers.push({ name, attacker });
    }
    const before = server.lines;
    const began = performance.now();
    const floods = attackers.map(({ name, attacker }) => attacker.ask('flood', name, LOG_SECONDS));
    const broken = await start('attacker').ask('floodGarbage', port, LOG_SECONDS);
    const bytes = await Promise.all(floods);
    const seconds = (performance.now() - began) / 1000;
    const lines = server.lines - before;
    const sent = Object.fromEntries(attackers.map(({ name }, at) => [`bytes: ${name}`, bytes[at]!]));
    say(`all that is logged: ${lines} lines in ${rounded(seconds)} s, ${broken} broken connections`);
    return { logLinesPerS: { value: lines / seconds, of: { lines, 'broken connections': broken, ...sent } } };
  });
}
