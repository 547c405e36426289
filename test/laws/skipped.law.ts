// Law: a test that is skipped says why, and the end of the run says it again. What was left out unseen is not tested.
import { describe, expect, it } from '@jest/globals';
import { readProject } from '../support/project.js';
import { linesOfSkipped } from '../support/skip-reporter.mjs';

const own = new Set(['test/support/unless.ts', 'test/laws/skipped.law.ts']);

describe('tests that are skipped', () => {
  it('are so by describeUnless() and itUnless(), which say why', () => {
    const tests = readProject().filter(({ path }) => /^test\/.*\.ts$/.test(path) && !own.has(path));
    expect(tests.length).toBeGreaterThan(300);
    const skipping = /\b(?:describe|it|test)\.(?:skip|todo)\b/;
    expect(tests.filter(({ text }) => skipping.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it('are counted at the end, by their reasons and files', () => {
    const skipped = (title: string) => ({ status: 'pending', fullName: title });
    const suites = [
      {
        testFilePath: '/project/test/b.test.ts',
        testResults: [
          skipped('a peer [skipped: Go is not installed] answers'),
          skipped('a peer [skipped: Go is not installed] fails'),
          skipped('left out by -t'),
          { status: 'passed', fullName: 'says [skipped: nothing]' },
        ],
      },
      {
        testFilePath: '/project/test/a.test.ts',
        testResults: [skipped('prints [skipped: Go is not installed]'), skipped('a [skipped: this is no Linux]')],
      },
    ];
    expect(linesOfSkipped('/project', suites)).toEqual([
      '3 tests were skipped: Go is not installed',
      '  test/a.test.ts: 1',
      '  test/b.test.ts: 2',
      '1 test was skipped: this is no Linux',
      '  test/a.test.ts: 1',
    ]);
    expect(linesOfSkipped('/project', [])).toEqual([]);
  });
});
