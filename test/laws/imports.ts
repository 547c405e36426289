// Which files and packages a file names, in whatever form; types count like values.
import { posix } from 'node:path';
import ts from 'typescript';
import type { Source } from '../support/project.js';
import { parse, place, walk } from './source.js';

export interface Import {
  readonly place: string;
  readonly specifier: string;
  /** The file a relative specifier stands for; undefined for packages. */
  readonly file: string | undefined;
}

const known = new WeakMap<Source, readonly Import[]>();

/** Found once for each file, since every law of imports asks for all of them. */
export function importsOf(source: Source): readonly Import[] {
  const imports = known.get(source) ?? findImports(source);
  known.set(source, imports);
  return imports;
}

function findImports(source: Source): readonly Import[] {
  const imports: Import[] = [];
  walk(parse(source), (node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return;
    const file = specifier.startsWith('.')
      ? posix.join(posix.dirname(source.path), specifier).replace(/\.(c?)js$/, '.$1ts')
      : undefined;
    imports.push({ place: place(node), specifier, file });
  });
  return imports;
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier);
  if (ts.isImportTypeNode(node))
    return ts.isLiteralTypeNode(node.argument) ? literal(node.argument.literal) : undefined;
  if (ts.isExternalModuleReference(node)) return literal(node.expression);
  if (ts.isCallExpression(node) && (node.expression.kind === ts.SyntaxKind.ImportKeyword || isRequire(node.expression)))
    return literal(node.arguments[0]);
  return undefined;
}

function isRequire(node: ts.Node): boolean {
  return ts.isIdentifier(node) && node.text === 'require';
}

function literal(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}
