// The parent's hold on one worker: start, ask, stop. A worker that fails ends the benchmark.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('worker.js', import.meta.url));

export class WorkerProcess {
  /** What the worker said when it was ready. */
  readonly greeting: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #exited: Promise<never>;

  /** `args` are those of the worker, `nodeOptions` those of its Node. */
  constructor(args: readonly string[], nodeOptions: readonly string[]) {
    this.#child = fork(entry, args, { execArgv: ['--expose-gc', ...nodeOptions] });
    this.#exited = once(this.#child, 'exit').then(([code, signal]) => {
      throw new Error(`${args.join(' ')} ended with ${code ?? signal}`);
    });
    this.#exited.catch(() => {});
    this.greeting = this.#message();
  }

  /** Sends a message and resolves with the answer. */
  ask(message: object): Promise<unknown> {
    this.#child.send(message);
    return this.#message();
  }

  /** Lets the worker close what it has, and resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exited.catch(() => {});
  }

  #message(): Promise<unknown> {
    return Promise.race([this.#exited, once(this.#child, 'message').then(([message]) => message as unknown)]);
  }
}
