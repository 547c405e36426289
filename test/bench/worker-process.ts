// The parent's hold on one worker: start, ask, stop. A worker that fails ends the benchmark. Its answers come by a pipe
// of their own, descriptor 3, because libraries print to stdout.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const KILL_AFTER_MS = 10_000;
// As this file: compiled, or its source by way of a loader.
const entry = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js', import.meta.url));

export class WorkerProcess {
  /** Its first line: it is ready. */
  readonly greeting: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #exited: Promise<never>;
  readonly #lines: AsyncIterator<string>;

  /** `about` is what errors call it. */
  constructor(about: string, program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ['pipe', process.stderr, 'inherit', 'pipe'] });
    this.#child.stdin!.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdio[3] as Readable })[Symbol.asyncIterator]();
    this.#exited = once(this.#child, 'exit').then(([code, signal]) => {
      throw new Error(`${about} ended with ${String(code ?? signal)}`);
    });
    this.#exited.catch(() => {});
    this.greeting = this.#answer();
    this.greeting.catch(() => {});
  }

  /** A Node process that runs worker.ts. */
  static node(about: string, job: object, nodeOptions: readonly string[]): WorkerProcess {
    const args = [...process.execArgv, '--expose-gc', ...nodeOptions, entry, JSON.stringify(job)];
    return new WorkerProcess(about, process.execPath, args);
  }

  /** Sends a line and resolves with the answer. */
  ask(message: object): Promise<unknown> {
    this.#child.stdin!.write(`${JSON.stringify(message)}\n`);
    return this.#answer();
  }

  /** Lets the worker close what it has, and resolves when it is gone. */
  async stop(): Promise<void> {
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), KILL_AFTER_MS);
    await this.#exited.catch(() => {});
    clearTimeout(timer);
  }

  async #answer(): Promise<unknown> {
    const line = this.#lines.next().then(({ value, done }) => {
      // At the end of its output it is about to exit, which says more.
      return done === true ? this.#exited : (JSON.parse(value) as unknown);
    });
    return Promise.race([this.#exited, line]);
  }
}
