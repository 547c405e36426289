// Where imports lead in the end: circles, and packages a door loads by way of others.
import { importsOf } from './imports.js';
import type { Source } from '../support/project.js';

type Graph = ReadonlyMap<string, readonly string[]>;

/** Files that import each other in a circle, as `a.ts > b.ts > a.ts`; each circle once. */
export function cycles(sources: readonly Source[]): readonly string[] {
  const graph = graphOf(sources);
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' > '));
    if (start >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

/** How the files that can be reached from `door` name a package that matches, as `lib/core.ts > … : rxjs`. */
export function reachViolations(sources: readonly Source[], door: string, packages: RegExp): readonly string[] {
  const graph = graphOf(sources);
  const trails = new Map([[door, door]]);
  for (const [path, trail] of trails) {
    for (const next of graph.get(path) ?? []) {
      if (!trails.has(next)) trails.set(next, `${trail} > ${next}`);
    }
  }
  return sources.flatMap((source) => {
    const trail = trails.get(source.path);
    if (trail === undefined) return [];
    const named = importsOf(source).filter(({ file, specifier }) => file === undefined && packages.test(specifier));
    return named.map(({ specifier }) => `${trail}: ${specifier}`);
  });
}

function graphOf(sources: readonly Source[]): Graph {
  return new Map(
    sources.map((source) => [source.path, importsOf(source).flatMap(({ file }) => (file === undefined ? [] : [file]))]),
  );
}
