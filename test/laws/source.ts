// What the laws read: a file's place and text, from the checkout or from a test's own example.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** `path` is relative to the project's root, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

/** Every file that is committed, or would be: what .gitignore names is left out. */
export function readProject(): readonly Source[] {
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', args, { cwd: projectRoot, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return listed
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(projectRoot, path)))
    .map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }));
}

/** Every source file of lib; an error where there is none, since a law that sees nothing holds for everything. */
export function readLib(): readonly Source[] {
  const lib = readProject().filter(({ path }) => path.startsWith('lib/') && path.endsWith('.ts'));
  if (!lib.some(({ path }) => path === 'lib/core.ts')) throw new Error('lib/core.ts is not there');
  return lib;
}

export function readPackage(): string {
  return readFileSync(join(projectRoot, 'package.json'), 'utf8');
}

export function parse({ path, text }: Source): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
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
