// Law: the oldest protobuf-es that an application may bring is the one that these tests run with.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { projectRoot } from './source.js';

const name = '@bufbuild/protobuf';

interface Peers {
  readonly peerDependencies: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string } & Peers>>;
}

function read<T>(file: string): T {
  return JSON.parse(readFileSync(join(projectRoot, file), 'utf8')) as T;
}

it('the range of the peer protobuf-es begins at the minor version that is locked', () => {
  const { packages } = read<Lock>('package-lock.json');
  const [major, minor] = packages[`node_modules/${name}`]!.version.split('.');
  const range = `^${major}.${minor}.0`;
  expect(read<Peers>('package.json').peerDependencies[name]).toBe(range);
  expect(packages['']!.peerDependencies[name]).toBe(range);
});
