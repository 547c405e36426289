// What a sample prints: what its README says, and what its main program does when it is run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { codeBlocks, type CodeBlock } from '../docs/markdown.js';
import { outputOf } from './program.js';
import { projectRoot } from './project.js';

const loader = pathToFileURL(join(projectRoot, 'test/support/typescript-loader.mjs')).href;

/** The blocks of code in the README of a sample. */
export function readmeBlocks(name: string): readonly CodeBlock[] {
  const path = `sample/${name}/README.md`;
  return codeBlocks({ path, text: readFileSync(join(projectRoot, path), 'utf8') });
}

/** The first block of its README that has no language. */
export function shownOutput(name: string): string {
  const block = readmeBlocks(name).find(({ language }) => language === '');
  return block!.lines.join('\n');
}

type Own = Parameters<typeof outputOf>[0];

/** What the main program of a sample prints in a process of its own, which has to end by itself. */
export async function printedOutput(own: Own, name: string, env: Record<string, string> = {}): Promise<string> {
  const args = ['--import', loader, join(projectRoot, 'sample', name, 'main.ts')];
  const setup = { cwd: projectRoot, env: { ...process.env, ...env } };
  return (await outputOf(own, process.execPath, args, setup)).trimEnd();
}
