// The stress test itself, for a few seconds: that it can be run, and that what it shows holds. It is run for minutes in
// CI, and for hours by hand.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { Folder } from '../support/folder.js';
import { guardLeaks } from '../support/leak-guard.js';
import { outputOf } from '../support/program.js';
import { projectRoot } from '../support/project.js';

const LIMIT_MS = 180_000;

describe('npm run stress', () => {
  const own = guardLeaks();
  const run = (...args: readonly string[]): Promise<string> => {
    const loader = pathToFileURL(join(projectRoot, 'test/support/typescript-loader.mjs')).href;
    const program = join(import.meta.dirname, 'main.ts');
    return outputOf(own, process.execPath, ['--import', loader, program, ...args], { cwd: projectRoot });
  };

  it(
    'sends Commands through faults, and loses, doubles and mistakes none',
    async () => {
      const folder = own(new Folder());
      const [json, svg] = [folder.file('stress.json'), folder.file('stress.svg')];
      const faults = ['--fault-gap-max-ms', '1000', '--fault-max-ms', '1000', '--server-downtime-max-ms', '200'];
      const files = ['--json', json, '--svg', svg];
      const text = await run('--minutes', '0.1', '--seed', '3', '--rate', '150', '--no-go', ...faults, ...files);
      expect(text).toMatch(/PASSED\n/);
      const figures = JSON.parse(readFileSync(json, 'utf8')) as Record<string, unknown>;
      expect(figures).toMatchObject({ passed: true, seed: 3, verifyErrors: 0, lost: 0, duplicated: 0, pending: 0 });
      expect(figures['ok']).toBeGreaterThan(100);
      expect(figures['faults']).toBeGreaterThan(4);
      expect(readFileSync(svg, 'utf8')).toContain('<polyline');
    },
    LIMIT_MS,
  );

  it(
    'kills a server under its callers, all of which are settled',
    async () => {
      expect(await run('--only', 'kill9', '--kills', '2', '--settle-ms', '20000')).toMatch(/PASSED\n/);
    },
    LIMIT_MS,
  );

  it(
    'ends with 1 when what it was to show does not hold, and with 2 for flags that make no sense',
    async () => {
      await expect(run('--only', 'kill9', '--kills', '1', '--settle-ms', '0')).rejects.toThrow(/ended with 1/);
      await expect(run('--minutes', 'soon')).rejects.toThrow(/ended with 2: minutes must be a number/);
    },
    LIMIT_MS,
  );
});
