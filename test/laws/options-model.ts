// The options of lib as declared: the members of every `…Options` interface, and the frozen defaults beside them.
import { posix } from 'node:path';
import ts from 'typescript';
import { constantOf } from './constant.js';
import type { Source } from '../support/project.js';
import { parse, place, walk } from './source.js';

export interface OptionMember {
  readonly name: string;
  readonly place: string;
  readonly required: boolean;
  /** What follows `@default`. */
  readonly documented: string | undefined;
}

export interface OptionsInterface {
  readonly name: string;
  readonly path: string;
  readonly parents: readonly OptionsInterface[];
  /** Its own and those of its parents. */
  readonly members: ReadonlyMap<string, OptionMember>;
  readonly own: readonly string[];
}

export interface OptionDefaults {
  readonly name: string;
  readonly path: string;
  readonly place: string;
  readonly frozen: boolean;
  /** Option to default: its constant, or its source text where it is none. */
  readonly values: ReadonlyMap<string, string>;
}

export interface OptionsModel {
  readonly interfaces: ReadonlyMap<string, OptionsInterface>;
  /** By the name of the constant. */
  readonly defaults: ReadonlyMap<string, OptionDefaults>;
}

export function isOptionsFile(path: string): boolean {
  return path.endsWith('-options.ts');
}

/** `client-options.ts` keeps its defaults in `clientDefaults`. */
export function defaultsNameFor(path: string): string {
  const words = posix.basename(path, '-options.ts').replace(/[.-](\w)/g, (_, letter: string) => letter.toUpperCase());
  return `${words}Defaults`;
}

export function readOptions(sources: readonly Source[]): OptionsModel {
  const declared = new Map<string, ts.InterfaceDeclaration>();
  const constants = new Map<string, ts.VariableDeclaration>();
  for (const source of sources) {
    walk(parse(source), (node) => {
      if (ts.isInterfaceDeclaration(node) && node.name.text.endsWith('Options')) declared.set(node.name.text, node);
      if (!isOptionsFile(source.path) || !ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name)) return;
      if (node.name.text.endsWith('Defaults')) constants.set(node.name.text, node);
    });
  }
  return {
    interfaces: new Map([...declared].map(([name, node]) => [name, readInterface(node, declared)])),
    defaults: new Map([...constants].map(([name, node]) => [name, readDefaults(node, constants)])),
  };
}

function readInterface(
  node: ts.InterfaceDeclaration,
  all: ReadonlyMap<string, ts.InterfaceDeclaration>,
): OptionsInterface {
  const names = (node.heritageClauses ?? []).flatMap(({ types }) => types.map((type) => type.expression.getText()));
  const parents = names.flatMap((name) => all.get(name) ?? []).map((parent) => readInterface(parent, all));
  const own = node.members.flatMap((member): [string, OptionMember][] => {
    if (member.name === undefined) return [];
    const name = member.name.getText();
    const required = member.questionToken === undefined;
    return [[name, { name, place: place(member), required, documented: defaultTagOf(member) }]];
  });
  return {
    name: node.name.text,
    path: node.getSourceFile().fileName,
    parents,
    members: new Map([...parents.flatMap(({ members }) => [...members]), ...own]),
    own: own.map(([name]) => name),
  };
}

function defaultTagOf(member: ts.Node): string | undefined {
  const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default');
  return tag && (ts.getTextOfJSDocComment(tag.comment) ?? '').trim();
}

function readDefaults(node: ts.VariableDeclaration, all: ReadonlyMap<string, ts.VariableDeclaration>): OptionDefaults {
  const frozen = frozenArgument(node.initializer);
  const literal = frozen ?? node.initializer;
  const values = new Map<string, string>();
  for (const property of literal && ts.isObjectLiteralExpression(literal) ? literal.properties : []) {
    if (ts.isSpreadAssignment(property)) {
      const spread = all.get(property.expression.getText());
      if (spread) for (const [name, value] of readDefaults(spread, all).values) values.set(name, value);
    } else if (property.name) {
      values.set(property.name.getText(), valueText(property));
    }
  }
  const path = node.getSourceFile().fileName;
  return { name: node.name.getText(), path, place: place(node), frozen: frozen !== undefined, values };
}

function valueText(property: ts.ObjectLiteralElementLike): string {
  if (!ts.isPropertyAssignment(property)) return property.name?.getText() ?? '';
  return constantOf(property.initializer) ?? property.initializer.getText();
}

/** What stands in `Object.freeze(…)`. */
function frozenArgument(node: ts.Expression | undefined): ts.Expression | undefined {
  const freezes = node !== undefined && ts.isCallExpression(node) && node.expression.getText() === 'Object.freeze';
  return freezes ? node.arguments[0] : undefined;
}
