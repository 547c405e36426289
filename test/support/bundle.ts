// A contract that bundlers rename, with both sides of it, as one file made by esbuild: two modules have a class of the
// same name, one class refers to itself in a static field, and minified all names are letters.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CommandClientOptions, CommandServerOptions } from '../../lib/core.js';
import type { Folder } from './folder.js';

const root = join(import.meta.dirname, '../..');
const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');

/** What a bundle exports. */
export interface Bundle {
  readonly names: readonly string[];
  serve(options?: Partial<CommandServerOptions>): Promise<{ readonly port: number; destroy(): void }>;
  /** What each Command of the contract is answered with. */
  call(port: number, options?: Partial<CommandClientOptions>): Promise<unknown[]>;
}

const named = (name: string, isNamed: boolean) => (isNamed ? `static readonly wireName = '${name}';` : '');

function sources(isNamed: boolean): Readonly<Record<string, string>> {
  const command = (path: string) => `
    import { Command } from 'nestjs-cmd-stream/core';
    import { Answer } from './answer.ts';
    export class CreateCommand extends Command<Answer> {
      ${named(`${path}.Create`, isNamed)}
      constructor(readonly text = '') { super(); }
      exec() { return new Answer('${path} ' + this.text); }
    }`;
  return {
    'answer.ts': `
      import { Result } from 'nestjs-cmd-stream/core';
      export class Answer extends Result {
        ${named('Answer', isNamed)}
        constructor(readonly text = '') { super(); }
      }`,
    'orders.ts': command('orders'),
    'users.ts': command('users'),
    'with-static.ts': `
      import { Command } from 'nestjs-cmd-stream/core';
      import { Answer } from './answer.ts';
      export class WithStatic extends Command<Answer> {
        ${named('WithStatic', isNamed)}
        static readonly standard = new WithStatic('standard');
        constructor(readonly text = '') { super(); }
        exec() { return new Answer('static ' + this.text); }
      }`,
    'index.ts': `
      import { CommandClient, CommandServer, defineContract, ExecInvoker } from 'nestjs-cmd-stream/core';
      import { Answer } from './answer.ts';
      import { CreateCommand as CreateOrder } from './orders.ts';
      import { CreateCommand as CreateUser } from './users.ts';
      import { WithStatic } from './with-static.ts';
      const commands = [CreateOrder, CreateUser, WithStatic];
      const contract = defineContract({ commands, results: [Answer] });
      const host = '127.0.0.1';
      export const names = commands.map(({ name }) => name);
      export async function serve(options = {}) {
        const server = new CommandServer({ host, port: 0, contract, invoker: new ExecInvoker({}), ...options });
        const { port } = await server.listen();
        return { port, destroy: () => server.destroy() };
      }
      export async function call(port, options = {}) {
        const client = new CommandClient({ host, port, contract, reconnect: false, ...options });
        try {
          const asked = [new CreateOrder('a'), new CreateUser('b'), WithStatic.standard];
          return await Promise.all(asked.map(async (command) => (await client.execute(command)).text));
        } finally {
          client.destroy();
        }
      }`,
  };
}

/** Writes the sources into the folder and loads what esbuild makes of them. */
export async function bundle(folder: Folder, isNamed: boolean, ...flags: readonly string[]): Promise<Bundle> {
  for (const [name, text] of Object.entries(sources(isNamed))) writeFileSync(folder.file(name), text);
  const outfile = folder.file(`bundle${flags.join('')}.mjs`);
  const doors = ['--alias:nestjs-cmd-stream/core=./lib/core.ts', '--platform=node', '--format=esm'];
  const fixed = ['--bundle', '--target=es2022', `--outfile=${outfile}`, '--log-level=error'];
  await promisify(execFile)(esbuild, [folder.file('index.ts'), ...doors, ...fixed, ...flags], { cwd: root });
  return (await import(outfile)) as Bundle;
}
