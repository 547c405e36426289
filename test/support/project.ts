// The files of this project, read once for all who look at them: the laws, and the tests of the documents.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `path` is relative to the project's root, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

let project: readonly Source[] | undefined;

/** Every file that is committed, or would be: what .gitignore names is left out. */
export function readProject(): readonly Source[] {
  return (project ??= listed()
    .filter((path) => existsSync(join(projectRoot, path)))
    .map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') })));
}

/** Every source file of lib; an error where there is none, since a law that sees nothing holds for everything. */
export function readLib(): readonly Source[] {
  const lib = readProject().filter(({ path }) => path.startsWith('lib/') && /\.c?ts$/.test(path));
  if (!lib.some(({ path }) => path === 'lib/core.ts')) throw new Error('lib/core.ts is not there');
  return lib;
}

export function readPackage(): string {
  return readFileSync(join(projectRoot, 'package.json'), 'utf8');
}

function listed(): readonly string[] {
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const output = execFileSync('git', args, { cwd: projectRoot, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return output.split('\0').filter((path) => path !== '');
}
