// From samples to what is said about them: medians, and ratios to the first variant. Ratios of one round compare
// what ran next to each other, so their range shows how far the machine can be trusted.
import type { Measured } from './runner.js';
import type { Scenario } from './scenario.js';

export interface Row {
  readonly variant: string;
  /** Medians of the rounds; latencies in milliseconds. */
  readonly callsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Calls per second compared with the first variant: of the medians, and the least and most of one round. */
  readonly ratio: number;
  readonly leastRatio: number;
  readonly mostRatio: number;
  /** What client and server hold on to behind the first round and behind the last one, in MiB. */
  readonly clientHeap: readonly [number, number];
  readonly serverHeap: readonly [number, number];
}

export function report(measured: readonly Measured[]): readonly Row[] {
  const speeds = ({ samples }: Measured): readonly number[] => samples.map(({ callsPerSecond }) => callsPerSecond);
  const first = measured[0] === undefined ? [] : speeds(measured[0]);
  return measured.map((each) => {
    const own = speeds(each);
    const ratios = own.map((speed, round) => speed / first[round]!);
    return {
      variant: each.variant,
      callsPerSecond: median(own),
      p50: median(each.samples.map(({ p50 }) => p50)),
      p99: median(each.samples.map(({ p99 }) => p99)),
      ratio: median(own) / median(first),
      leastRatio: Math.min(...ratios),
      mostRatio: Math.max(...ratios),
      clientHeap: firstAndLast(each.samples.map(({ heapMiB }) => heapMiB)),
      serverHeap: firstAndLast(each.samples.map(({ serverHeapMiB }) => serverHeapMiB)),
    };
  });
}

function firstAndLast(values: readonly number[]): readonly [number, number] {
  return [values.at(0)!, values.at(-1)!];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

export function table({ title }: Scenario, rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.variant,
    Math.round(row.callsPerSecond).toLocaleString('en'),
    row.ratio.toFixed(2),
    `${row.leastRatio.toFixed(2)} to ${row.mostRatio.toFixed(2)}`,
    row.p50.toFixed(2),
    row.p99.toFixed(2),
    row.clientHeap.map((mib) => mib.toFixed(1)).join(' to '),
    row.serverHeap.map((mib) => mib.toFixed(1)).join(' to '),
  ]);
  const lines = [
    ['variant', 'calls/s', 'ratio', 'in the rounds', 'p50 ms', 'p99 ms', 'client MiB', 'server MiB'],
    ...cells,
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const aligned = lines.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  '),
  );
  return [title, ...aligned].join('\n');
}
