// Ends a run with what was not tested on this machine, and why: a run that is green says what it did not look at.
// `unless.ts` beside this put the reasons into the titles.
import { relative } from 'node:path';

const REASON = /\[skipped: ([^\]]+)\]/;

/** The lines for tests that were skipped for a reason, grouped by it; none where there are none. */
export function linesOfSkipped(rootFolder, suites) {
  const reasons = new Map();
  for (const { testFilePath, testResults } of suites) {
    for (const { status, fullName } of testResults) {
      const [, reason] = REASON.exec(fullName) ?? [];
      if (status !== 'pending' || reason === undefined) continue;
      const files = reasons.get(reason) ?? new Map();
      reasons.set(reason, files.set(testFilePath, (files.get(testFilePath) ?? 0) + 1));
    }
  }
  const lines = [];
  for (const [reason, files] of [...reasons].toSorted()) {
    const total = [...files.values()].reduce((sum, count) => sum + count);
    lines.push(`${total} ${total === 1 ? 'test was' : 'tests were'} skipped: ${reason}`);
    for (const [file, count] of [...files].toSorted()) lines.push(`  ${relative(rootFolder, file)}: ${count}`);
  }
  return lines;
}

export default class SkipReporter {
  constructor({ rootDir }) {
    this.rootFolder = rootDir;
  }

  onRunComplete(_contexts, { testResults }) {
    const lines = linesOfSkipped(this.rootFolder, testResults);
    if (lines.length > 0) process.stderr.write(`\n${lines.join('\n')}\n`);
  }
}
