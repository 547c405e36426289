// The page on the command line: it shows the help that the program prints.
import { describe, expect, it } from '@jest/globals';
import { addressIn, parseArguments } from '../../lib/cli/arguments.js';
import { programs } from '../../lib/cli/command-line.js';
import { helpOf, overview } from '../../lib/cli/help.js';
import { readPackage, readProject } from '../support/project.js';
import { commands } from './document-laws.js';
import { codeBlocks } from './markdown.js';

const project = readProject();
const page = project.find(({ path }) => path === 'docs/command-line.md')!;
const shown = codeBlocks(page).flatMap(({ language, lines }) => (language === 'text' ? [lines.join('\n')] : []));

describe('the page on the command line', () => {
  it('shows which commands there are, and the help of each', () => {
    const usages = programs.map(({ usage }) => usage);
    expect(shown).toEqual([overview(usages), ...usages.map(helpOf)]);
  });

  it('begins with a command that is no mistake', () => {
    const [line = ''] = commands(codeBlocks(page));
    const [npx, program, name, ...args] = line.split(' ');
    const { usage } = programs.find((each) => each.usage.name === name)!;
    expect([npx, program]).toEqual(['npx', 'cmd-stream']);
    expect(addressIn(parseArguments(usage, args).operands[0]!)).toEqual({ host: 'localhost', port: 3000 });
  });

  it('has a chapter for each command', () => {
    const chapters = page.text.split('\n').filter((line) => line.startsWith('## cmd-stream '));
    expect(chapters).toEqual(programs.map(({ usage }) => `## cmd-stream ${usage.name}`));
  });

  it('is about the bin of the package', () => {
    const { bin } = JSON.parse(readPackage()) as { bin: Readonly<Record<string, string>> };
    const [name, file] = Object.entries(bin)[0]!;
    expect(shown.every((text) => text.startsWith(`Usage: ${name} `))).toBe(true);
    const source = project.find(({ path }) => path === file.replace('./dist/', '').replace(/\.js$/, '.ts'));
    expect(source?.text).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
