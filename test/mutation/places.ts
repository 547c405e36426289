// Where StrykerJS would change lib, and which of these places a run tries: the same sample and seed give the same
// places.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { createInstrumenter } from '@stryker-mutator/instrumenter';
import { createInjector } from 'typed-inject';
import { seededRandom } from '../support/seeded-random.js';

/** A piece of a file, and how many faults are put into exactly this piece, one at a time. */
export interface Place {
  readonly file: string;
  /** As the option `mutate` of StrykerJS wants it: `12:4-12:20`, lines from 1, columns from 0. */
  readonly range: string;
  readonly mutants: number;
}

/** Words of messages: whether a test reads them letter by letter says nothing about behaviour. */
export const excludedMutations = ['StringLiteral'];

interface Position {
  readonly line: number;
  readonly column: number;
}

interface Location {
  readonly start: Position;
  readonly end: Position;
}

/** Of its folders, too. Options are tables of values: the laws hold them to the docs. */
export function filesOf(rung: string): readonly string[] {
  const folder = join('lib', rung);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const sources = names.filter((name) => name.endsWith('.ts') && !name.endsWith('-options.ts'));
  return sources.toSorted().map((name) => posix.join(folder, ...name.split(sep)));
}

/** Smallest pieces only: a piece that holds others would bring their faults along. */
export async function placesOf(file: string, text = readFileSync(file, 'utf8')): Promise<readonly Place[]> {
  const options = { plugins: null, excludedMutations, ignorers: [], noHeader: true };
  const { mutants } = await silentInstrumenter().instrument([{ name: file, content: text, mutate: true }], options);
  const counts = new Map<string, { location: Location; mutants: number }>();
  for (const { location, status } of mutants) {
    if (status === 'Ignored') continue;
    const range = rangeOf(location);
    counts.set(range, { location, mutants: (counts.get(range)?.mutants ?? 0) + 1 });
  }
  const all = [...counts.values()].map(({ location }) => location);
  return [...counts].flatMap(([range, { location, mutants: count }]) => {
    const holdsAnother = all.some((other) => other !== location && holds(location, other));
    return holdsAnother ? [] : [{ file, range, mutants: count }];
  });
}

/** Places in an order that the seed gives, until they have as many faults as were asked for. */
export function sample(places: readonly Place[], mutants: number, seed: number): readonly Place[] {
  const random = seededRandom(seed);
  const shuffled = places
    .map((place) => ({ place, order: random() }))
    .toSorted((one, other) => one.order - other.order);
  const chosen: Place[] = [];
  let count = 0;
  for (const { place } of shuffled) {
    if (count >= mutants) break;
    chosen.push(place);
    count += place.mutants;
  }
  return chosen;
}

/** StrykerJS counts lines of a mutant from 0 and those of the option `mutate` from 1. */
function rangeOf({ start, end }: Location): string {
  return `${start.line + 1}:${start.column}-${end.line + 1}:${end.column}`;
}

function holds(outer: Location, inner: Location): boolean {
  return !isBefore(inner.start, outer.start) && !isBefore(outer.end, inner.end);
}

function isBefore(one: Position, other: Position): boolean {
  return one.line < other.line || (one.line === other.line && one.column < other.column);
}

function silentInstrumenter() {
  const says = () => {};
  const never = () => false;
  const log = {
    isTraceEnabled: never,
    isDebugEnabled: never,
    isInfoEnabled: never,
    isWarnEnabled: never,
    isErrorEnabled: never,
    isFatalEnabled: never,
    trace: says,
    debug: says,
    info: says,
    warn: says,
    error: says,
    fatal: says,
  };
  return createInstrumenter(
    createInjector()
      .provideValue('logger', log)
      .provideValue('getLogger', () => log),
  );
}
