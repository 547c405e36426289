// Check: the lock file is whole, on every platform. npm leaves out of it what the registry at hand did not offer, and
// then `npm ci` does not work elsewhere.
import { readFileSync } from 'node:fs';
import { main } from './report.mjs';

/** @param {string} text */
export function lockFaults(text) {
  const { packages } = JSON.parse(text);
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) => {
    const absent = Object.keys(optionalDependencies).filter((name) => !isLocked(name, path, packages));
    return absent.map((name) => `package-lock.json: ${path} may need ${name}, which is not locked`);
  });
}

/** A package is found beside the one that needs it, or in any folder further out. */
function isLocked(name, from, packages) {
  const folders = from.split('node_modules/');
  const outwards = folders.map((_, depth) => folders.slice(0, folders.length - depth).join('node_modules/'));
  return [...outwards, ''].some((folder) => {
    const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
    return Object.hasOwn(packages, `${prefix}node_modules/${name}`);
  });
}

function faultsHere() {
  const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
  if (!text.includes('"node_modules/@swc/core"')) return ['package-lock.json: does not lock what the tests need'];
  return lockFaults(text);
}

main(import.meta.url, faultsHere, 'the lock file is whole on every platform');
