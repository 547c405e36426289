// Law: no committed file knows the machine it was written on.
import { describe, expect, it } from '@jest/globals';
import { portabilityViolations } from './portable-text.js';
import { projectRoot, readProject } from './source.js';

function violations(text: string, path = 'lib/wire/frame.ts'): readonly string[] {
  return portabilityViolations([{ path, text }]);
}

describe('a committed file', () => {
  const slash = '/';

  it.each([
    ['this checkout', `cd ${projectRoot}lib`],
    ['a home', `see ${slash}home/ann/notes`],
    ['the home of root', `"${slash}root/.config"`],
    ['a folder that will be swept', `write('${slash}tmp/report.json')`],
    ['a Windows home', `C:${'\\'}Users\\ann`],
    ['a private registry', `"resolved": "https:${slash}/npm.registry.example.com/jest.tgz"`],
    ['a mirror', `GOPROXY=http:${slash}/mirror.example.com`],
    ['a host behind a firewall', `https:${slash}/git.example.internal/project`],
  ])('is refused when it names %s', (_, text) => {
    expect(violations(text)).toHaveLength(1);
  });

  it('is refused when it sets a registry for npm', () => {
    expect(violations('registry=example.com', '.npmrc')).toEqual(['.npmrc: names a registry']);
  });

  it.each([
    ['an address of the public registry', `https:${slash}/registry.npmjs.org/jest/-/jest-30.0.0.tgz`],
    ['a path of an address', 'https://example.com/home/page'],
    ['a path of its own', './tmp/report.json, lib/work/item.ts, ~/work/project'],
    ['bytes', '\0/home/ann/'],
  ])('passes when it names %s', (_, text) => {
    expect(violations(text)).toEqual([]);
  });

  it('of this project passes', () => {
    const files = readProject();
    expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(['package.json', 'package-lock.json']));
    expect(portabilityViolations(files)).toEqual([]);
  });
});
