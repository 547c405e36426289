// What the READMEs of the samples say that they print.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { guardLeaks } from '../support/leak-guard.js';
import { outputOf } from '../support/program.js';
import { projectRoot } from '../support/project.js';
import { codeBlocks } from './markdown.js';
import { outputOfOtelSample } from './sample-output.js';

const own = guardLeaks();
const samples = [
  ['sample/01-calc/README.md', 'npm start'],
  ['sample/02-protobuf/README.md', 'npm run start:protobuf'],
  ['sample/09-otel/README.md', 'npm run start:otel'],
  ['sample/10-rpc/README.md', 'npm run start:rpc'],
  ['sample/11-scale-out/README.md', 'npm run start:scale-out'],
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
      const printed = await outputOf(own, program, [...args, '--silent'], { cwd: projectRoot });
      expect(printed.trim()).toBe(path.includes('09-otel') ? outputOfOtelSample() : output);
    },
    // `go run` of 09-otel builds its service first.
    300_000,
  );
});
