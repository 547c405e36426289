// The real nestjs-cls in a microservice with many callers at a time, each of whom must see nothing of the others.
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { guardLeaks } from '../support/leak-guard.js';
import { outputOf } from '../support/program.js';
import { projectRoot } from '../support/project.js';
import type { CrowdReport } from './cls-crowd.js';

const own = guardLeaks();

/** How many checks are made. */
const checks = process.env['CLS_CHECKS'] ?? '3000';

async function runCrowd(): Promise<CrowdReport> {
  const args = [
    '--import',
    join(projectRoot, 'test/support/typescript-loader.mjs'),
    '--disable-warning=ExperimentalWarning',
  ];
  const program = join(projectRoot, 'test/e2e/cls-crowd.ts');
  return JSON.parse(await outputOf(own, process.execPath, [...args, program, checks])) as CrowdReport;
}

it('code sees the store of its own Command, and of its own caller, whatever comes before or beside it', async () => {
  const { own: ownCount, foreign } = await runCrowd();
  expect(foreign).toEqual([]);
  const made = Object.values(ownCount).reduce((sum, count) => sum + count, 0);
  expect(made).toBeGreaterThanOrEqual(Number(checks));
  const kinds = ['value', 'promise', 'observable', 'generator', 'message', 'messages', 'generated', 'event', 'abort'];
  const places = ['guard', 'interceptor', 'enterWith', 'nothing'].flatMap((mount) =>
    kinds.map((kind) => `${mount} ${kind}`),
  );
  expect(Object.keys(ownCount)).toEqual(expect.arrayContaining([...places, 'callback', 'after the call']));
});
