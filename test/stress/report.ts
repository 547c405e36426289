// A run as text: a line every ten seconds, and all there is at the end; and as JSON.
import { failuresOf, growthOf, type Figures } from './verdict.js';
import type { Counters } from './tally.js';

const MIB = 1024 * 1024;
const whole = (count: number): string => Math.round(count).toLocaleString('en');

export interface Progress extends Counters {
  readonly seconds: number;
  readonly commandsPerSecond: number;
  readonly pending: number;
  readonly unexpected: number;
  readonly restarts: number;
  readonly faults: number;
  readonly heldMiB: number | undefined;
  readonly loopMaxMs: number | undefined;
}

export function progressLine(now: Progress): string {
  const parts = [
    clock(now.seconds),
    `${whole(now.commands)} Commands`,
    `${whole(now.commandsPerSecond)}/s`,
    `ok ${share(now.ok, now.commands)}`,
    `timed out ${whole(now.timedOut)}`,
    `cancelled ${whole(now.cancelled)}`,
    `lost ${whole(now.lost)}`,
    `unsent ${whole(now.unsent)}`,
    `blocked ${whole(now.blocked)}`,
    `verify errors ${now.verifyErrors}`,
    `unexpected ${now.unexpected}`,
    `pending ${now.pending}`,
    `restarts ${now.restarts}`,
    `faults ${now.faults}`,
  ];
  if (now.heldMiB !== undefined) parts.push(`${now.heldMiB.toFixed(1)} MiB`);
  if (now.loopMaxMs !== undefined) parts.push(`loop ${whole(now.loopMaxMs)} ms`);
  return parts.join('  ');
}

/** @param heading where and with what the run was made */
export function reportText(figures: Figures, heading: string): string {
  const { commands } = figures;
  const row = (name: string, count: number, ofAll = false): string =>
    `  ${name.padEnd(52)} ${whole(count).padStart(12)}${ofAll ? `  ${share(count, commands)}` : ''}`;
  const failures = failuresOf(figures);
  return [
    heading,
    '',
    `Commands in ${clock(figures.seconds)}, ${whole(commands / figures.seconds)} a second`,
    row('Commands', commands),
    row('answered as expected', figures.ok, true),
    row('over by their own time limit', figures.timedOut, true),
    row('given up by their caller', figures.cancelled, true),
    row('lost with their connection, sent: true', figures.lost, true),
    row('never sent for want of a connection, sent: false', figures.unsent, true),
    row('stopped by the circuit breaker', figures.blocked, true),
    row('failed in any other way', figures.failed, true),
    row('Results that no call waited for any more', figures.late),
    row('Commands that servers have run, by their journals', figures.executed),
    ...goRows(figures, row),
    '',
    'What befell them',
    row('restarts of servers', figures.restarts),
    row('faults', figures.faults),
    ...Object.entries(figures.faultsByKind).map(([kind, count]) => row(`  ${kind}`, count)),
    row('connections lost', figures.connectionsLost),
    '',
    'How calls and connections ended that were not answered',
    ...Object.entries(figures.codes).map(([code, count]) => row(code, count)),
    '',
    'What must not happen',
    row('wrong, incomplete or misordered answers', figures.verifyErrors),
    row('accepted by a server that drained, and not answered', figures.lostAccepted),
    row('ran twice and must not', figures.duplicated),
    row('ran although said to be unsent', figures.ranUnsent),
    row('hung', figures.hung),
    row('pending at the end', figures.pending),
    row('failures and lost connections without a reason', figures.unexpected),
    row('crashes, unhandled rejections, words on stderr', figures.defects),
    '',
    'Memory after a forced collection, while nothing is sent',
    ...figures.memory.map(memoryRow),
    '',
    ...figures.texts.map((text) => `  ! ${text}`),
    ...(failures.length === 0
      ? ['PASSED']
      : ['FAILED', ...failures.map((text) => `  ${text}`), `  --seed ${figures.seed} repeats it`]),
    '',
  ].join('\n');
}

/** What `--json` writes. */
export function reportJson(figures: Figures, heading: string): string {
  const { lostAccepted, lost, memory, ...others } = figures;
  const failures = failuresOf(figures);
  const all = {
    passed: failures.length === 0,
    failures,
    heading: heading.split('\n'),
    ...others,
    // What must not be lost, and what may.
    lost: lostAccepted,
    lostWithConnection: lost,
    rssSlopeMiBPerHour: Math.max(0, ...memory.map((one) => one.rssSlopeMiBPerHour)),
    memory: memory.map((one) => ({ ...one, growth: growthOf(one) })),
  };
  return `${JSON.stringify(all, undefined, 2)}\n`;
}

function goRows({ go }: Figures, row: (name: string, count: number) => string): readonly string[] {
  if (!go) return ['  there were no peers written in Go'];
  return [
    row('Commands of clients written in Go, besides', go.commands),
    row('  answered as expected', go.ok),
    row('  failed', go.failed),
  ];
}

function memoryRow(memory: Figures['memory'][number]): string {
  const { process, firstBytes, lastBytes, isShort, rssSlopeMiBPerHour, loopP99Ms, loopMaxMs } = memory;
  const growth = isShort ? 'too short to tell of growth' : `${(growthOf(memory) * 100).toFixed(1)} %`;
  return [
    `  ${process.padEnd(22)} ${(firstBytes / MIB).toFixed(2)} -> ${(lastBytes / MIB).toFixed(2)} MiB, ${growth}`,
    `RSS ${rssSlopeMiBPerHour.toFixed(1)} MiB/h`,
    `event loop delayed by ${loopP99Ms.toFixed(0)} ms (p99), ${loopMaxMs.toFixed(0)} ms (max)`,
  ].join('; ');
}

function share(part: number, all: number): string {
  return `${((part / Math.max(1, all)) * 100).toFixed(2)} %`;
}

function clock(seconds: number): string {
  const of = (count: number): string => String(Math.floor(count)).padStart(2, '0');
  return `${of(seconds / 3600)}:${of((seconds / 60) % 60)}:${of(seconds % 60)}`;
}
