// The package as an application sees it: its declarations, as they are published.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { doorsOf } from '../laws/doors.js';
import { projectRoot, readPackage } from '../support/project.js';
import { installInto } from './built-package.js';
import { membersOf, unnameable, type Doors } from './named-types.js';
import { strictMembers } from './optional-members.js';

/** Roles, which are played by classes: what a class may leave out are methods. */
const roles = /^(CommandInvoker|TypeEntry)\./;
/** The strictest application that declares what it exports. */
const compilerOptions = {
  target: 'ES2023',
  lib: ['ES2023'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: false,
  declaration: true,
  emitDeclarationOnly: true,
  rootDir: 'src',
};
const doors = doorsOf(readPackage()).map((path) => basename(path, '.ts'));

let folder: string;
let declarations: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'consumer-'));
  declarations = installInto(folder);
}, 240_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a door', () => {
  const pathOf = (door: string): string => join(declarations, `${door}.d.ts`).replaceAll('\\', '/');
  let published: Doors;

  beforeAll(() => {
    const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, types: ['node'], strict: true };
    const program = ts.createProgram(doors.map(pathOf), options);
    const own = declarations.replaceAll('\\', '/');
    published = { program, isOwn: (path) => path.startsWith(own) };
  }, 60_000);

  it.each(['index', 'core'])('exports the types that it names: %s', (door) => {
    expect(unnameable(published, pathOf(door))).toEqual([]);
  });

  it.each(doors.filter((door) => door !== 'index' && door !== 'core'))(
    'exports the types that it names, or a door that it is used with does: %s',
    (door) => {
      expect(unnameable(published, pathOf(door), pathOf('core'), pathOf('index'))).toEqual([]);
    },
  );

  it.each([
    ['mus', 'MusStruct', ['encode', 'toBytes'], ['create', 'describe', 'drawn', 'fill', 'shell', 'target', 'types']],
    ['mus', 'PointerScope', ['ptr', 'ref'], ['numbering', 'within']],
  ])('shows what is called, and not what the package alone calls: %s, %s', (door, name, shown, hidden) => {
    const members = membersOf(published, pathOf(door), name);
    expect(members).toEqual(expect.arrayContaining(shown));
    expect(members.filter((member) => hidden.includes(member))).toEqual([]);
  });

  it.each(doors)('takes undefined for what may be left out: %s', (door) => {
    expect(strictMembers(published, pathOf(door)).filter((name) => !roles.test(name))).toEqual([]);
  });
});

describe('an application that declares what it exports', () => {
  beforeAll(() => {
    cpSync(join(import.meta.dirname, 'project'), join(folder, 'src'), { recursive: true });
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  });

  const compilers = ['typescript-5.9', 'typescript', 'typescript-7'];

  it.each(compilers.flatMap((name) => ['module', 'commonjs'].map((type) => [name, type] as const)))(
    'compiles by %s as a project of the type %s, and so do the declarations of this package',
    async (name, type) => {
      const compiler = join(projectRoot, 'node_modules', name, 'bin', 'tsc');
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }));
      const outDir = join(folder, `${name} ${type}`);
      const args = [compiler, '-p', folder, '--outDir', outDir, '--pretty', 'false'];
      const output = await promisify(execFile)(process.execPath, args).then(
        ({ stdout }) => stdout,
        ({ stdout }: { stdout: string }) => stdout,
      );
      expect(output).toBe('');
      expect(readFileSync(join(outDir, 'clients.d.ts'), 'utf8')).toContain('CommandClient');
    },
    120_000,
  );
});
