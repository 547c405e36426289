// The syntax of a file, from the checkout or from a test's own example.
import ts from 'typescript';
import type { Source } from '../support/project.js';

const parsed = new WeakMap<Source, ts.SourceFile>();

/** A file that several laws look at is parsed once. */
export function parse(source: Source): ts.SourceFile {
  const known = parsed.get(source);
  if (known) return known;
  const file = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.ES2023, true);
  parsed.set(source, file);
  return file;
}

/** `lib/wire/frame.ts:12`, as an editor opens it. */
export function place(node: ts.Node): string {
  const file = node.getSourceFile();
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}

/** Calls `visit` for the node and for everything below it; `false` keeps it out of the node's children. */
export function walk(node: ts.Node, visit: (node: ts.Node) => boolean | void): void {
  if (visit(node) === false) return;
  ts.forEachChild(node, (child) => walk(child, visit));
}
