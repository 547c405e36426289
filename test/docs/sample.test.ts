// What the READMEs of the samples say that they print.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { projectRoot } from '../support/project.js';
import { codeBlocks } from './markdown.js';

const samples = [
  ['sample/01-calc/README.md', 'npm start'],
  ['sample/02-protobuf/README.md', 'npm run start:protobuf'],
] as const;

describe('a sample', () => {
  it.each(samples)(
    'prints what its README says, and exits with 0: %s',
    async (path, command) => {
      const blocks = codeBlocks({ path, text: readFileSync(join(projectRoot, path), 'utf8') });
      expect(blocks.map(({ language }) => language)).toEqual(['sh', '']);
      const [shown, output] = blocks.map(({ lines }) => lines.join('\n'));
      expect(shown).toBe(command);
      const [program = '', ...args] = command.split(' ');
      const { stdout } = await promisify(execFile)(program, [...args, '--silent'], { cwd: projectRoot });
      expect(stdout.trim()).toBe(output);
    },
    60_000,
  );
});
