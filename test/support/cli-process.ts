// The program `cmd-stream` in a process of its own, as a shell starts it: what it prints, and the code it ends with.
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { translate } from './child-process.js';
import { until } from './deadline.js';
import { Folder } from './folder.js';

/** What a shell sees of it. */
export interface CliOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where the program was translated to, once for all tests of a file. */
export class CliFolder {
  readonly #folder = new Folder();

  constructor() {
    translate(this.#folder);
  }

  /** A file beside the program, such as a contract. */
  file(name: string): string {
    return this.#folder.file(name);
  }

  start(...args: readonly string[]): CliProcess {
    return new CliProcess(join(this.#folder.path, 'lib/cli.js'), args);
  }

  /** Runs it to its end; `input`: what stdin has, which stays open without it. */
  async run(args: readonly string[], input?: string): Promise<CliOutcome> {
    const program = this.start(...args);
    if (input !== undefined) program.child.stdin!.end(input);
    try {
      return await program.ended();
    } finally {
      await program.destroy();
    }
  }

  destroy(): void {
    this.#folder.destroy();
  }
}

export class CliProcess {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  #outcome: CliOutcome | undefined;

  constructor(program: string, args: readonly string[]) {
    this.child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdin!.on('error', () => {});
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.child.on('close', (code) => {
      this.#outcome = { code, stdout: this.stdout, stderr: this.stderr };
    });
  }

  /** Waits for a text on either stream; gives what it matches. */
  async said(text: RegExp): Promise<RegExpExecArray> {
    const found = (): RegExpExecArray | null => text.exec(this.stdout) ?? text.exec(this.stderr);
    await until(`cmd-stream says ${text}`, () => found() !== null || this.#outcome !== undefined);
    const match = found();
    if (match === null) throw new Error(`it has ended without ${text}: ${JSON.stringify(this.#outcome)}`);
    return match;
  }

  async ended(): Promise<CliOutcome> {
    await until('cmd-stream ends', () => this.#outcome !== undefined);
    return this.#outcome!;
  }

  async destroy(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended();
  }
}
