// Check: whatever names the repository names the one that package.json says. `node .ci/address.mjs OWNER/NAME` sets it,
// in all of these files; until then OWNER stands there, and nothing is released.
import { readFileSync, writeFileSync } from 'node:fs';
import { main } from './report.mjs';

const placeholder = 'OWNER/nestjs-cmd-stream';
const config = '.github/ISSUE_TEMPLATE/config.yml';
const url = (file) => new URL(`../${file}`, import.meta.url);
const read = (file) => readFileSync(url(file), 'utf8');

/** `OWNER/NAME` of a package.json, or undefined where it has no repository of GitHub. */
export function addressOf({ repository }) {
  return /^git\+https:\/\/github\.com\/([\w.-]+\/[\w.-]+)\.git$/.exec(repository?.url ?? '')?.[1];
}

/** What package.json says of a repository. */
export function fieldsOf(address) {
  const page = `https://github.com/${address}`;
  return {
    repository: { type: 'git', url: `git+${page}.git` },
    bugs: `${page}/issues`,
    homepage: `${page}#readme`,
  };
}

/** @param {object} manifest @param {string} links the text of a file whose links to GitHub are all to the repository */
export function addressFaults(manifest, links) {
  const address = addressOf(manifest);
  if (address === undefined) return ['package.json: repository.url is not git+https://github.com/OWNER/NAME.git'];
  const wanted = Object.entries(fieldsOf(address));
  const faults = wanted
    .filter(([name, value]) => JSON.stringify(manifest[name]) !== JSON.stringify(value))
    .map(([name, value]) => `package.json: ${name} is not ${JSON.stringify(value)}`);
  const named = [...links.matchAll(/https:\/\/github\.com\/([\w.-]+\/[\w.-]+)/g)].map(([, name]) => name);
  const strangers = named.filter((name) => name !== address).map((name) => `${config}: leads to ${name}`);
  return [...faults, ...strangers];
}

export function isPlaceholder(manifest) {
  return addressOf(manifest) === placeholder;
}

/** The texts of both files with another address. */
export function withAddress(manifestText, links, address) {
  if (!/^[\w.-]+\/[\w.-]+$/.test(address)) throw new Error(`${address} is not OWNER/NAME`);
  const manifest = JSON.parse(manifestText);
  const old = addressOf(manifest);
  return {
    manifest: `${JSON.stringify({ ...manifest, ...fieldsOf(address) }, null, 2)}\n`,
    links: links.replaceAll(`https://github.com/${old}/`, `https://github.com/${address}/`),
  };
}

function check() {
  const [, , address] = process.argv;
  if (address !== undefined) {
    const { manifest, links } = withAddress(read('package.json'), read(config), address);
    writeFileSync(url('package.json'), manifest);
    writeFileSync(url(config), links);
  }
  return addressFaults(JSON.parse(read('package.json')), read(config));
}

main(import.meta.url, check, 'what names the repository names one and the same');
