// How a check of the repository ends: with a line for each fault and exit code 1, or with one line and 0.
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/**
 * Runs a check where its file is the program, and not where a test imports it. One that passes says so, unless others
 * read what it prints.
 */
export function main(url, check, passed) {
  if (url !== pathToFileURL(realpathSync(process.argv[1])).href) return;
  const faults = check();
  for (const fault of faults) console.error(fault);
  if (faults.length === 0 && passed !== undefined) console.log(passed);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
