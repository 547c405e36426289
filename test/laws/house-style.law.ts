// Law: files and functions are short, and files named alike and apart, open with what they own, and export by name.
import { describe, expect, it } from '@jest/globals';
import { styleViolations } from './house-style.js';
import { readLib, readProject } from '../support/project.js';

const opening = '// Owns one thing.\n';

function violations(path: string, text: string): readonly string[] {
  return styleViolations([{ path, text }]);
}

describe('the style of the house', () => {
  it.each([
    ['401 lines', 'lib/wire/frame.ts', opening + 'export {};\n'.repeat(400)],
    ['a function of 61 lines', 'lib/wire/frame.ts', `${opening}function frame() {${'\n'.repeat(60)}}`],
    ['a method of 61 lines', 'lib/wire/frame.ts', `${opening}class Frame { draw() {${'\n'.repeat(60)}} }`],
    ['an arrow of 61 lines', 'lib/wire/frame.ts', `${opening}const draw = () => {${'\n'.repeat(60)}};`],
    ['camel case', 'lib/wire/byteReader.ts', opening],
    ['a capital', 'lib/wire/Frame.ts', opening],
    ['a folder with a capital', 'lib/Wire/frame.ts', opening],
    ['no opening words', 'lib/wire/frame.ts', 'export class Frame {}\n'],
    ['no opening words of a program', 'lib/cli.ts', '#!/usr/bin/env node\nexport {};\n'],
    ['too many opening words', 'lib/wire/frame.ts', '// one\n// two\n// three\n// four\n'],
    ['a default class', 'lib/wire/frame.ts', `${opening}export default class Frame {}`],
    ['all of a module', 'lib/wire/frame.ts', `${opening}export = { a: 1 };`],
    ['a default value', 'lib/wire/frame.ts', `${opening}export default 42;`],
    ['a name that is default', 'lib/wire/frame.ts', `${opening}const a = 1;\nexport { a as default };`],
    ['an I', 'lib/wire/frame.ts', `${opening}export interface IFrame {}`],
    ['an Impl', 'lib/wire/frame.ts', `${opening}class FrameImpl {}`],
    ['a Base', 'lib/wire/frame.ts', `${opening}class BaseFrame {}`],
    ['Utils', 'lib/wire/frame.ts', `${opening}type FrameUtils = string;`],
    ['private by name', 'lib/wire/frame.ts', `${opening}class Frame { private size = 1; }`],
  ])('refuses %s', (_, path, text) => {
    expect(violations(path, text)).toHaveLength(1);
  });

  it('refuses two files of one name', () => {
    const files = ['lib/client/link.ts', 'lib/server/link.ts'].map((path) => ({ path, text: opening }));
    expect(styleViolations(files)).toEqual(['lib/server/link.ts: has the name of lib/client/link.ts']);
  });

  it.each([
    ['lib/wire/frame.ts', opening + 'export {};\n'.repeat(399)],
    ['lib/wire/long.ts', `// Owns it; long\n// because it is one table.\n${'export {};\n'.repeat(400)}`],
    [
      'lib/wire/draw.ts',
      `${opening}/** Draws. */\nfunction draw() {${'\n'.repeat(59)}}\nclass Long {${'\n'.repeat(99)}}`,
    ],
    ['lib/wire/frame-drawing.ts', `${opening}//\n//   a\n//   b\n//   c\nexport const frame = 1;`],
    ['lib/cli.ts', `#!/usr/bin/env node\n${opening}`],
    ['lib/nest/cmd-stream.module.ts', `${opening}export class Incomplete { private constructor() {} }`],
    ['lib/codec/installed.cts', `${opening}export = { storages: [] };`],
    ['lib/wire/byte-reader.ts', `${opening}switch (1) { default: break; }\nexport interface Identity { baseline: 1 }`],
  ])('lets %s pass', (path, text) => {
    expect(violations(path, text)).toEqual([]);
  });

  it('opens the files of the tests with what they hold, too', () => {
    const own = readProject().filter(({ path }) => /^test\/(?!.*\/gen).*\.(ts|mjs)$/.test(path));
    expect(own.length).toBeGreaterThan(100);
    expect(own.filter(({ text }) => !/^\/\/ ./.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it('is that of lib', () => {
    expect(styleViolations(readLib())).toEqual([]);
  });
});
