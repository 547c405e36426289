// The benchmarks run: one key, with turns far too short to say anything about speed.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Folder } from '../support/folder.js';
import { projectRoot } from '../support/project.js';

const execute = promisify(execFile);
const program = ['--import', './test/support/typescript-loader.mjs', 'test/bench/main.ts'];
const shortest = ['--rounds', '2', '--seconds', '0.05', '--warm-up', '0.05'];
const TIMEOUT_MS = 120_000;

function bench(...args: string[]) {
  return execute(process.execPath, [...program, ...args], { cwd: projectRoot, timeout: TIMEOUT_MS });
}

describe('npm run bench', () => {
  const folder = new Folder();
  afterAll(() => folder.destroy());

  it(
    'prints what it does and what it found, and writes the files that were asked for',
    async () => {
      const [json, svg, markdown] = ['a.json', 'a.svg', 'a.md'].map((name) => folder.file(name)) as [
        string,
        string,
        string,
      ];
      const files = ['--json', json, '--svg', svg, '--markdown', markdown];
      const { stdout, stderr } = await bench('--only', 'latency-vs-ceiling', ...shortest, ...files);

      expect(stderr).toMatch(/ \d+:\d\d {2}latency: round 2\/2, ceiling: [\d,]+ calls\/s/);
      expect(stdout).toMatch(/^latency-vs-ceiling +\d+\.\d+ +\S+ to \S+ +≤ 1.25 +(met|MISSED)/m);
      expect(stdout).toContain(`node ${process.versions.node}`);
      const { ratios, raw } = JSON.parse(readFileSync(json, 'utf8')) as {
        ratios: Record<string, number>;
        raw: { contests: { samples: Record<string, { unitsPerSecond: number; serverCpu: number }[]> }[] };
      };
      expect(Object.keys(ratios)).toEqual(['latency-vs-ceiling']);
      const { execute: ours, ceiling } = raw.contests[0]!.samples;
      for (const samples of [ours, ceiling]) {
        expect(samples).toHaveLength(2);
        for (const { unitsPerSecond } of samples!) expect(unitsPerSecond).toBeGreaterThan(0);
      }
      expect(readFileSync(svg, 'utf8')).toContain('nestjs-cmd-stream, execute');
      expect(readFileSync(markdown, 'utf8')).toContain('| `latency-vs-ceiling` |');
    },
    TIMEOUT_MS,
  );

  it('fails with what is wrong about its command line', async () => {
    await expect(bench('--only', 'fastest')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no key "fastest"'),
    });
  });
});
