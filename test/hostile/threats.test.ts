// The table of threats is whole, and names tests that there are.
import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../support/project.js';
import { threats } from './threats.js';

const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');
const own = readdirSync(join(projectRoot, 'test/hostile'))
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => read(`test/hostile/${file}`))
  .join('\n');

it('the threats are S1 to S28 and C1 to C19', () => {
  const ids = [
    ...Array.from({ length: 28 }, (_, at) => `S${at + 1}`),
    ...Array.from({ length: 19 }, (_, at) => `C${at + 1}`),
  ];
  expect(threats.map(({ id }) => id)).toEqual(ids);
});

it.each(threats)('the table holds $id by a test, or says why none does', ({ id, elsewhere = [], without }) => {
  const isHeld = own.includes(`describe('${id} `) || elsewhere.length > 0;
  expect(isHeld).toBe(without === undefined);
  for (const [file, name] of elsewhere) expect(read(file)).toContain(name);
});
