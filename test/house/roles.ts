// The interfaces of lib that are one object's view of another: not public, and just one class implements them or their
// name says so. What several classes implement is a kind of thing, and what only holds data (a config, options, limits)
// is none either, whatever it is called.
import ts from 'typescript';
import { parse, walk } from '../laws/source.js';
import type { Source } from '../support/project.js';

const roleName =
  /(Owner|Home|Host|Holder|Peer|View|Target|Finder|Listener|Observer|Waiter)$|^(Limited|Loaded|Endable|Quiet)[A-Z]/;
const dataName = /(Config|Options|Limits|Fields)$|^DialTarget$/;

/** `lib/client/group/group-connection.ts: GroupConnectionListener` for each. */
export function rolesOf(sources: readonly Source[]): readonly string[] {
  const files = sources.map(parse);
  const implementations = files.flatMap(implementedIn);
  const hasOne = (name: string): boolean => implementations.filter((implemented) => implemented === name).length === 1;
  return files.flatMap((file) => {
    const roles = interfacesIn(file).filter(
      (node) =>
        !isPublic(node) && !dataName.test(node.name.text) && (roleName.test(node.name.text) || hasOne(node.name.text)),
    );
    return roles.map((node) => `${file.fileName}: ${node.name.text}`);
  });
}

function interfacesIn(file: ts.SourceFile): readonly ts.InterfaceDeclaration[] {
  return file.statements.filter(ts.isInterfaceDeclaration);
}

/** The names behind `implements`. */
function implementedIn(file: ts.SourceFile): readonly string[] {
  const names: string[] = [];
  walk(file, (node) => {
    if (!ts.isClassLike(node)) return;
    const clauses = node.heritageClauses?.filter(({ token }) => token === ts.SyntaxKind.ImplementsKeyword) ?? [];
    names.push(...clauses.flatMap(({ types }) => types.map(({ expression }) => expression.getText())));
  });
  return names;
}

function isPublic(node: ts.Node): boolean {
  return ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'publicApi');
}
