// Law: no circles of imports, types included; no way from the core to Nest or rxjs; and none to an optional peer but
// from the door that is for it.
import { describe, expect, it } from '@jest/globals';
import { doorsOf } from './doors.js';
import { cycles, reachViolations } from './reach.js';
import { readLib, readPackage } from '../support/project.js';

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

describe('a door', () => {
  const optional = Object.entries(
    (JSON.parse(readPackage()) as { peerDependenciesMeta: Record<string, { optional: boolean }> }).peerDependenciesMeta,
  ).flatMap(([name, meta]) => (meta.optional ? [name] : []));
  /**
   * Whose door may load what; class-validator is loaded with the first Command that needs it, class-transformer with
   * the first JSON codec, where it is installed.
   */
  const allowed: Readonly<Record<string, readonly string[]>> = {
    'lib/index.ts': ['class-transformer', 'class-validator'],
    'lib/core.ts': ['class-transformer'],
    'lib/protobuf.ts': ['@bufbuild/protobuf'],
    'lib/cockatiel.ts': ['cockatiel'],
    'lib/otel.ts': ['@opentelemetry/api'],
    'lib/terminus.ts': ['@nestjs/terminus', 'class-transformer'],
    'lib/testing.ts': ['class-transformer'],
  };

  it.each(doorsOf(readPackage()))('loads no optional peer that it is not for: %s', (door) => {
    const foreign = optional.filter((name) => !(allowed[door] ?? []).includes(name));
    const found = foreign.flatMap((name) => reachViolations(readLib(), door, new RegExp(`^${name}(/|$)`)));
    expect(found).toEqual([]);
  });

  it.each(Object.entries(allowed))('that is for an optional peer loads it: %s', (door, names) => {
    for (const name of names) {
      expect(optional).toContain(name);
      expect(reachViolations(readLib(), door, new RegExp(`^${name}(/|$)`))).not.toEqual([]);
    }
  });
});
