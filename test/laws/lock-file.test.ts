// Law: the lock file is whole, on every platform.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { lockViolations } from './lock-file.js';
import { projectRoot } from './source.js';

const jest = 'node_modules/jest';

function violations(...paths: readonly string[]): readonly string[] {
  const packages = Object.fromEntries(paths.map((path) => [path, {}]));
  return lockViolations(
    JSON.stringify({ packages: { ...packages, [jest]: { optionalDependencies: { swift: '1.0.0' } } } }),
  );
}

it('a lock file is refused when it leaves out a package that some platform needs', () => {
  expect(violations('node_modules/swc')).toEqual(['node_modules/jest may need swift, which is not locked']);
});

it.each(['node_modules/swift', 'node_modules/jest/node_modules/swift'])('a lock file passes when it has %s', (path) => {
  expect(violations(path)).toEqual([]);
});

it('the lock file of this project passes', () => {
  const text = readFileSync(join(projectRoot, 'package-lock.json'), 'utf8');
  expect(text).toContain('"node_modules/@swc/core"');
  expect(lockViolations(text)).toEqual([]);
});
