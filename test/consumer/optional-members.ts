// Which optional members of what a door exports refuse `undefined`: an application with `exactOptionalPropertyTypes`
// could not pass on a setting that may be missing.
import ts from 'typescript';
import type { Doors } from './named-types.js';
import { exportsOf } from './named-types.js';

/** `CallOptions.timeoutMs`, for each that may be left out and must not be undefined. */
export function strictMembers(doors: Doors, door: string): readonly string[] {
  return exportsOf(doors, door)
    .flatMap(({ declarations = [] }) => declarations)
    .filter((declaration) => doors.isOwn(declaration.getSourceFile().fileName))
    .flatMap((declaration) => strictIn(declaration, (declaration as ts.NamedDeclaration).name?.getText() ?? ''))
    .toSorted();
}

function strictIn(node: ts.Node, owner: string): readonly string[] {
  const isStrict =
    (ts.isPropertySignature(node) || ts.isMethodSignature(node)) &&
    node.questionToken !== undefined &&
    // A symbol is a key that no application writes.
    !ts.isComputedPropertyName(node.name) &&
    !(ts.isPropertySignature(node) && mayBeUndefined(node.type));
  const own = isStrict ? [`${owner}.${node.name.getText()}`] : [];
  const below: string[] = [];
  ts.forEachChild(node, (child) => {
    below.push(...strictIn(child, owner));
  });
  return [...own, ...below];
}

function mayBeUndefined(type: ts.TypeNode | undefined): boolean {
  if (type === undefined) return true;
  const { UndefinedKeyword, UnknownKeyword, AnyKeyword } = ts.SyntaxKind;
  const parts = ts.isUnionTypeNode(type) ? type.types : [type];
  return parts.some(({ kind }) => kind === UndefinedKeyword || kind === UnknownKeyword || kind === AnyKeyword);
}
