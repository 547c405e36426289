// What the README of the sample says that it prints.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { projectRoot } from '../laws/source.js';
import { codeBlocks } from './markdown.js';

const path = 'sample/01-calc/README.md';
const blocks = codeBlocks({ path, text: readFileSync(join(projectRoot, path), 'utf8') });

describe('the sample', () => {
  it('prints what its README says, and exits with 0', async () => {
    expect(blocks.map(({ language }) => language)).toEqual(['sh', '']);
    const [command, output] = blocks.map(({ lines }) => lines.join('\n'));
    expect(command).toBe('npm start');
    const [program = '', ...args] = 'npm start'.split(' ');
    const { stdout } = await promisify(execFile)(program, [...args, '--silent'], { cwd: projectRoot });
    expect(stdout.trim()).toBe(output);
  }, 60_000);
});
