// The sample 05-drop-in does what it says, and its README shows all that has changed between its two folders.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { guardLeaks } from '../support/leak-guard.js';
import { projectRoot } from '../support/project.js';
import { printedOutput, readmeBlocks, shownOutput } from '../support/sample.js';

const own = guardLeaks();
const name = '05-drop-in';

/** As `git diff` has it, without the lines that are no part of either file. */
function difference(before: string, after: string): string {
  const args = ['diff', '--no-index', '--no-color', '--no-ext-diff', '--src-prefix=', '--dst-prefix=', '--unified=1'];
  const { stdout } = spawnSync('git', [...args, before, after], {
    cwd: join(projectRoot, 'sample', name),
    encoding: 'utf8',
  });
  const lines = stdout.trimEnd().split('\n');
  return lines
    .filter((line) => !/^(diff|index) /.test(line))
    .map((line) => line.replace(/^(@@ .* @@).*/, '$1'))
    .join('\n');
}

describe('sample 05-drop-in', () => {
  it('prints what its README says, and ends', async () => {
    expect(await printedOutput(own, name)).toBe(shownOutput(name));
  });

  it('has the difference of its folders in its README', () => {
    const shown = readmeBlocks(name).find(({ language }) => language === 'diff')!;
    expect(shown.lines.join('\n')).toBe(difference('before', 'after'));
  });
});
