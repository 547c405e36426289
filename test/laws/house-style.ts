// How a file of lib looks from outside: its length, its name, its opening words, and what its declarations are called.
import { posix } from 'node:path';
import ts from 'typescript';
import type { Source } from '../support/project.js';
import { parse, place, walk } from './source.js';

/** A longer file says in its opening words that it is long because it is one thing. */
const maxLines = 400;
const reason = /\blong because\b/;
const maxFunctionLines = 60;
const maxOpeningLines = 3;
const fileName = /^[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z]+)?\.c?ts$/;
const folderName = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const typeName = /^I[A-Z][a-z]|^Base(?=[A-Z])|(Impl|Base|Managers?|Utils?|Helpers?)$/;

export function styleViolations(sources: readonly Source[]): readonly string[] {
  return [
    ...duplicateNames(sources),
    ...sources.flatMap((source) => [...fileFaults(source), ...declarationFaults(source)]),
  ];
}

function duplicateNames(sources: readonly Source[]): readonly string[] {
  const byName = new Map<string, string>();
  return sources.flatMap(({ path }) => {
    const name = posix.basename(path);
    const other = byName.get(name);
    byName.set(name, path);
    return other === undefined ? [] : [`${path}: has the name of ${other}`];
  });
}

function fileFaults({ path, text }: Source): readonly string[] {
  const faults: string[] = [];
  const folders = posix.dirname(path).split('/');
  if (!fileName.test(posix.basename(path)) || !folders.every((folder) => folderName.test(folder))) {
    faults.push(`${path}: not in kebab-case`);
  }
  // A program begins with what runs it.
  const lines = text
    .replace(/^#!.*\n/, '')
    .replace(/\n$/, '')
    .split('\n');
  const opening = [...lines, ''].findIndex((line) => !/^\/\/ ./.test(line));
  if (
    lines.length > maxLines &&
    !reason.test(
      lines
        .slice(0, opening)
        .join(' ')
        .replace(/ \/\/ /g, ' '),
    )
  ) {
    faults.push(`${path}: ${lines.length} lines; above ${maxLines} it opens with why it is "long because …"`);
  }
  if (opening < 1 || opening > maxOpeningLines) {
    faults.push(
      `${path}: opens with one to ${maxOpeningLines} lines of // that say what it owns; a drawing stands below an empty one`,
    );
  }
  return faults;
}

function declarationFaults(source: Source): readonly string[] {
  const faults: string[] = [];
  walk(parse(source), (node) => {
    if (isDefaultExport(node)) faults.push(`${place(node)}: a default export`);
    if (isTypeDeclaration(node) && typeName.test(node.name?.text ?? '')) {
      faults.push(`${place(node)}: the name ${node.name?.text} says nothing`);
    }
    if (ts.isFunctionLike(node) && linesOf(node) > maxFunctionLines) {
      faults.push(`${place(node)}: a function of ${linesOf(node)} lines, the roof is ${maxFunctionLines}`);
    }
    if (node.kind === ts.SyntaxKind.PrivateKeyword && !ts.isConstructorDeclaration(node.parent)) {
      faults.push(`${place(node)}: private by name only; use #`);
    }
  });
  return faults;
}

/** Without the comment above it. */
function linesOf(node: ts.Node): number {
  const file = node.getSourceFile();
  const [first, last] = [node.getStart(), node.end].map((at) => file.getLineAndCharacterOfPosition(at).line);
  return last! - first! + 1;
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  // The one way in which a module that stays CommonJS exports.
  if (ts.isExportAssignment(node)) return !(node.isExportEquals && node.getSourceFile().fileName.endsWith('.cts'));
  return node.kind === ts.SyntaxKind.DefaultKeyword;
}

function isTypeDeclaration(
  node: ts.Node,
): node is ts.ClassDeclaration | ts.InterfaceDeclaration | ts.TypeAliasDeclaration {
  return ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);
}
