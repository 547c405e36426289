// What the READMEs of the samples say that they print.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { guardLeaks } from '../support/leak-guard.js';
import { outputOf } from '../support/program.js';
import { projectRoot, readPackage } from '../support/project.js';
import { readmeBlocks } from '../support/sample.js';
import { outputOfSample } from './sample-output.js';

const own = guardLeaks();
const sampleFolder = join(projectRoot, 'sample');
const samples = readdirSync(sampleFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .toSorted();
const { scripts } = JSON.parse(readPackage()) as { scripts: Readonly<Record<string, string>> };

/** What a command of a README does: `npm start`, `npm run …` or `npx …`. */
function meaningOf(command: string): string | undefined {
  if (command === 'npm start') return scripts['start'];
  const [, runner, rest] = /^(npm run|npx) (.*)$/.exec(command)!;
  return runner === 'npx' ? rest : scripts[rest!];
}

describe('the samples', () => {
  it('are all that can be started', () => {
    const { projects } = JSON.parse(readFileSync(join(projectRoot, 'nest-cli.json'), 'utf8')) as {
      projects: Readonly<Record<string, { readonly type: string }>>;
    };
    const started = Object.keys(projects).filter((name) => projects[name]!.type === 'application');
    expect(started.toSorted()).toEqual(samples);
  });

  it('are built by a configuration that the compiler takes', () => {
    const { config } = ts.readConfigFile(join(projectRoot, 'tsconfig.sample.json'), (path) => ts.sys.readFile(path));
    const { options, errors } = ts.parseJsonConfigFileContent(config, ts.sys, projectRoot);
    const faults = [...errors, ...ts.createProgram([], options).getOptionsDiagnostics()];
    expect(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  });

  it('are all in the list of them', () => {
    const list = readFileSync(join(sampleFolder, 'README.md'), 'utf8');
    const listed = [...list.matchAll(/^\| \[(\S+)\]\(\S+\/README\.md\)/gm)].map(([, name]) => name);
    expect(listed).toEqual(samples);
  });
});

describe('a sample', () => {
  it.each(samples)(
    'prints what its README says, and exits with 0: %s',
    async (name) => {
      const command = readmeBlocks(name)
        .find(({ language }) => language === 'sh')!
        .lines.join('\n');
      expect(meaningOf(command)).toBe(`nest start ${name}`);
      const [program = '', ...args] = command.split(' ');
      const silent = program === 'npm' ? ['--silent'] : [];
      const printed = await outputOf(own, program, [...args, ...silent], { cwd: projectRoot });
      expect(printed.trim()).toBe(outputOfSample(name));
    },
    // `go run` of 09-otel builds its service first.
    300_000,
  );
});
