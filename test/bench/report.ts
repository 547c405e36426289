// What a run says, as text and as JSON.
import { type Contest, contests } from './contests.js';
import { titleOf } from './lineup.js';
import type { Machine } from './machine.js';
import { medianSample, type Outcome, type Samples } from './ratios.js';

/** One contest that was run. */
export interface Finished {
  readonly contest: Contest;
  readonly samples: Samples;
}

/** The rows of one contest. */
export function contestTable({ contest, samples }: Finished): string {
  const head = ['', `${contest.unit}/s`, 'p50 ms', 'p99', 'p99.9', 'CPU µs client', 'server', 'MiB client', 'server'];
  const rows = contest.entries.flatMap(({ name, contestant }) => {
    const measured = samples[name];
    if (measured === undefined) return [];
    const { unitsPerSecond, p50, p99, p999, clientCpu, serverCpu, clientHeap, serverHeap } = medianSample(measured);
    const title = name === contestant ? titleOf(contestant) : name;
    const speed = Math.round(unitsPerSecond).toLocaleString('en');
    const times = [p50, p99, p999].map((ms) => ms.toFixed(ms < 1 ? 3 : 1));
    const cpu = [clientCpu, serverCpu].map((micros) => micros.toFixed(micros < 10 ? 2 : 0));
    const heaps = [clientHeap, serverHeap].map((bytes = Number.NaN) => (bytes / 2 ** 20).toFixed(1));
    return [[title, speed, ...times, ...cpu, ...heaps]];
  });
  return `${contest.title}\n${aligned([head, ...rows])}`;
}

/** The rows of the keys. */
export function keyTable(outcomes: readonly Outcome[]): string {
  const head = ['key', 'measured', 'in the rounds', 'bound', '', ''];
  const rows = outcomes.map(({ key, ratio, least, most, isMet }) => [
    key.name,
    digits(ratio),
    `${digits(least)} to ${digits(most)}`,
    boundOf(key),
    isMet === undefined ? '' : isMet ? 'met' : 'MISSED',
    key.title,
  ]);
  return aligned([head, ...rows], [0, 5]);
}

/** The keys as rows of a document. */
export function keyMarkdown(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ key, ratio, least, most }) => {
    return `| \`${key.name}\` | ${key.title} | ${digits(ratio)} | ${digits(least)} to ${digits(most)} | ${boundOf(key)} |`;
  });
  return ['| Key | What | Measured | In the rounds | Aim |', '| --- | --- | ---: | ---: | ---: |', ...rows].join('\n');
}

/** What `--json` writes. */
export function asJson(machine: Machine, options: object, finished: readonly Finished[], outcomes: readonly Outcome[]) {
  const ratios = Object.fromEntries(outcomes.map(({ key, ratio }) => [key.name, ratio]));
  const keys = outcomes.map(({ key, ratio, least, most, isMet }) => ({ ...key, ratio, least, most, isMet }));
  const measured = finished.map(({ contest, samples }) => {
    const medians = Object.fromEntries(Object.entries(samples).map(([name, all]) => [name, medianSample(all)]));
    return { name: contest.name, title: contest.title, entries: contest.entries, medians, samples };
  });
  return { ratios, raw: { machine, options, keys, contests: measured } };
}

/** For `--help`. */
export function keyList(): string {
  const width = Math.max(...contests.flatMap(({ keys }) => keys.map(({ name }) => name.length)));
  return contests
    .flatMap(({ keys }) => keys.map((key) => `  ${key.name.padEnd(width)}  ${boundOf(key).padEnd(8)}  ${key.title}`))
    .join('\n');
}

function boundOf({ atLeast, atMost }: Outcome['key']): string {
  if (atLeast !== undefined) return `≥ ${atLeast}`;
  return atMost === undefined ? '' : `≤ ${atMost}`;
}

function digits(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

/** Numbers to the right; the columns of `left` hold text. */
function aligned(lines: readonly (readonly string[])[], left: readonly number[] = [0]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const pad = (cell: string, column: number): string =>
    left.includes(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}
