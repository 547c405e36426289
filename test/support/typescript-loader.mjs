// Lets a child process of a test run the TypeScript sources as Jest runs them: `node --import` this file. What Jest's
// configuration says about SWC and the doors holds here too, so nothing has to be built first.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { transformSync } from '@swc/core';
import jestConfig from '../../jest.config.js';

const root = new URL('../../', import.meta.url);
const [[, modules], [, commonModules]] = ['^.+\\.ts$', '^.+\\.cts$'].map((pattern) => jestConfig.transform[pattern]);
const doors = Object.entries(jestConfig.moduleNameMapper)
  .filter(([, path]) => path.startsWith('<rootDir>/'))
  .map(([pattern, path]) => [new RegExp(pattern), new URL(path.replace('<rootDir>/', ''), root).href]);

// Node runs the hooks in a thread of their own, which loads this file once more. Where other hooks stand in front, as
// those of OpenTelemetry do, it requires CommonJS itself.
if (isMainThread) {
  register(import.meta.url);
  createRequire(import.meta.url).extensions['.cts'] = (module, filename) =>
    module._compile(translated(filename, commonModules), filename);
}

export async function resolve(specifier, context, nextResolve) {
  const door = doors.find(([pattern]) => pattern.test(specifier));
  if (door) return { url: door[1], shortCircuit: true };
  if (/^\.{1,2}\/.*\.c?js$/.test(specifier)) {
    const source = new URL(specifier.replace(/js$/, 'ts'), context.parentURL);
    if (existsSync(source)) return { url: source.href, shortCircuit: true };
  }
  return nextResolve(specifier, context);
}

export async function load(url, context, nextLoad) {
  const [, extension] = /\.(c?)ts$/.exec(url) ?? [];
  if (extension === undefined) return nextLoad(url, context);
  const [options, format] = extension === 'c' ? [commonModules, 'commonjs'] : [modules, 'module'];
  return { format, source: translated(fileURLToPath(url), options), shortCircuit: true };
}

function translated(filename, options) {
  return transformSync(readFileSync(filename, 'utf8'), { ...options, filename, sourceMaps: 'inline' }).code;
}
