// A Go client under load in a process of its own: asks it for its counters, and ends it.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** What became of the Commands; `sent` is the sum of `ok`, `mismatched`, `pending` and all of `failed`. */
export interface LoadCounters {
  readonly sent: number;
  readonly ok: number;
  /** By the text of the error, without addresses. */
  readonly failed: Readonly<Record<string, number>>;
  readonly mismatched: number;
  readonly pending: number;
  /** Results that no call waited for any more. */
  readonly late: number;
  /** Attempts to connect. */
  readonly dialed: number;
}

type LoadProcess = ChildProcessByStdio<Writable, Readable, null>;

export class GoLoad {
  readonly #child: LoadProcess;
  readonly #exited: Promise<unknown>;
  readonly #lines: Interface;

  private constructor(child: LoadProcess) {
    this.#child = child;
    this.#exited = once(child, 'close');
    this.#lines = createInterface({ input: child.stdout });
  }

  static async start(program: string, args: readonly string[]): Promise<GoLoad> {
    const load = new GoLoad(spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    await load.#answer();
    return load;
  }

  /** How it goes; one question at a time. */
  counters(): Promise<LoadCounters> {
    const answer = this.#answer();
    this.#child.stdin.write('\n');
    return answer;
  }

  /** Asks until the counters are as expected. */
  async until(
    what: string,
    condition: (counters: LoadCounters) => boolean,
    deadlineMs = 20_000,
  ): Promise<LoadCounters> {
    const started = performance.now();
    for (;;) {
      const counters = await this.counters();
      if (condition(counters)) return counters;
      if (performance.now() - started > deadlineMs) {
        throw new Error(`not within ${deadlineMs} ms: ${what}; ${JSON.stringify(counters)}`);
      }
    }
  }

  /** Lets every caller finish its Command; resolves with the last counters. */
  async stop(): Promise<LoadCounters> {
    const last = this.#answer();
    this.#child.stdin.end();
    const counters = await last;
    await this.#exited;
    return counters;
  }

  /** Ends it at once, if it has not ended yet. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #answer(): Promise<LoadCounters> {
    const line = once(this.#lines, 'line').then(([text]) => JSON.parse(text as string) as LoadCounters);
    const gone = this.#exited.then(() => Promise.reject(new Error('the Go client has ended')));
    return Promise.race([line, gone]);
  }
}
