// Single frames: one that announces too much, and the worst ones within the limits.
import { setTimeout as delay } from 'node:timers/promises';
import { frame, uvarint } from '../../support/calc-frames.js';
import { withChildren } from './child.js';
import { median, rounded, worstOf, type Figure, type Figures } from './figure.js';
import { message } from './frames-of.js';
import { hardJson, type Allowed } from './hard-json.js';
import { type } from './hostile-contract.js';
import type { Say } from './measure.js';
import type { Pipe } from './nest-server.js';

const ROUNDS = 5;
const OVERSIZED = uvarint(1) + uvarint(type.Echo) + uvarint(2 ** 40);

export async function measureOversized(say: Say): Promise<Figures> {
  return withChildren(async (start) => {
    const server = start('nestServer');
    const port = await server.ask('serve', {});
    const victim = start('victim');
    await victim.ask('echo', port, 2);
    const oversized = async (): Promise<{ ms: number; growth: number; quiet: number }> => {
      const quiet = await victim.ask('first', port);
      const attacker = start('attacker');
      await attacker.ask('open', port, 1);
      const before = await server.ask('memory');
      await server.ask('watch');
      const ms = await attacker.ask('timeToEnd', OVERSIZED);
      const { peakRss } = await server.ask('watched');
      await attacker.end();
      return { ms, growth: peakRss - before.rss, quiet };
    };
    await oversized();
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { ms, growth, quiet } = await oversized();
      rounds.push({ ms, growth, quiet });
      say(`oversized: closed in ${rounded(ms)} ms, ${rounded(growth)} MiB`);
    }
    return {
      oversizedMs: worstOf(
        { ms: rounds.map(({ ms }) => ms) },
        rounds.map(({ quiet }) => quiet),
      ),
      oversizedMiB: worstOf({ growth: rounds.map(({ growth }) => growth) }),
    };
  });
}

/** By default, and where class-transformer makes instances. */
const received: Allowed = { complexity: 65_536, keys: 10_000 };
const data: Allowed = { complexity: 61_440, keys: 10_000 };
const typed: Allowed = { complexity: 40_000, keys: 1_024 };
const transformed: Allowed = { complexity: 3_200, keys: 1_024 };

interface Taker {
  readonly allowed: Allowed;
  readonly take: (json: string) => string;
}

/** What takes the JSON of a frame: each has its own way through decoder and pipes. */
const takers: Readonly<Record<string, Taker>> = {
  any: { allowed: received, take: (json) => frame(1, type.Any, json) },
  checked: { allowed: received, take: (json) => frame(1, type.Checked, json) },
  items: { allowed: typed, take: (json) => frame(1, type.Items, json) },
  exposed: { allowed: transformed, take: (json) => frame(1, type.Exposed, json) },
  message: { allowed: data, take: (json) => message(1, 'text', json) },
  'items by pattern': { allowed: data, take: (json) => message(1, 'items', json) },
};

/** Turns of the loop, in milliseconds, for each document and each taker. */
function blocked(pipe: Pipe, say: Say): Promise<Readonly<Record<string, readonly number[]>>> {
  return withChildren(async (start) => {
    const server = start('nestServer');
    const port = await server.ask('serve', { pipe });
    const attacker = start('attacker');
    const turnOf = async (hex: string): Promise<number> => {
      await attacker.ask('open', port, 1, { extended: true });
      await delay(5);
      await server.ask('watch');
      await attacker.ask('answered', hex);
      const { longestTurnMs } = await server.ask('watched');
      await attacker.ask('close');
      return longestTurnMs;
    };
    const cases: Record<string, readonly number[]> = {};
    const quiet: number[] = [];
    for (const { take } of Object.values(takers)) {
      await turnOf(take('{"X":1,"S":"a","L":[{"A":1}]}'));
      for (let round = 0; round < ROUNDS; round++) quiet.push(await turnOf(take('{"X":1,"S":"a","L":[{"A":1}]}')));
    }
    cases['a small one'] = [median(quiet)];
    for (const [taker, { allowed, take }] of Object.entries(takers)) {
      for (const [name, json] of Object.entries(hardJson(allowed))) {
        const rounds: number[] = [];
        for (let round = 0; round < ROUNDS; round++) rounds.push(await turnOf(take(json)));
        cases[`${name} to ${taker}, ${pipe}`] = rounds;
      }
    }
    const [name, rounds] = Object.entries(cases).toSorted(([, a], [, b]) => median(b) - median(a))[0]!;
    say(`frames, pipe ${pipe}: ${rounded(median(rounds))} ms for ${name}`);
    return cases;
  });
}

/** Of all cases only the worst ones are shown. */
function worstCases(cases: Readonly<Record<string, readonly number[]>>): Figure {
  const worst = Object.entries(cases).toSorted(([, a], [, b]) => median(b) - median(a));
  return worstOf(Object.fromEntries(worst.slice(0, 8)), cases['a small one']);
}

export async function measureFrames(say: Say): Promise<Figures> {
  const piped: Record<string, readonly number[]> = {};
  const plain = await blocked('none', say);
  for (const pipe of ['own', 'nest', 'nest-transform'] as const) Object.assign(piped, await blocked(pipe, say));
  return { frameBlockMs: worstCases(plain), frameBlockPipeMs: worstCases(piped) };
}
