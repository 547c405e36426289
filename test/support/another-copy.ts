// A second copy of the package in this process, beside the same Nest and the same rxjs: what an application has that
// loads the package as an ES module and by `require`, or a bundle of it beside the package.
import { execFile } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Folder } from './folder.js';
import { projectRoot } from './project.js';

/** Two doors, with those classes that both have. */
export type Copy = typeof import('nestjs-cmd-stream') & typeof import('nestjs-cmd-stream/mus') & CoreOnly;
type CoreOnly = Pick<typeof import('nestjs-cmd-stream/core'), 'CommandClient' | 'CommandServer' | 'ExecInvoker'>;

const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');

/** Puts it into the folder, as one file whose packages are those of this project, and loads it. */
export async function anotherCopy(folder: Folder): Promise<Copy> {
  const entry = folder.file('entry.ts');
  const doors = ['index', 'mus', 'core'].map((door) => JSON.stringify(join(projectRoot, 'lib', `${door}.ts`)));
  writeFileSync(entry, doors.map((door) => `export * from ${door};\n`).join(''));
  symlinkSync(join(projectRoot, 'node_modules'), folder.file('node_modules'), 'junction');
  const outfile = folder.file('copy.mjs');
  const fixed = ['--bundle', '--format=esm', '--platform=node', '--packages=external', '--log-level=error'];
  await promisify(execFile)(esbuild, [entry, ...fixed, `--outfile=${outfile}`], { cwd: projectRoot });
  return (await import(outfile)) as Copy;
}
