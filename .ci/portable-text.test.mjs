// What the check of portable text refuses, and what it lets pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portabilityFaults, projectRoot } from './portable-text.mjs';

const slash = '/';

function faults(text, path = 'lib/wire/frame.ts') {
  return portabilityFaults([{ path, text }]);
}

for (const [name, text] of [
  ['this checkout', `cd ${projectRoot}lib`],
  ['a home', `see ${slash}home/ann/notes`],
  ['the home of root', `"${slash}root/.config"`],
  ['a folder that will be swept', `write('${slash}tmp/report.json')`],
  ['a Windows home', `C:${'\\'}Users\\ann`],
  ['a private registry', `"resolved": "https:${slash}/npm.registry.example.com/jest.tgz"`],
  ['a mirror', `GOPROXY=http:${slash}/mirror.example.com`],
  ['a host behind a firewall', `https:${slash}/git.example.internal/project`],
]) {
  test(`a committed file is refused when it names ${name}`, () => assert.equal(faults(text).length, 1));
}

test('a committed file is refused when it sets a registry for npm', () => {
  assert.deepEqual(faults('registry=example.com', '.npmrc'), ['.npmrc: names a registry']);
});

for (const [name, text] of [
  ['an address of the public registry', `https:${slash}/registry.npmjs.org/jest/-/jest-30.0.0.tgz`],
  ['a path of an address', 'https://example.com/home/page'],
  ['a path of its own', './tmp/report.json, lib/mnt/item.ts, ~/mnt/project'],
  ['bytes', '\0/home/ann/'],
]) {
  test(`a committed file passes when it names ${name}`, () => assert.deepEqual(faults(text), []));
}
