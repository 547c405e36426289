// What the READMEs of the samples say that they print.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { reasonWithoutGo } from '../../sample/09-otel/go.js';
import { guardLeaks } from '../support/leak-guard.js';
import { outputOf } from '../support/program.js';
import { projectRoot, readPackage, readProject } from '../support/project.js';
import { readmeBlocks, shownOutput } from '../support/sample.js';
import { itUnless } from '../support/unless.js';

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

/** Is there what only ES modules can do? */
function needsModule(node: ts.Node): boolean {
  if (ts.isMetaProperty(node)) return true;
  const isAwaiting = ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined);
  if (isAwaiting && ts.findAncestor(node, ts.isFunctionLike) === undefined) return true;
  return ts.forEachChild(node, needsModule) ?? false;
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

  it('can be copied into a CommonJS application: nothing is awaited outside of functions, and nothing asks import.meta', () => {
    const files = readProject().filter(({ path }) => /^(sample|docs\/examples)\/.*\.ts$/.test(path));
    expect(files.length).toBeGreaterThan(samples.length);
    const modulesOnly = files.filter(({ path, text }) =>
      needsModule(ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)),
    );
    expect(modulesOnly.map(({ path }) => path)).toEqual([]);
  });

  it('are all in the list of them', () => {
    const list = readFileSync(join(sampleFolder, 'README.md'), 'utf8');
    const listed = [...list.matchAll(/^\| \[(\S+)\]\(\S+\/README\.md\)/gm)].map(([, name]) => name);
    expect(listed).toEqual(samples);
  });
});

/** Two of them need Go for what they show. */
const reasonToSkip = (name: string): string | undefined =>
  ['07-go-interop', '09-otel'].includes(name) ? reasonWithoutGo() : undefined;

describe('a sample', () => {
  for (const name of samples) {
    itUnless(
      reasonToSkip(name),
      `prints what its README says, and exits with 0: ${name}`,
      async () => {
        const command = readmeBlocks(name)
          .find(({ language }) => language === 'sh')!
          .lines.join('\n');
        expect(meaningOf(command)).toBe(`nest start ${name}`);
        const [program = '', ...args] = command.split(' ');
        const silent = program === 'npm' ? ['--silent'] : [];
        const printed = await outputOf(own, program, [...args, ...silent], { cwd: projectRoot });
        expect(printed.trim()).toBe(shownOutput(name));
      },
      // `go run` of 09-otel builds its service first.
      300_000,
    );
  }
});
