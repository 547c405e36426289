// What makes a run a failure, and what its report says.
import { describe, expect, it } from '@jest/globals';
import { Account } from './account.js';
import { svgOf } from './chart.js';
import { Explanations, type FaultRecord } from './incidents.js';
import { Ledger } from './journal.js';
import { killFailures, type KillFigures } from './kill-nine.js';
import { progressLine, reportJson, reportText } from './report.js';
import { noCounters, type Tally } from './tally.js';
import { failuresOf, memoryFigures, type Figures, type MemorySample } from './verdict.js';

const MIB = 1024 * 1024;
const samples = (held: (at: number) => number): readonly MemorySample[] =>
  Array.from({ length: 100 }, (_, at) => ({
    atMs: at * 60_000,
    heldBytes: held(at),
    rssBytes: 100 * MIB + at * MIB,
    delayP99Ms: 12,
    delayMaxMs: at,
  }));
const good: Figures = {
  ...noCounters(),
  commands: 1000,
  ok: 1000,
  seed: 7,
  seconds: 10,
  lostAccepted: 0,
  duplicated: 0,
  hung: 0,
  pending: 0,
  unexpected: 0,
  ranUnsent: 0,
  defects: 0,
  restarts: 3,
  faults: 9,
  faultsByKind: { kill: 3, silence: 6 },
  connectionsLost: 4,
  late: 0,
  executed: 990,
  codes: { 'call: CONNECTION_LOST, sent': 12 },
  memory: [
    memoryFigures(
      'a server',
      samples(() => 20 * MIB),
    ),
  ],
  go: { commands: 50, ok: 49, failed: 1 },
  texts: [],
};

describe('the verdict on a run', () => {
  it('is a pass when nothing happened that must not', () => {
    expect(failuresOf(good)).toEqual([]);
    expect(reportText(good, 'npm run stress')).toMatch(/\nPASSED\n$/);
  });

  it.each([
    [{ verifyErrors: 1 }, '1 answers were wrong'],
    [{ lostAccepted: 2 }, '2 Commands were accepted by a server that drained'],
    [{ duplicated: 1 }, '1 Commands ran twice'],
    [{ ranUnsent: 1 }, 'notified that they were not sent'],
    [{ hung: 3 }, '3 calls did not end'],
    [{ pending: 1 }, '1 calls were pending'],
    [{ unexpected: 1 }, 'no fault explains'],
    [{ defects: 1 }, 'rejections without a handler'],
    [{ ok: 0 }, 'no Command was answered'],
  ])('is a failure with %j, and says the seed', (given, text) => {
    const figures = { ...good, ...given };
    expect(failuresOf(figures)).toHaveLength(1);
    expect(failuresOf(figures)[0]).toContain(text);
    expect(reportText(figures, '')).toContain('--seed 7 repeats it');
    expect(JSON.parse(reportJson(figures, ''))).toMatchObject({ passed: false, seed: 7 });
  });

  it('is a failure when memory grows by five hundredths, slowly or at the end', () => {
    const growing = memoryFigures(
      'the clients',
      samples((at) => 20 * MIB + at * 0.03 * MIB),
    );
    expect(failuresOf({ ...good, memory: [growing] })[0]).toMatch(/the memory of the clients has grown by \d+\.\d %/);
    const late = memoryFigures(
      'the clients',
      samples((at) => (at > 90 ? 24 : 20) * MIB),
    );
    expect(failuresOf({ ...good, memory: [late] })).toHaveLength(1);
  });

  it('passes memory that goes up and down, and what a process takes while it warms up', () => {
    const wave = memoryFigures(
      'a',
      samples((at) => (20 + 3 * Math.sin(at)) * MIB),
    );
    const warm = memoryFigures(
      'b',
      samples((at) => (at < 20 ? 10 : 20) * MIB),
    );
    expect(failuresOf({ ...good, memory: [wave, warm] })).toEqual([]);
    expect(wave.loopMaxMs).toBe(99);
  });

  it('does not speak of growth after a few samples', () => {
    const short = memoryFigures('a', samples((at) => at * MIB).slice(0, 10));
    expect(failuresOf({ ...good, memory: [short] })).toEqual([]);
    expect(reportText({ ...good, memory: [short] }, '')).toContain('too short to tell of growth');
  });

  it('gives the slope of the resident memory in MiB an hour', () => {
    expect(
      memoryFigures(
        'a',
        samples(() => MIB),
      ).rssSlopeMiBPerHour,
    ).toBeCloseTo(60, 6);
    expect(JSON.parse(reportJson(good, ''))).toMatchObject({ rssSlopeMiBPerHour: expect.closeTo(60, 6) });
  });

  it('writes the figures under their names', () => {
    const written = JSON.parse(reportJson({ ...good, lost: 5 }, 'npm run stress\na machine')) as object;
    expect(written).toMatchObject({
      passed: true,
      commands: 1000,
      ok: 1000,
      verifyErrors: 0,
      lost: 0,
      lostWithConnection: 5,
      duplicated: 0,
      hung: 0,
      unexpected: 0,
      restarts: 3,
      faults: 9,
      heading: ['npm run stress', 'a machine'],
    });
  });

  it('prints a line of progress', () => {
    const line = progressLine({
      ...good,
      seconds: 3661,
      commandsPerSecond: 3000,
      heldMiB: 20.04,
      loopMaxMs: 31,
    });
    expect(line).toMatch(/^01:01:01 {2}1,000 Commands {2}3,000\/s {2}ok 100\.00 %.*20\.0 MiB {2}loop 31 ms$/);
  });
});

describe('the account of a run', () => {
  const record: FaultRecord = { site: 'a', kind: 'kill', lengthMs: 10, from: 1000, until: 2000 };
  const tally = (given: Partial<Tally>): Tally => ({
    counters: noCounters(),
    pending: 0,
    hung: 0,
    late: 0,
    incidents: [],
    lostIds: [],
    unsentIds: [],
    failedCommands: [],
    texts: [],
    ...given,
  });
  const accountWith = (ledger = new Ledger()): Account =>
    new Account({
      clients: [{ name: 'c', sites: ['a'], isPlain: false }],
      explanations: new Explanations({ silenceMs: 4000, awayMs: 12_000 }),
      ledger,
      records: () => [record],
    });

  it('adds up what the clients say', () => {
    const account = accountWith();
    account.take(tally({ counters: { ...noCounters(), commands: 3, ok: 2 }, pending: 9, hung: 1, late: 2 }));
    account.take(tally({ counters: { ...noCounters(), commands: 4, ok: 4 }, pending: 1, hung: 1, texts: ['wrong'] }));
    expect(account).toMatchObject({ pending: 1, hung: 2, late: 2, texts: ['wrong'] });
    expect(account.counters).toMatchObject({ commands: 7, ok: 6 });
  });

  it('counts what no fault explains, and says what it was', () => {
    const account = accountWith();
    const incident = { what: 'connection', client: 'c', site: 'a', code: 'PEER_RESET', count: 4 } as const;
    account.take(tally({ incidents: [{ ...incident, from: 1500, until: 1500 }] }));
    expect(account.unexpected).toBe(0);
    account.take(tally({ incidents: [{ ...incident, from: 9000, until: 9000 }] }));
    expect(account.unexpected).toBe(4);
    expect(account.texts[0]).toContain('c at a: 4 × connection: PEER_RESET, which nothing explains');
    expect(account.connectionsLost).toBe(8);
  });

  it('finds Commands that ran at a server that drained and were lost since, though that is said later', () => {
    const account = accountWith();
    const now = Date.now();
    account.bury({ ids: new Set([1, 2]), drainedAt: now - 700, endedAt: now });
    account.bury({ ids: new Set([3]), drainedAt: Infinity, endedAt: now });
    const lostIds: Tally['lostIds'] = [
      [1, now - 800, 'c', 'reset'],
      [2, now, 'c', 'reset'],
      [3, now, 'c', 'reset'],
    ];
    account.take(tally({ lostIds }));
    expect(account.lost).toBe(0);
    account.close();
    expect(account.lost).toBe(1);
    expect(account.texts).toHaveLength(1);
    expect(account.texts[0]).toContain(
      'Command 2 of c ran at a server that drained, and was lost 700 ms after its drain began: reset; before it kill at a',
    );
  });

  it('finds Commands that have run although they were said to be unsent', () => {
    const ledger = new Ledger();
    ledger.ran(5, false);
    const account = accountWith(ledger);
    account.take(tally({ unsentIds: [4, 5] }));
    account.close();
    expect(account.ranUnsent).toBe(1);
  });
});

describe('the chart of a run', () => {
  it('shows rates and memory over time, with no more points than can be seen', () => {
    const moments = Array.from({ length: 3600 }, (_, at) => ({
      seconds: at,
      commands: at * 3000,
      failed: at > 1800 ? (at - 1800) * 20 : 0,
      heldBytes: at > 60 ? 25 * MIB : undefined,
    }));
    const svg = svgOf(moments, 'npm run stress\n<machine>');
    const lines = [...svg.matchAll(/<polyline class="(\w+)" points="([^"]*)"/g)];
    expect(lines.map(([, colour]) => colour)).toEqual(['good', 'bad', 'held']);
    for (const [, , points] of lines) expect(points!.split(' ').length).toBeLessThanOrEqual(360);
    expect(svg).toContain('>3,000</text>');
    expect(svg).toContain('>20</text>');
    expect(svg).toContain('&lt;machine&gt;');
    expect(svg).toContain('60 min');
  });

  it('has nothing to show of a run of no length', () => {
    expect(svgOf([], '')).not.toContain('NaN');
  });
});

describe('the verdict on kill -9', () => {
  const figures: KillFigures = {
    kills: 100,
    callers: 64,
    commands: 9000,
    ok: 3000,
    lost: 6000,
    verifyErrors: 0,
    duplicated: 0,
    ranUnsent: 0,
    hung: 0,
    pending: 0,
    unexpected: 0,
    defects: 0,
    underWay: 6000,
    settledMs: { p50: 3, p99: 20, max: 49 },
    texts: [],
  };

  it('is a pass when all that was under way was settled within 50 ms', () => {
    expect(killFailures(figures, 50)).toEqual([]);
    expect(killFailures({ ...figures, settledMs: { p50: 3, p99: 20, max: 51 } }, 50)).toHaveLength(1);
  });

  it('is a failure with anything hung or wrong, or with nothing under way', () => {
    expect(killFailures({ ...figures, hung: 1, verifyErrors: 2 }, 50)).toEqual([
      'verifyErrors is 2, not 0',
      'hung is 1, not 0',
    ]);
    expect(killFailures({ ...figures, underWay: 0 }, 50)).toHaveLength(1);
  });
});
