// What is promised of a client beside what was measured, and how that is said.

export interface Figure {
  readonly what: string;
  /** How many values it sums up. */
  readonly count: number;
  readonly value: number;
  /** The promise is kept up to here; undefined: it is only reported. */
  readonly limit?: number;
  readonly unit: string;
}

export function isKept({ value, limit = Infinity }: Figure): boolean {
  return value <= limit;
}

/** The value that so many of 100 do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  return sorted[Math.ceil((share / 100) * sorted.length) - 1] ?? Number.NaN;
}

export function line(figure: Figure): string {
  const { what, count, value, limit, unit } = figure;
  const mark = limit === undefined ? '      ' : isKept(figure) ? 'kept  ' : 'BROKEN';
  const promise = limit === undefined ? '' : `, promised ${limit}`;
  return `${mark} ${what.padEnd(60)} ${value.toFixed(3).padStart(9)} ${unit}${promise} (of ${count})`;
}
