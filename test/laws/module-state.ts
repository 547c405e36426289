// What a module does when it is loaded: no await and no import.meta, so that it can be CommonJS, and nothing that could
// change later.
import ts from 'typescript';
import type { Source } from '../support/project.js';
import { parse, place, walk } from './source.js';

const collections = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array']);

/**
 * @param exceptions Objects that may be there all the same, as `lib/wire/frame.ts: name`; one that is not is a fault,
 * too.
 */
export function moduleStateViolations(
  sources: readonly Source[],
  exceptions: readonly string[] = [],
): readonly string[] {
  const readonlyTypes = readonlyTypesOf(sources);
  const objects = sources.flatMap((source) => changeableObjects(source, readonlyTypes));
  return [
    ...sources.flatMap((source) => [
      ...awaits(source),
      ...metaProperties(source),
      ...variables(source),
      ...statics(source, readonlyTypes),
    ]),
    ...objects.filter(({ name }) => !exceptions.includes(name)).map(({ fault }) => fault),
    ...exceptions
      .filter((exception) => !objects.some(({ name }) => name === exception))
      .map((exception) => `${exception}: an exception that is not needed`),
  ];
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

/** Where it stands a module of CommonJS cannot know so, nor one in a bundle. */
function metaProperties(source: Source): readonly string[] {
  const faults: string[] = [];
  walk(parse(source), (node) => {
    if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword)
      faults.push(`${place(node)}: import.meta`);
  });
  return faults;
}

function variables(source: Source): readonly string[] {
  return declarationsOf(source).flatMap(({ flags }) =>
    flags & ts.NodeFlags.Const ? [] : [`${source.path}: a variable of the whole module`],
  );
}

interface ChangeableObject {
  readonly name: string;
  readonly fault: string;
}

/** What a constant holds, and who wants to may change: it is neither frozen nor read-only by its type. */
function changeableObjects(source: Source, readonlyTypes: ReadonlySet<string>): readonly ChangeableObject[] {
  const constants = declarationsOf(source).flatMap(({ declarations }) => [...declarations]);
  return constants.flatMap((constant) => {
    const { name } = constant;
    if (!isChangeableValue(constant, readonlyTypes)) return [];
    const fault = `${place(constant)}: ${name.getText()} is an object of the whole module that can change`;
    return [{ name: `${source.path}: ${name.getText()}`, fault }];
  });
}

function declarationsOf(source: Source): readonly ts.VariableDeclarationList[] {
  return parse(source)
    .statements.filter(ts.isVariableStatement)
    .filter(({ modifiers }) => !modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword))
    .map(({ declarationList }) => declarationList);
}

function isChangeableValue(
  { type, initializer }: ts.VariableDeclaration | ts.PropertyDeclaration,
  readonlyTypes: ReadonlySet<string>,
): boolean {
  if (initializer === undefined || !isChangeable(initializer)) return false;
  return isEmptyCollection(initializer) || type === undefined || !isReadonly(type, readonlyTypes);
}

/** An object that is made here and now. What a call gives is not looked into: `Object.freeze(…)`, `integer(1)`. */
function isChangeable(node: ts.Expression): boolean {
  if (ts.isAsExpression(node) && node.type.getText() === 'const') return false;
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node)) {
    return isChangeable(node.expression);
  }
  return ts.isObjectLiteralExpression(node) || ts.isArrayLiteralExpression(node) || ts.isNewExpression(node);
}

/** `readonly string[]`, `ReadonlySet<string>`, `Readonly<…>`, or an interface of lib whose members all are. */
function isReadonly(type: ts.TypeNode, readonlyTypes: ReadonlySet<string>): boolean {
  if (ts.isTypeOperatorNode(type)) return type.operator === ts.SyntaxKind.ReadonlyKeyword;
  if (!ts.isTypeReferenceNode(type)) return false;
  const name = type.typeName.getText();
  return name.startsWith('Readonly') || readonlyTypes.has(name);
}

/** Interfaces with nothing but methods and read-only members, and other names for what is read-only. */
function readonlyTypesOf(sources: readonly Source[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const statement of sources.flatMap((source) => [...parse(source).statements])) {
    if (ts.isInterfaceDeclaration(statement) && statement.members.every(isReadonlyMember)) {
      names.add(statement.name.text);
    } else if (ts.isTypeAliasDeclaration(statement) && isReadonly(statement.type, names)) {
      names.add(statement.name.text);
    }
  }
  return names;
}

function isReadonlyMember(member: ts.TypeElement): boolean {
  if (!ts.isPropertySignature(member) && !ts.isIndexSignatureDeclaration(member)) return true;
  return member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ReadonlyKeyword) ?? false;
}

function statics(source: Source, readonlyTypes: ReadonlySet<string>): readonly string[] {
  const faults: string[] = [];
  walk(parse(source), (node) => {
    if (!ts.isPropertyDeclaration(node) || !has(node, ts.SyntaxKind.StaticKeyword)) return;
    if (!has(node, ts.SyntaxKind.ReadonlyKeyword)) faults.push(`${place(node)}: a static that can change`);
    else if (isChangeableValue(node, readonlyTypes)) faults.push(`${place(node)}: a static object that can change`);
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
