// Check: no committed file knows the machine it was written on: no path of it, no registry but the public one.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from './report.mjs';

export const projectRoot = fileURLToPath(new URL('../', import.meta.url));
const absolutePath =
  /(?<![\w.~$}-])\/(?:root|home|Users|tmp|private|mnt|work|workspace|builds)\/[\w.@-]|\b[A-Z]:\\Users\\/;
const address = /\bhttps?:\/\/([^\s/'"`<>)\\:]+)/g;
const privateHost = /(^|[.-])(registry|mirror|artifactory|nexus|verdaccio)([.-]|$)|\.(internal|corp|lan)$/;
const publicRegistry = 'registry.npmjs.org';
const registrySetting = /^\s*(@[\w-]+:)?registry\s*=|_authToken|^\s*https?-proxy\s*=/m;
/** This checkout and this user, unless the path is too short to mean anything. */
const ownPaths = [projectRoot, `${homedir()}/`].filter((path) => path.split('/').length > 3);

/** @param {readonly { path: string, text: string }[]} files */
export function portabilityFaults(files) {
  return files.flatMap(({ path, text }) => {
    if (text.includes('\0')) return [];
    const faults = text
      .split('\n')
      .flatMap((line, at) => lineFaults(line).map((fault) => `${path}:${at + 1}: ${fault}`));
    if (/(^|\/)\.npmrc$/.test(path) && registrySetting.test(text)) faults.push(`${path}: names a registry`);
    return faults;
  });
}

function lineFaults(line) {
  const faults = [];
  const found = ownPaths.find((path) => line.includes(path)) ?? absolutePath.exec(line)?.[0];
  if (found !== undefined) faults.push(`a path of one machine, ${found}`);
  for (const [, host = ''] of line.matchAll(address)) {
    if (privateHost.test(host) && host !== publicRegistry) faults.push(`a private host, ${host}`);
  }
  return faults;
}

/** Every file that is committed, or would be: what .gitignore names is left out. */
function committedFiles() {
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', args, { cwd: projectRoot, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const paths = listed.split('\0').filter((path) => path !== '' && existsSync(join(projectRoot, path)));
  // A check that sees nothing holds for everything.
  for (const path of ['package.json', 'package-lock.json']) {
    if (!paths.includes(path)) throw new Error(`git does not list ${path}`);
  }
  return paths.map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }));
}

main(import.meta.url, () => portabilityFaults(committedFiles()), 'no file knows the machine it was written on');
