// What a sample prints: what its README says, and what its main program does when it is run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { codeBlocks, type CodeBlock } from '../docs/markdown.js';
import { projectRoot } from './project.js';

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

/** Runs the main program of a sample to its end, in this process. */
export async function printedOutput(name: string): Promise<string> {
  const print = jest.spyOn(console, 'log').mockImplementation(() => {});
  try {
    await import(`../../sample/${name}/main.js`);
    return print.mock.calls.map((values) => values.join(' ')).join('\n');
  } finally {
    print.mockRestore();
  }
}
