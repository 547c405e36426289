// Law: barrels stand only at the doors of the package, and a door names what it exports.
import { describe, expect, it } from '@jest/globals';
import { barrelViolations, doorsOf } from './doors.js';
import { readLib, readPackage } from '../support/project.js';

const core = {
  path: 'lib/core.ts',
  text: `import 'reflect-metadata';\nexport { GroupConnection, type Call } from './client/link.js';`,
};

function violations(path: string, text: string): readonly string[] {
  return barrelViolations([core, { path, text }], ['lib/core.ts', ...(path === 'lib/index.ts' ? [path] : [])]);
}

describe('doors', () => {
  it('are the exports of package.json', () => {
    const exports = { '.': { import: { default: './dist/lib/index.js' } }, './package.json': './package.json' };
    expect(doorsOf(JSON.stringify({ exports }))).toEqual(['lib/index.ts']);
  });

  it('must be there', () => {
    expect(barrelViolations([], ['lib/core.ts'])).toHaveLength(1);
  });

  it.each([
    ['a star', `export * from './nest/client.js';`],
    ['a star with a name', `export * as client from './nest/client.js';`],
    ['a declaration', `export const answer = 42;`],
    ['an import', `import { GroupConnection } from './client/link.js';`],
    ['a local export', `export { GroupConnection };`],
  ])('hold no %s', (_, text) => {
    expect(violations('lib/index.ts', text)).toHaveLength(1);
  });

  it('hold named re-exports, of types too', () => {
    expect(violations('lib/index.ts', `export type { Call } from './client/call.js';`)).toEqual([]);
  });
});

describe('a file that is no door', () => {
  it.each([
    ['a barrel', 'lib/client/all.ts', `export { GroupConnection } from './link.js';`],
    [
      'a barrel that imports first',
      'lib/client/all.ts',
      `import { GroupConnection } from './link.js';\nexport { GroupConnection };`,
    ],
    ['an index', 'lib/client/index.ts', `export class GroupConnection {}`],
    ['a star', 'lib/client/link.ts', `export * from './call.js';\nexport class GroupConnection {}`],
  ])('is not %s', (_, path, text) => {
    expect(violations(path, text)).toHaveLength(1);
  });

  it('may pass on a name beside its own', () => {
    expect(
      violations('lib/client/link.ts', `export { Call } from './call.js';\nexport class GroupConnection {}`),
    ).toEqual([]);
  });
});

it('lib has barrels only at its doors', () => {
  const doors = doorsOf(readPackage());
  expect(doors).toEqual(expect.arrayContaining(['lib/index.ts', 'lib/core.ts']));
  expect(barrelViolations(readLib(), doors)).toEqual([]);
});
