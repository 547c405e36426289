// The process of all clients of ours: sends as many Commands a second as it is asked for, pauses when it is asked to,
// and says twice a second what has come of it. It never outlives its parent.
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../support/seeded-random.js';
import { gaugeSample, watchLoop } from './gauge.js';
import { IncidentBook } from './incident-book.js';
import { Lane } from './lane.js';
import { addCounters, noCounters, type ClientQuestion, type ClientSetup, type ClientWord } from './tally.js';

const { settings, lanes: setups } = JSON.parse(process.argv[2]!) as ClientSetup;

const TICK_MS = 10;
const TALLY_MS = 500;
const SETTLE_LIMIT_MS = 90_000;
/** After a standstill the clients catch up at twice the rate, on so much of what they owe, and not all at once. */
const CATCH_UP = 2;
const MOST_OWED_MS = 10_000;
const LONGEST_TICK_MS = 100;
const SECOND_MS = 1000;
const SEEDS_APART = 7919;

const book = new IncidentBook();
let lastId = 0;
const lanes = setups.map(
  (setup, at) =>
    new Lane(setup, { settings, book, nextId: () => ++lastId, seed: (settings.seed + at * SEEDS_APART) >>> 0 }),
);

function say(word: ClientWord): void {
  // Without its parent there is no one to say it to, and an error about that would be the next thing to say.
  if (!process.connected) process.exit(1);
  process.send!(word, () => {});
}

// --- how fast

let isPaused = true;
let resume = (): void => {};
let resumed: Promise<void> = Promise.resolve();
const due = new Map(lanes.map((lane) => [lane, 0]));
let lastTick = performance.now();

function pause(): void {
  if (isPaused) return;
  isPaused = true;
  resumed = new Promise((resolve) => (resume = resolve));
}

function tick(): void {
  const now = performance.now();
  const elapsedMs = now - lastTick;
  lastTick = now;
  if (isPaused) return;
  for (const lane of lanes) {
    const perMs = (settings.rate * lane.setup.share) / SECOND_MS;
    const owed = Math.min(due.get(lane)! + perMs * elapsedMs, perMs * MOST_OWED_MS);
    const most = Math.ceil(perMs * Math.min(elapsedMs, LONGEST_TICK_MS) * CATCH_UP);
    let started = 0;
    while (started < owed - 1 && started < most && lane.hasRoom) {
      started++;
      void lane.call();
    }
    due.set(lane, owed - started);
  }
}

/** As the reference does: one Command, and then, now and then, a short or a long pause. */
async function session(lane: Lane, seed: number): Promise<never> {
  const random = seededRandom(seed);
  for (;;) {
    await resumed;
    await lane.call();
    await delay(pauseMs(random));
  }
}

function pauseMs(random: () => number): number {
  const dice = random();
  if (dice < settings['no-pause-prob']) return 0;
  if (dice < settings['no-pause-prob'] + settings['workload-pause-prob']) {
    return random() * settings['workload-pause-max-ms'];
  }
  return settings['keepalive-timeout-ms'] + random() * settings['keepalive-pause-max-ms'];
}

// --- what came of it

function tally(): void {
  const counters = noCounters();
  let [pending, hung, late] = [0, 0, 0];
  for (const lane of lanes) {
    addCounters(counters, lane.counters);
    lane.counters = noCounters();
    pending += lane.pending;
    hung += lane.countHung();
    late += lane.late;
    lane.late = 0;
  }
  say({ tally: { counters, pending, hung, late, ...book.take() } });
}

async function settle(): Promise<void> {
  pause();
  const pendingNow = (): number => lanes.reduce((sum, lane) => sum + lane.pending, 0);
  const started = performance.now();
  while (pendingNow() > 0 && performance.now() - started < SETTLE_LIMIT_MS) await delay(TICK_MS);
  const settled = await gaugeSample(loop);
  tally();
  say({ settled, pending: pendingNow() });
}

async function end(): Promise<void> {
  await Promise.all(lanes.map((lane) => lane.client.close()));
  clearInterval(ticking);
  clearInterval(tallying);
  tally();
  process.off('disconnect', onlyChild);
  say({ ended: true });
  process.disconnect?.();
  // The sessions wait for ever.
  process.exitCode = 0;
}

const onlyChild = (): never => process.exit(1);
process.on('disconnect', onlyChild);
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => say({ defect: `${event}: ${String((error as Error)?.stack ?? error)}` }));
}
process.on('message', (question) => {
  switch (question as ClientQuestion) {
    case 'pause':
      return void settle();
    case 'resume':
      isPaused = false;
      lastTick = performance.now();
      return resume();
    case 'end':
      return void end();
  }
});
const loop = watchLoop();
await Promise.all(lanes.map((lane) => lane.client.connect()));
resumed = new Promise((resolve) => (resume = resolve));
const ticking = setInterval(tick, TICK_MS);
const tallying = setInterval(tally, TALLY_MS);
for (const lane of lanes.filter(({ setup }) => setup.share === 0)) {
  for (let at = 0; at < settings.sessions; at++) void session(lane, settings.seed + at);
}
say({ ready: true });
