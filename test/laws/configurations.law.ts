// Law: TypeScript takes each of its configurations. What type-checks as a whole may still not build: an option that one
// of them inherits may make no sense beside its own.
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { projectRoot, readProject } from '../support/project.js';

const configurations = readProject().flatMap(({ path }) => (/(^|\/)tsconfig[^/]*\.json$/.test(path) ? path : []));

describe('configurations of TypeScript', () => {
  it('are found', () => {
    expect(configurations).toContain('tsconfig.sample.json');
  });

  it.each(configurations)('%s makes sense', (path) => {
    const { config, error } = ts.readConfigFile(join(projectRoot, path), ts.sys.readFile);
    const folder = join(projectRoot, path, '..');
    const { options, errors } = ts.parseJsonConfigFileContent(config, ts.sys, folder, {}, join(projectRoot, path));
    // Without files: it is the options that are looked at.
    const found = ts.createProgram({ rootNames: [], options }).getOptionsDiagnostics();
    const all = [...(error ? [error] : []), ...errors, ...found];
    expect(all.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  });
});
