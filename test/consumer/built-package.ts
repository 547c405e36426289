// The declarations of lib as they are published, of both builds: what tsc writes for it, in a folder that looks like an
// installation.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot, readPackage } from '../support/project.js';

/** Of all that is installed here, what an application with all peers has. */
function installed(): readonly string[] {
  const { peerDependencies } = JSON.parse(readPackage()) as { peerDependencies: Record<string, string> };
  return [...Object.keys(peerDependencies), '@types/node'];
}

/** Writes `node_modules` into the folder, with this package and its peers, and returns where its declarations are. */
export function installInto(folder: string): string {
  const modules = join(folder, 'node_modules');
  const here = join(modules, 'nestjs-cmd-stream');
  mkdirSync(here, { recursive: true });
  cpSync(join(projectRoot, 'package.json'), join(here, 'package.json'));
  for (const name of installed()) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(projectRoot, 'node_modules', name), join(modules, name), 'junction');
  }
  declare('tsconfig.lib.json', join(here, 'dist'));
  declare('tsconfig.cjs.json', join(here, 'dist', 'cjs'));
  writeFileSync(join(here, 'dist', 'cjs', 'package.json'), '{ "type": "commonjs" }');
  return join(here, 'dist', 'lib');
}

function declare(project: string, folder: string): void {
  const compiler = join(projectRoot, 'node_modules/typescript/bin/tsc');
  // As `npm run build:types` does it.
  const flags = [
    '-p',
    project,
    '--declaration',
    '--emitDeclarationOnly',
    '--removeComments',
    'false',
    '--outDir',
    folder,
  ];
  execFileSync(process.execPath, [compiler, ...flags], { cwd: projectRoot, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The doors among the declarations. */
export function doorsIn(declarations: string): readonly string[] {
  return readdirSync(declarations).filter((name) => name.endsWith('.d.ts'));
}
