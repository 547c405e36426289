// Servers in processes of their own: what a test cannot do within its own process, such as running out of descriptors
// or inheriting one. The program is child-server.ts, translated into a folder that is gone with the test.
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { transformSync } from '@swc/core';
import type { CommandServerOptions, ServerStatus } from '../../lib/core.js';
import { projectRoot } from './project.js';
import { until } from './deadline.js';
import type { Folder } from './folder.js';

/** What a child tells. */
export type ChildNews =
  | { readonly address: AddressInfo }
  | { readonly status: ServerStatus }
  | { readonly error: string }
  | { readonly warning: string }
  | { readonly ranIn: number }
  | { readonly memory: ChildMemory };

/** What a child holds when nothing is left to collect. */
export interface ChildMemory {
  readonly connections: number;
  /** On its heap and beside it. */
  readonly bytes: number;
}

interface ChildSetup {
  readonly options?: Partial<CommandServerOptions>;
  readonly workers?: number;
  /** Most descriptors the process may have. */
  readonly maxDescriptors?: number;
  /** How many descriptors it has for other things. */
  readonly holds?: number;
  /** The descriptor that the child finds as its number 4. */
  readonly inherits?: number;
  /** Node alone, which greets and answers in the same bytes whatever comes. */
  readonly bare?: boolean;
}

export class ServerProcess {
  readonly news: ChildNews[] = [];
  readonly #child: ChildProcess;
  #exitCode: number | null | undefined;

  constructor(folder: Folder, setup: ChildSetup) {
    const { options = {}, workers = 0, maxDescriptors, holds = 0, inherits, bare = false } = setup;
    translate(folder);
    const program = [process.execPath, join(folder.path, 'test/support/child-server.js')];
    const limit = maxDescriptors === undefined ? '' : `ulimit -n ${maxDescriptors}; `;
    const given = [JSON.stringify(options), String(workers), String(holds), ...(bare ? ['bare'] : [])];
    const args = ['-c', `${limit}exec "$@"`, 'sh', ...program, ...given];
    this.#child = spawn('sh', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc', inherits ?? 'ignore'] });
    this.#child.on('message', (news) => this.news.push(news as ChildNews));
    this.#child.on('exit', (code) => (this.#exitCode = code));
  }

  /** All it has reported so far of one kind. */
  reported<K extends string>(kind: K): unknown[] {
    return this.news.flatMap((news) => (kind in news ? [(news as unknown as Record<K, unknown>)[kind]] : []));
  }

  /** Where it listens; with a cluster, where its worker number `index` does. */
  async address(index = 0): Promise<AddressInfo> {
    const failed = (): boolean => this.reported('error').length > 0 || this.#exitCode !== undefined;
    await until('a child listens', () => this.reported('address').length > index || failed());
    if (failed()) throw new Error(`the child does not listen: ${JSON.stringify(this.news)}, ${this.#exitCode}`);
    return this.reported('address')[index] as AddressInfo;
  }

  /** What it holds by now. */
  async memory(): Promise<ChildMemory> {
    const { length } = this.reported('memory');
    this.#child.send('memory');
    await until('a child tells its memory', () => this.reported('memory').length > length);
    return this.reported('memory')[length] as ChildMemory;
  }

  /** Drains it; gives its exit code. */
  async close(): Promise<number | null | undefined> {
    this.#child.send('close');
    await until('a child ends', () => this.#exitCode !== undefined);
    return this.#exitCode;
  }

  async destroy(): Promise<void> {
    this.#child.kill('SIGKILL');
    await until('a child is gone', () => this.#exitCode !== undefined);
  }
}

/** What Node can run: lib and the programs of the tests, beside the packages of this project. */
export function translate(folder: Folder): void {
  for (const part of ['lib', 'test/support']) {
    const files = readdirSync(join(projectRoot, part), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => /\.c?ts$/.test(name))) {
      const source = join(projectRoot, part, file);
      const target = join(folder.path, part, file.replace(/ts$/, 'js'));
      mkdirSync(dirname(target), { recursive: true });
      const { code } = transformSync(readFileSync(source, 'utf8'), {
        filename: source,
        swcrc: false,
        jsc: { target: 'es2023', parser: { syntax: 'typescript', decorators: true }, keepClassNames: true },
        module: { type: file.endsWith('.cts') ? 'commonjs' : 'es6' },
      });
      writeFileSync(target, code);
    }
  }
  cpSync(join(projectRoot, 'package.json'), join(folder.path, 'package.json'));
  symlinkSync(join(projectRoot, 'node_modules'), join(folder.path, 'node_modules'));
}
