// Nothing that is committed knows the machine it was written on: no path of it, no registry but the public one.
import { homedir } from 'node:os';
import { projectRoot, type Source } from './source.js';

const absolutePath =
  /(?<![\w.~$}-])\/(?:root|home|Users|tmp|private|mnt|work|workspace|builds)\/[\w.@-]|\b[A-Z]:\\Users\\/;
const address = /\bhttps?:\/\/([^\s/'"`<>)\\:]+)/g;
const privateHost = /(^|[.-])(registry|mirror|artifactory|nexus|verdaccio)([.-]|$)|\.(internal|corp|lan)$/;
const publicRegistry = 'registry.npmjs.org';
const registrySetting = /^\s*(@[\w-]+:)?registry\s*=|_authToken|^\s*https?-proxy\s*=/m;
/** This checkout and this user, unless the path is too short to mean anything. */
const ownPaths = [projectRoot, `${homedir()}/`].filter((path) => path.split('/').length > 3);

export function portabilityViolations(files: readonly Source[]): readonly string[] {
  return files.flatMap(({ path, text }) => {
    if (text.includes('\0')) return [];
    const faults = text
      .split('\n')
      .flatMap((line, at) => lineFaults(line).map((fault) => `${path}:${at + 1}: ${fault}`));
    if (/(^|\/)\.npmrc$/.test(path) && registrySetting.test(text)) faults.push(`${path}: names a registry`);
    return faults;
  });
}

function lineFaults(line: string): readonly string[] {
  const faults: string[] = [];
  const found = ownPaths.find((path) => line.includes(path)) ?? absolutePath.exec(line)?.[0];
  if (found !== undefined) faults.push(`a path of one machine, ${found}`);
  for (const [, host = ''] of line.matchAll(address)) {
    if (privateHost.test(host) && host !== publicRegistry) faults.push(`a private host, ${host}`);
  }
  return faults;
}
