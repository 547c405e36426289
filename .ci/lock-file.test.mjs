// What the check of the lock file refuses, and what it lets pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lockFaults } from './lock-file.mjs';

function faults(path) {
  const jest = { optionalDependencies: { swift: '1.0.0' } };
  return lockFaults(JSON.stringify({ packages: { [path]: {}, 'node_modules/jest': jest } }));
}

test('a lock file is refused when it leaves out a package that some platform needs', () => {
  assert.deepEqual(faults('node_modules/swc'), [
    'package-lock.json: node_modules/jest may need swift, which is not locked',
  ]);
});

for (const path of ['node_modules/swift', 'node_modules/jest/node_modules/swift']) {
  test(`a lock file passes when it has ${path}`, () => assert.deepEqual(faults(path), []));
}
