// What peers make a server hold: streams that are not read, frames that do not end, Commands that are at work.
import { setTimeout as delay } from 'node:timers/promises';
import { countOf } from './frames-of.js';
import { withChildren, type Child } from './child.js';
import { median, rounded, worstOf, type Figures } from './figure.js';
import type { Say } from './measure.js';
import type { NestServerSetup, ServerState } from './nest-server.js';

const ROUNDS = 5;
const MIB = 1024 * 1024;
/** The server's write-stall limit, and some time. */
const STALLED_MS = 30_000;
const LOOK_MS = 20;

const kinds = {
  'small Results, plain': { extended: false, size: 30 },
  'small Results, extended': { extended: true, size: 30 },
  'Results of 64 KiB': { extended: true, size: 64 * 1024 },
} as const;
type Kind = keyof typeof kinds;

async function warmServer(
  start: Parameters<Parameters<typeof withChildren>[0]>[0],
  setup: NestServerSetup = {},
): Promise<{ server: Child<'nestServer'>; port: number }> {
  const server = start('nestServer');
  const port = await server.ask('serve', setup);
  await start('victim').ask('echo', port, 1);
  return { server, port };
}

async function untilState(
  server: Child<'nestServer'>,
  what: string,
  condition: (state: ServerState) => boolean,
  lookMs = LOOK_MS,
): Promise<ServerState> {
  const late = performance.now() + STALLED_MS;
  for (;;) {
    const state = await server.ask('state');
    if (condition(state)) return state;
    if (performance.now() > late) throw new Error(`${what}: never, ${JSON.stringify(state)}`);
    await delay(lookMs);
  }
}

/** The server has read what the system has taken. */
async function settled(server: Child<'nestServer'>): Promise<void> {
  let before = Number.NaN;
  await untilState(
    server,
    'it has read all',
    ({ heldMiB }) => {
      const isStill = heldMiB === before;
      before = heldMiB;
      return isStill;
    },
    500,
  );
}

interface Unread {
  readonly growth: number;
  readonly stall: number;
  readonly stop: number;
}

/**
 * One stream that is not read, and another one that its client resets. The server ends a plain connection, as its bytes
 * wait for the socket; an extended one stands still with 1 MiB on the way, which holds up nothing, and is reset.
 */
function unreadStream(kind: Kind): Promise<Unread> {
  const { extended, size } = kinds[kind];
  return withChildren(async (start) => {
    const { server, port } = await warmServer(start);
    const stalled = start('attacker');
    await stalled.ask('open', port, 1, { extended, reads: false });
    const before = await server.ask('memory');
    await server.ask('watch');
    await stalled.ask('write', countOf(1, size, extended));
    await untilState(server, 'a producer begins', ({ producing }) => producing > 0);
    await delay(2000);
    const filled = await server.ask('watched');
    await server.ask('watch');
    const stalledAt = extended ? await stalled.ask('reset') : undefined;
    const ended = await untilState(server, 'its end', ({ producing }) => producing === 0);
    const { peakRss, longestTurnMs } = await server.ask('watched');
    const reset = start('attacker');
    await reset.ask('open', port, 1, { extended, reads: false });
    await reset.ask('write', countOf(1, size, extended));
    await untilState(server, 'another producer begins', ({ producing }) => producing > 0);
    await delay(500);
    const resetAt = await reset.ask('reset');
    const { stoppedAt } = await untilState(server, 'its end', ({ producing }) => producing === 0);
    return {
      growth: Math.max(filled.peakRss, peakRss) - before.rss,
      stall: longestTurnMs,
      stop: Math.max(ended.stoppedAt - (stalledAt ?? ended.lostAt), stoppedAt - resetAt),
    };
  });
}

/** 100 connections with 10 streams each. */
function unreadStreams(extended: boolean): Promise<number> {
  return withChildren(async (start) => {
    const { server, port } = await warmServer(start);
    const attacker = start('attacker');
    await attacker.ask('open', port, 100, { extended, reads: false });
    const before = await server.ask('memory');
    await server.ask('watch');
    await attacker.ask('write', Array.from({ length: 10 }, (_, at) => countOf(at + 1, 30, extended)).join(''));
    await delay(4000);
    return (await server.ask('watched')).peakRss - before.rss;
  });
}

export async function measureUnread(say: Say): Promise<Figures> {
  const measured: [Kind, readonly Unread[]][] = [];
  for (const kind of Object.keys(kinds) as Kind[]) {
    // Most of the time they wait; one behind the other, so that they do not end at once.
    const rounds = Array.from({ length: ROUNDS }, async (_, at) => {
      await delay(at * 2500);
      const unread = await unreadStream(kind);
      const { growth, stall, stop } = unread;
      say(`unread, ${kind}: ${rounded(growth)} MiB, stall ${rounded(stall)} ms, stopped ${rounded(stop)} ms after`);
      return unread;
    });
    measured.push([kind, await Promise.all(rounds)]);
  }
  const streams: Record<string, readonly number[]> = {};
  for (const extended of [false, true]) {
    const name = extended ? 'extended' : 'plain';
    const growths: number[] = [];
    for (let round = 0; round < 3; round++) growths.push(await unreadStreams(extended));
    streams[name] = growths;
    say(`1,000 unread streams, ${name}: ${rounded(median(growths))} MiB`);
  }
  const casesOf = (key: keyof Unread): Record<string, readonly number[]> =>
    Object.fromEntries(measured.map(([kind, rounds]) => [kind, rounds.map((round) => round[key])]));
  return {
    unreadMiB: worstOf(casesOf('growth')),
    unreadStallMs: worstOf(casesOf('stall')),
    unreadStopMs: worstOf(casesOf('stop')),
    unread1000MiB: worstOf(streams),
  };
}

/** The budget of bytes: none said, and a small one. */
const budgets: readonly NestServerSetup[] = [{}, { options: { maxBufferedBytes: 256 * MIB } }];

interface Beyond {
  /** Memory beyond the budget, in MiB. */
  readonly beyond: number;
  /** What another client waits for its first Result meanwhile, in milliseconds. */
  readonly first: number;
  /** Connections that the server ended, by code. */
  readonly lost: ServerState['lost'];
  readonly text: string;
}

function beyondBudget(
  setup: NestServerSetup,
  connections: number,
  extended: boolean,
  attack: (attacker: Child<'attacker'>) => Promise<unknown>,
): Promise<Beyond> {
  return withChildren(async (start) => {
    const { server, port } = await warmServer(start, setup);
    const attacker = start('attacker');
    await attacker.ask('open', port, connections, { extended });
    const before = await server.ask('memory');
    await server.ask('watch');
    const attacking = attack(attacker);
    const victim = start('victim');
    const state = { isOver: false };
    const over = attacking.finally(() => (state.isOver = true));
    let first = 0;
    while (!state.isOver) first = Math.max(first, await victim.ask('first', port));
    await over;
    await settled(server);
    const { peakRss, longestTurnMs } = await server.ask('watched');
    const { budgetMiB, lost } = await server.ask('state');
    const growth = peakRss - before.rss;
    const text = `${rounded(growth)} MiB of ${rounded(budgetMiB)}, others ${rounded(first)} ms, turn ${rounded(longestTurnMs)} ms, ${JSON.stringify(lost)}`;
    return { beyond: growth - budgetMiB, first, lost, text };
  });
}

export async function measurePartial(say: Say): Promise<Figures> {
  const cases: Record<string, readonly number[]> = {};
  const codes: Record<string, number> = {};
  const others: number[] = [];
  for (const setup of budgets) {
    const measured = await beyondBudget(setup, 1500, false, (attacker) =>
      attacker.ask('writePartial', 1_000_000, 900_000),
    );
    const name = setup.options ? '256 MiB' : 'default';
    // Where the machine is so slow that frames are late before they are many, that is no figure.
    cases[name] = [measured.lost['MEMORY_PRESSURE'] ? measured.beyond : Number.NaN];
    for (const [code, count] of Object.entries(measured.lost)) codes[`${name}: ${code}`] = count;
    others.push(measured.first);
    say(`unfinished frames: ${measured.text}`);
  }
  const figure = worstOf(cases);
  return { partialMiB: { ...figure, of: { ...figure.of, ...codes, 'others, ms': others.map(rounded) } } };
}

export async function measureHeld(say: Say): Promise<Figures> {
  const cases: Record<string, readonly number[]> = {};
  for (const setup of budgets) {
    for (const extended of [false, true]) {
      const measured = await beyondBudget(setup, 1, extended, (attacker) =>
        attacker.ask('hold', 1024, 1_000_000, 60_000),
      );
      cases[`${setup.options ? '256 MiB' : 'default'}, ${extended ? 'extended' : 'plain'}`] = [measured.beyond];
      say(`held Commands, ${extended ? 'extended' : 'plain'}: ${measured.text}`);
    }
  }
  return { heldMiB: worstOf(cases) };
}
