// What a module does when it is loaded: no await, so CommonJS may require it, and nothing that could change later.
import ts from 'typescript';
import type { Source } from '../support/project.js';
import { parse, place, walk } from './source.js';

const collections = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array']);

export function moduleStateViolations(sources: readonly Source[]): readonly string[] {
  return sources.flatMap((source) => [...awaits(source), ...variables(source), ...statics(source)]);
}

function awaits(source: Source): readonly string[] {
  const faults: string[] = [];
  walk(parse(source), (node) => {
    if (ts.isFunctionLike(node)) return false;
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) {
      faults.push(`${place(node)}: a top-level await`);
    }
    return true;
  });
  return faults;
}

function variables(source: Source): readonly string[] {
  const faults: string[] = [];
  for (const statement of parse(source).statements.filter(ts.isVariableStatement)) {
    const { flags, declarations } = statement.declarationList;
    if (statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword)) continue;
    if (!(flags & ts.NodeFlags.Const)) faults.push(`${place(statement)}: a variable of the whole module`);
    const growing = declarations.filter(
      ({ initializer }) => initializer !== undefined && isEmptyCollection(initializer),
    );
    faults.push(...growing.map((declaration) => `${place(declaration)}: a collection of the whole module`));
  }
  return faults;
}

function statics(source: Source): readonly string[] {
  const faults: string[] = [];
  walk(parse(source), (node) => {
    if (!ts.isPropertyDeclaration(node) || !has(node, ts.SyntaxKind.StaticKeyword)) return;
    if (!has(node, ts.SyntaxKind.ReadonlyKeyword)) faults.push(`${place(node)}: a static that can change`);
    if (node.initializer && isEmptyCollection(node.initializer)) faults.push(`${place(node)}: a static collection`);
  });
  return faults;
}

/** Made empty, so made to be filled: `new Map()`, `[]`, `{}`. A table that comes with its entries is a constant. */
function isEmptyCollection(node: ts.Expression): boolean {
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node)) {
    return isEmptyCollection(node.expression);
  }
  if (ts.isArrayLiteralExpression(node)) return node.elements.length === 0;
  if (ts.isObjectLiteralExpression(node)) return node.properties.length === 0;
  const isCollection =
    ts.isNewExpression(node) && ts.isIdentifier(node.expression) && collections.has(node.expression.text);
  return isCollection && (node.arguments ?? []).length === 0;
}

function has(node: ts.PropertyDeclaration, kind: ts.SyntaxKind): boolean {
  return node.modifiers?.some((modifier) => modifier.kind === kind) ?? false;
}
