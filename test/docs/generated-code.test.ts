// What `npm run generate` writes is what is committed. The generators are packages of npm and need no network.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { guardLeaks } from '../support/leak-guard.js';
import { outputOf } from '../support/program.js';
import { projectRoot, readPackage } from '../support/project.js';

const own = guardLeaks();
const { generate } = (JSON.parse(readPackage()) as { scripts: { generate: string } }).scripts;
const runs = generate.split(' && ').map((command) => command.split(' '));
const generated = ['sample/02-protobuf/gen', 'test/fixtures/protobuf/gen', 'test/fixtures/protobuf/gen-ts-proto'];

let folder: string | undefined;
afterEach(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function textsIn(root: string, path: string): Promise<readonly (readonly [string, string])[]> {
  const names = await readdir(join(root, path));
  return Promise.all(names.map(async (name) => [name, await readFile(join(root, path, name), 'utf8')] as const));
}

describe('generated code', () => {
  it('is made by as many runs as there are folders of it', () => {
    expect(runs.map(([program, verb]) => `${program} ${verb}`)).toEqual(generated.map(() => 'buf generate'));
  });

  it.each(generated.map((path, at) => [path, runs[at]!] as const))(
    'is what the generators make of the .proto files: %s',
    async (path, [program = '', ...args]) => {
      folder = await mkdtemp(join(tmpdir(), 'generated-'));
      const bin = join(projectRoot, 'node_modules', '.bin');
      const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` };
      await outputOf(own, join(bin, program), [...args, '--output', folder], { cwd: projectRoot, env });
      const made = await textsIn(folder, path);
      expect(made.length).toBeGreaterThan(0);
      expect(made).toEqual(await textsIn(projectRoot, path));
    },
    60_000,
  );
});
