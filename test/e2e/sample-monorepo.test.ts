// The sample 14-monorepo does what it says, and is whole by itself: its own configuration finds all of its parts.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { guardLeaks } from '../support/leak-guard.js';
import { projectRoot } from '../support/project.js';
import { printedOutput, shownOutput } from '../support/sample.js';

const own = guardLeaks();
const folder = join(projectRoot, 'sample/14-monorepo');
const COMPILE_TIMEOUT_MS = 120_000;

interface NestProject {
  readonly sourceRoot: string;
  readonly entryFile: string;
}

describe('sample 14-monorepo', () => {
  it('prints what its README says, and ends', async () => {
    expect(await printedOutput(own, '14-monorepo')).toBe(shownOutput('14-monorepo'));
  });

  it('has the files that its projects begin with', () => {
    const { projects } = JSON.parse(readFileSync(join(folder, 'nest-cli.json'), 'utf8')) as {
      projects: Readonly<Record<string, NestProject>>;
    };
    const entries = Object.values(projects).map(({ sourceRoot, entryFile }) => `${sourceRoot}/${entryFile}.ts`);
    expect(entries.length).toBe(3);
    expect(entries.filter((entry) => !existsSync(join(folder, entry)))).toEqual([]);
  });

  it(
    'compiles by its own tsconfig.json',
    () => {
      const { config } = ts.readConfigFile(join(folder, 'tsconfig.json'), (path) => ts.sys.readFile(path));
      const { fileNames, options, errors } = ts.parseJsonConfigFileContent(config, ts.sys, folder);
      expect(errors).toEqual([]);
      expect(fileNames.length).toBeGreaterThan(5);
      // Where it is copied to, this package is installed.
      const paths = { ...options.paths, 'nestjs-cmd-stream': [join(projectRoot, 'lib/index.ts')] };
      const program = ts.createProgram(fileNames, { ...options, paths, noEmit: true, rootDir: projectRoot });
      const faults = fileNames.flatMap((name) => {
        const source = program.getSourceFile(name)!;
        return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      });
      expect(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
    },
    COMPILE_TIMEOUT_MS,
  );
});
