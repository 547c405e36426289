// The reference of all that is public, which `npm run docs:api` writes to reports/api: the comments of lib, by door.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const { compilerOptions } = JSON.parse(readFileSync(new URL('tsconfig.json', import.meta.url), 'utf8'));
const doors = Object.entries(compilerOptions.paths).map(([name, [file]]) => ({ name, file }));

/** Doors are called as they are imported, and not as their files. */
function namesDoors(app) {
  app.converter.on('resolveBegin', ({ project }) => {
    for (const door of project.children ?? []) {
      door.name = doors.find(({ file }) => basename(file, '.ts') === door.name)?.name ?? door.name;
    }
  });
}

export default {
  entryPoints: doors.map(({ file }) => file),
  out: 'reports/api',
  readme: 'docs/README.md',
  tsconfig: 'tsconfig.json',
  excludeInternal: true,
  excludePrivate: true,
  gitRevision: 'main',
  modifierTags: ['@publicApi', '@internal'],
  plugin: [namesDoors],
  // Helpers of types are no names of the doors; test/consumer says which must be.
  validation: { notExported: false },
  treatWarningsAsErrors: true,
};
