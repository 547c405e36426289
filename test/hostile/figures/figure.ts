// What is promised of a server whose peers mean harm, by name, and how what was measured is said beside it.

export interface Promised {
  readonly what: string;
  readonly most: number;
  readonly unit: 'ms' | 'MiB' | 'KiB' | 'lines/s';
}

/** With default options, through the whole of Nest. MiB and KiB are what the memory of the process grows by. */
export const promises = {
  oversizedMs: { what: 'a header that announces too much: until its connection ends', most: 5, unit: 'ms' },
  oversizedMiB: { what: 'a header that announces too much: memory', most: 1, unit: 'MiB' },
  pingFloodMiB: { what: 'a flood of pings, no limit on their rate: memory', most: 48, unit: 'MiB' },
  pingFloodP99Ms: { what: 'a flood of pings, no limit on their rate: p99 of others', most: 8, unit: 'ms' },
  flood1P99Ms: { what: 'a flood of small Commands, 1 connection: p99 of others', most: 20, unit: 'ms' },
  flood16P99Ms: { what: 'a flood of small Commands, 16 connections: p99 of others', most: 60, unit: 'ms' },
  cancelFloodP99Ms: { what: 'Commands that are cancelled at once: p99 of others', most: 40, unit: 'ms' },
  unreadMiB: { what: 'a stream that is never read: memory', most: 16, unit: 'MiB' },
  unreadStallMs: { what: 'a stream that is never read: turn of the loop that ends it', most: 20, unit: 'ms' },
  unreadStopMs: { what: 'a stream that is never read: until its producer stops', most: 100, unit: 'ms' },
  unread1000MiB: { what: '1,000 streams that are never read: memory', most: 64, unit: 'MiB' },
  muteGoodMs: { what: '5,000 mute connections, plain or TLS: another one and its Result', most: 20, unit: 'ms' },
  partialMiB: { what: '1,500 unfinished frames of 0.9 MB: memory beyond the budget', most: 64, unit: 'MiB' },
  heldMiB: { what: '1,024 held Commands of 1 MB: memory beyond the budget', most: 64, unit: 'MiB' },
  connKiB: { what: '5,000 connections: memory of one beyond that of node:net', most: 2.5, unit: 'KiB' },
  connP99Ms: { what: '5,000 connections with an echo a second each: p99', most: 8, unit: 'ms' },
  connLoopMs: { what: '5,000 connections with an echo a second each: p99 of loop delay', most: 5, unit: 'ms' },
  frameBlockMs: { what: 'the worst frame within the limits: turn of the loop', most: 20, unit: 'ms' },
  frameBlockPipeMs: { what: 'the same with either validation pipe', most: 100, unit: 'ms' },
  logLinesPerS: { what: 'what peers can get logged', most: 10, unit: 'lines/s' },
} as const satisfies Readonly<Record<string, Promised>>;

export type FigureName = keyof typeof promises;

export interface Figure {
  readonly value: number;
  /** The same without harm, in the same run, or of what it is compared with. */
  readonly quiet?: number | undefined;
  /** What the value is the median of, or the worst; and what else is worth knowing. */
  readonly of: Readonly<Record<string, number | readonly number[]>>;
}

export type Figures = Readonly<Partial<Record<FigureName, Figure>>>;

export function isKept(name: FigureName, { value }: Figure): boolean {
  return value <= promises[name].most;
}

export function line(name: FigureName, figure: Figure): string {
  const { what, most, unit } = promises[name];
  const mark = isKept(name, figure) ? 'kept  ' : 'BROKEN';
  const quiet = figure.quiet === undefined ? '' : `, quiet ${figure.quiet.toFixed(1)}`;
  return `${mark} ${name.padEnd(16)} ${what.padEnd(66)} ${figure.value.toFixed(2).padStart(8)} of ${most} ${unit}${quiet}`;
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value that so many of 100 do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export function rounded(value: number): number {
  return Number(value.toFixed(2));
}

/** The worst of several cases, each the median of its rounds. */
export function worstOf(cases: Readonly<Record<string, readonly number[]>>, quiet?: readonly number[]): Figure {
  const rounds = Object.entries(cases).map(([name, values]) => [name, values.map(rounded)] as const);
  const value = Math.max(...rounds.map(([, values]) => median(values)));
  return { value, quiet: quiet && median(quiet), of: Object.fromEntries(rounds) };
}
