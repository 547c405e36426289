// The doors of the package, as package.json names them, and what may stand in one: explicit, named re-exports.
import ts from 'typescript';
import type { Source } from '../support/project.js';
import { parse, place } from './source.js';

interface Door {
  readonly import: { readonly default: string };
}

/** The source files behind `exports` of package.json: `./dist/lib/core.js` is `lib/core.ts`. */
export function doorsOf(packageJson: string): readonly string[] {
  const { exports } = JSON.parse(packageJson) as { exports: Record<string, string | Door> };
  return Object.values(exports).flatMap((door) => (typeof door === 'string' ? [] : [sourceOf(door.import.default)]));
}

export function barrelViolations(sources: readonly Source[], doors: readonly string[]): readonly string[] {
  const paths = new Set(sources.map(({ path }) => path));
  const missing = doors
    .filter((door) => !paths.has(door))
    .map((door) => `${door}: package.json names it, it is not there`);
  return missing.concat(
    sources.flatMap((source) => (doors.includes(source.path) ? doorFaults(source) : barrelFaults(source))),
  );
}

function doorFaults(source: Source): readonly string[] {
  const foreign = parse(source).statements.filter(
    (statement) => !isNamedReExport(statement) && !isBareImport(statement),
  );
  return foreign.map((statement) => `${place(statement)}: a door holds named re-exports only`);
}

function barrelFaults(source: Source): readonly string[] {
  const { statements } = parse(source);
  if (source.path.endsWith('/index.ts')) return [`${source.path}: an index file that is no door`];
  if (statements.some((statement) => isExportOf(statement) && !isNamedReExport(statement))) {
    return [`${source.path}: export * hides what it exports`];
  }
  const isBarrel =
    statements.length > 0 &&
    statements.every((statement) => isExportOf(statement) || ts.isImportDeclaration(statement));
  return isBarrel ? [`${source.path}: a barrel that is no door`] : [];
}

function isExportOf(statement: ts.Statement): boolean {
  return ts.isExportDeclaration(statement);
}

function isNamedReExport(statement: ts.Statement): boolean {
  return (
    ts.isExportDeclaration(statement) &&
    statement.exportClause !== undefined &&
    ts.isNamedExports(statement.exportClause) &&
    statement.moduleSpecifier !== undefined
  );
}

/** `import 'reflect-metadata'`: loads a package for what it does, not for what it exports. */
function isBareImport(statement: ts.Statement): boolean {
  return ts.isImportDeclaration(statement) && statement.importClause === undefined;
}

function sourceOf(built: string): string {
  return built.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts');
}
