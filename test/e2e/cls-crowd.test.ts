// The real nestjs-cls in a microservice with many callers at a time, each of whom must see nothing of the others.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { projectRoot } from '../support/project.js';
import type { CrowdReport } from './cls-crowd.js';

/** How many checks are made. */
const checks = process.env['CLS_CHECKS'] ?? '3000';

async function runCrowd(): Promise<CrowdReport> {
  const args = [
    '--import',
    join(projectRoot, 'test/support/typescript-loader.mjs'),
    '--disable-warning=ExperimentalWarning',
  ];
  const program = join(projectRoot, 'test/e2e/cls-crowd.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [...args, program, checks]);
  return JSON.parse(stdout) as CrowdReport;
}

it('code sees the store of its own Command, and of its own caller, whoever comes before, beside or behind it', async () => {
  const { own, foreign } = await runCrowd();
  expect(foreign).toEqual([]);
  const made = Object.values(own).reduce((sum, count) => sum + count, 0);
  expect(made).toBeGreaterThanOrEqual(Number(checks));
  const kinds = ['value', 'promise', 'observable', 'generator', 'message', 'messages', 'generated', 'event', 'abort'];
  const places = ['guard', 'interceptor', 'enterWith', 'nothing'].flatMap((mount) =>
    kinds.map((kind) => `${mount} ${kind}`),
  );
  expect(Object.keys(own)).toEqual(expect.arrayContaining([...places, 'callback', 'after the call']));
});
