// The options of lib as declared: the members of every `…Options` interface, and the frozen `…Defaults` beside it.
import ts from 'typescript';
import { constantOf } from './constant.js';
import type { Source } from '../support/project.js';
import { parse, place } from './source.js';

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
  /** Those beside it. An interface without defaults of its own has those of its parents. */
  readonly defaults: OptionDefaults | undefined;
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
  readonly defaults: readonly OptionDefaults[];
}

/**
 * `clientDefaults` are those of `ClientOptions`, and of `CommandClientOptions` where there are none of that whole name.
 */
export function isNamedAfter(options: string, defaults: string): boolean {
  const stem = defaults.replace(/Defaults$/, '');
  return options.endsWith(`${stem.charAt(0).toUpperCase()}${stem.slice(1)}Options`);
}

type Declarations<T> = ReadonlyMap<string, T>;

export function readOptions(sources: readonly Source[]): OptionsModel {
  const declared = new Map<string, ts.InterfaceDeclaration>();
  const constants = new Map<string, ts.VariableDeclaration>();
  for (const source of sources) {
    for (const statement of parse(source).statements) {
      if (ts.isInterfaceDeclaration(statement) && statement.name.text.endsWith('Options')) {
        declared.set(statement.name.text, statement);
      }
      for (const constant of ts.isVariableStatement(statement) ? statement.declarationList.declarations : []) {
        if (constant.name.getText().endsWith('Defaults')) constants.set(constant.name.getText(), constant);
      }
    }
  }
  const defaults = [...constants.values()].map((node) => readDefaults(node, constants));
  return {
    interfaces: new Map([...declared].map(([name, node]) => [name, readInterface(node, declared, defaults)])),
    defaults,
  };
}

/** The constant with the longest of the names that fit; without one, the only constant of the file. */
function defaultsOf(options: ts.InterfaceDeclaration, all: readonly OptionDefaults[]): OptionDefaults | undefined {
  const beside = all.filter(({ path }) => path === options.getSourceFile().fileName);
  const fitting = beside.filter(({ name }) => isNamedAfter(options.name.text, name));
  const [longest] = fitting.toSorted((one, other) => other.name.length - one.name.length);
  return longest ?? (beside.length === 1 ? beside[0] : undefined);
}

function readInterface(
  node: ts.InterfaceDeclaration,
  all: Declarations<ts.InterfaceDeclaration>,
  defaults: readonly OptionDefaults[],
): OptionsInterface {
  const names = (node.heritageClauses ?? []).flatMap(({ types }) => types.map((type) => type.expression.getText()));
  const parents = names.flatMap((name) => all.get(name) ?? []).map((parent) => readInterface(parent, all, defaults));
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
    defaults: defaultsOf(node, defaults),
  };
}

function defaultTagOf(member: ts.Node): string | undefined {
  const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default');
  return tag && (ts.getTextOfJSDocComment(tag.comment) ?? '').trim();
}

function readDefaults(node: ts.VariableDeclaration, all: Declarations<ts.VariableDeclaration>): OptionDefaults {
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
