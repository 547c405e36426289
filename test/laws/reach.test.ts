// Law: no circles of imports, types included; and no way from the core to Nest or rxjs.
import { describe, expect, it } from '@jest/globals';
import { cycles, reachViolations } from './reach.js';
import { readLib, readPackage } from './source.js';

const nest = /^(@nestjs\/|rxjs(\/|$))/;

describe('circles of imports', () => {
  it('are found when types close them', () => {
    const a = { path: 'lib/wire/a.ts', text: `import { b } from './b.js';` };
    const b = { path: 'lib/wire/b.ts', text: `import { c } from '../codec/c.js';` };
    const c = { path: 'lib/codec/c.ts', text: `import type { A } from '../wire/a.js';` };
    expect(cycles([c, a, b])).toEqual(['lib/codec/c.ts > lib/wire/a.ts > lib/wire/b.ts > lib/codec/c.ts']);
  });

  it('are not seen where two ways lead to one file', () => {
    const a = { path: 'lib/a.ts', text: `import { b } from './b.js'; import { c } from './c.js';` };
    const b = { path: 'lib/b.ts', text: `import { c } from './c.js';` };
    expect(cycles([a, b, { path: 'lib/c.ts', text: '' }])).toEqual([]);
  });

  it('do not exist in lib', () => {
    expect(cycles(readLib())).toEqual([]);
  });
});

describe('the core door', () => {
  it('is caught when a file behind it names Nest', () => {
    const door = { path: 'lib/core.ts', text: `export { link } from './client/link.js';` };
    const link = { path: 'lib/client/link.ts', text: `import { wait } from './wait.js';` };
    const wait = { path: 'lib/client/wait.ts', text: `import type { Observable } from 'rxjs';` };
    expect(reachViolations([wait, door, link], 'lib/core.ts', nest)).toEqual([
      'lib/core.ts > lib/client/link.ts > lib/client/wait.ts: rxjs',
    ]);
  });

  it('is not blamed for files it does not reach', () => {
    const door = { path: 'lib/core.ts', text: '' };
    const client = { path: 'lib/nest/client.ts', text: `import { Observable } from 'rxjs';` };
    expect(reachViolations([door, client], 'lib/core.ts', nest)).toEqual([]);
  });

  it('reaches no Nest and no rxjs', () => {
    const lib = readLib();
    expect(lib.map(({ path }) => path)).toContain('lib/core.ts');
    expect(reachViolations(lib, 'lib/core.ts', nest)).toEqual([]);
  });
});

it('the doors that everybody uses reach no optional peer', () => {
  const { peerDependenciesMeta } = JSON.parse(readPackage()) as { peerDependenciesMeta: object };
  const optional = new RegExp(`^(${Object.keys(peerDependenciesMeta).join('|')})(/|$)`);
  expect('cockatiel').toMatch(optional);
  for (const door of ['lib/index.ts', 'lib/core.ts']) expect(reachViolations(readLib(), door, optional)).toEqual([]);
});
