// Check before a release: the tag, package.json and CHANGELOG.md speak of one version, and the repository has its
// address. `node .ci/release.mjs v1.2.3` checks; with `--notes` it prints what the changelog says of the version.
import { readFileSync } from 'node:fs';
import { isPlaceholder } from './address.mjs';
import { main } from './report.mjs';

const read = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');

/** What stands under the heading of a version, or undefined where there is none. */
export function notesOf(changelog, version) {
  const sections = changelog.split(/^## (?=\[)/m).slice(1);
  const section = sections.find((text) => text.startsWith(`[${version}] - `));
  return section?.split('\n').slice(1).join('\n').trim();
}

/** @param {string} tag @param {{ version: string }} manifest @param {string} changelog */
export function releaseFaults(tag, manifest, changelog) {
  const { version } = manifest;
  const faults = [];
  if (tag !== `v${version}`) faults.push(`the tag is ${tag}, package.json has version ${version}: v${version}`);
  if (isPlaceholder(manifest)) faults.push('package.json: the repository is a placeholder; see .ci/address.mjs');
  if (!/^\d{4}-\d\d-\d\d$/.test(new RegExp(`^## \\[${version}\\] - (.*)$`, 'm').exec(changelog)?.[1] ?? '')) {
    faults.push(`CHANGELOG.md: has no "## [${version}] - YEAR-MONTH-DAY"`);
  }
  if ((notesOf(changelog, version) ?? 'none') === '') faults.push(`CHANGELOG.md: says nothing of ${version}`);
  return faults;
}

const [, , tag = '', flag] = process.argv;
const notes = flag === '--notes' ? notesOf(read('CHANGELOG.md'), tag.slice(1)) : undefined;
main(
  import.meta.url,
  () => releaseFaults(tag, JSON.parse(read('package.json')), read('CHANGELOG.md')),
  notes ?? `${tag} can be released`,
);
