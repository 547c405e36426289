// Decorators of class-transformer in a bundle: they are found in the file, whichever of its forms the bundler takes,
// and beside it where the bundle leaves class-transformer out.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { copyFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Folder } from '../support/folder.js';
import { projectRoot } from '../support/project.js';

const folder = new Folder();
const run = promisify(execFile);
const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');

/** Sends itself an order, and prints whether its lines arrive as what the decorator says. */
const source = `
  import 'reflect-metadata';
  import { Type } from 'class-transformer';
  import { Command, CommandClient, CommandServer, defineContract, ExecInvoker, Result } from 'nestjs-cmd-stream/core';
  class Line { item = 'tea'; }
  class Answer extends Result { isLine = false; }
  class OrderCmd extends Command {
    lines = [];
    exec() { return Object.assign(new Answer(), { isLine: this.lines.every((line) => line instanceof Line) }); }
  }
  Type(() => Line)(OrderCmd.prototype, 'lines');
  const contract = defineContract({ commands: [OrderCmd], results: [Answer] });
  const host = '127.0.0.1';
  async function main() {
    const server = new CommandServer({ host, port: 0, contract, invoker: new ExecInvoker({}) });
    const { port } = await server.listen();
    const client = new CommandClient({ host, port, contract, reconnect: false });
    try {
      const { isLine } = await client.execute(Object.assign(new OrderCmd(), { lines: [new Line()] }));
      console.log(isLine);
    } finally {
      client.destroy();
      server.destroy();
    }
  }
  void main();`;

beforeAll(() => {
  writeFileSync(folder.file('main.ts'), source);
  symlinkSync(join(projectRoot, 'node_modules'), folder.file('node_modules'), 'junction');
});
afterAll(() => folder.destroy());

async function bundled(format: string, ...flags: readonly string[]): Promise<string> {
  const outfile = folder.file(`${format}${flags.join('').replaceAll(/\W/g, '')}.${format === 'cjs' ? 'cjs' : 'mjs'}`);
  const doors = [`--alias:nestjs-cmd-stream/core=${join(projectRoot, 'lib/core.ts')}`, `--format=${format}`];
  const fixed = ['--bundle', '--platform=node', `--outfile=${outfile}`, '--log-level=error'];
  await run(esbuild, [folder.file('main.ts'), ...doors, ...fixed, ...flags], { cwd: folder.path });
  return outfile;
}

describe.each(['cjs', 'esm'])('a bundle of the format %s', (format) => {
  it.each([
    ['has class-transformer within it', []],
    ['has its ES modules within it', ['--main-fields=module,main']],
    ['has left it out', ['--external:class-transformer']],
  ])('finds them where it %s', async (_, flags) => {
    const { stdout } = await run(process.execPath, [await bundled(format, ...flags)], { cwd: folder.path });
    expect(stdout.trim()).toBe('true');
  });

  it('says so where it has left out a part that cannot be found', async () => {
    const file = await bundled(format, '--main-fields=module,main', '--external:class-transformer/*');
    const elsewhere = new Folder();
    try {
      const moved = elsewhere.file(file.endsWith('.cjs') ? 'main.cjs' : 'main.mjs');
      copyFileSync(file, moved);
      await expect(run(process.execPath, [moved], { cwd: elsewhere.path })).rejects.toMatchObject({
        stderr: expect.stringContaining('what decorators of class-transformer say is not to be found'),
      });
    } finally {
      elsewhere.destroy();
    }
  });
});
