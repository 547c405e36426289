// Check before npm packs (`prepack` in package.json): both builds are whole, and newer than the sources. Otherwise it
// would be a user who finds what is missing.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from './report.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const BUILDS = ['dist/lib', 'dist/cjs'];

/** What a build makes of a source file of lib. */
function outputsOf(source, build) {
  const [, stem, kind] = /^lib\/(.*)\.(c?)ts$/.exec(source);
  return [`.${kind}js`, `.${kind}js.map`, `.d.${kind}ts`].map((ending) => `${build}/${stem}${ending}`);
}

/** The command line is a program, which nothing imports: there are ES modules of it alone. */
const isBuilt = (source, build) => build === 'dist/lib' || !/^lib\/cli[./]/.test(source);

/** @param {Map<string, number>} files the files of lib and dist, and when they were written */
export function buildFaults(files) {
  const sources = [...files.keys()].filter((file) => file.startsWith('lib/'));
  const faults = files.has('dist/cjs/package.json') ? [] : ['dist/cjs/package.json: is not there'];
  for (const build of BUILDS) {
    const expected = new Map();
    for (const source of sources.filter((file) => isBuilt(file, build))) {
      for (const output of outputsOf(source, build)) expected.set(output, source);
    }
    for (const [output, source] of expected) {
      if (!files.has(output)) faults.push(`${output}: is not there`);
      else if (files.get(output) < files.get(source)) faults.push(`${output}: is older than ${source}`);
    }
    const isKnown = (file) => expected.has(file.replace(/(\.d\.c?ts)\.map$/, '$1')) || file === 'dist/cjs/package.json';
    const built = [...files.keys()].filter((file) => file.startsWith(`${build}/`));
    for (const file of built) if (!isKnown(file)) faults.push(`${file}: comes from no file of lib`);
  }
  return faults;
}

/** The first few faults, and what to do about them. */
export function adviceOn(faults) {
  if (faults.length === 0) return [];
  const more = faults.length > 5 ? [`and ${faults.length - 5} more`] : [];
  return [...faults.slice(0, 5), ...more, 'The package would not be whole: `npm run build` makes all of it anew.'];
}

function filesUnder(folder) {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => {
    if (!entry.isFile()) return [];
    const path = join(entry.parentPath, entry.name);
    return [[path.slice(root.length).replaceAll('\\', '/'), statSync(path).mtimeMs]];
  });
}

function faultsHere() {
  const files = ['lib', ...BUILDS].flatMap((folder) => {
    try {
      return filesUnder(folder);
    } catch (error) {
      if (error.code === 'ENOENT') return [];
      throw error;
    }
  });
  return adviceOn(buildFaults(new Map(files)));
}

main(import.meta.url, faultsHere);
