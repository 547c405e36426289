// The streams and signals of the process as commands use them: data goes to stdout, all else to stderr; a reader that
// leaves (EPIPE), SIGINT and SIGTERM end a command in order.
import type { Readable, Writable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { codeOf, messageOf } from '../errors.js';

/** As much of a process as is used here. */
export interface ProcessStreams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  exitCode?: number | string | null | undefined;
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): never;
}

/** Why a command ends before it is done. `EPIPE`: what it prints has no reader any more. */
export type Stop = 'SIGINT' | 'SIGTERM' | 'EPIPE' | 'ERROR';

/** By the number of the signal, as shells report it. */
export const exitCodes: Readonly<Record<Stop, number>> = { SIGINT: 130, SIGTERM: 143, EPIPE: 0, ERROR: 1 };

export class Terminal {
  /** Aborts when the command is to end; its reason is a {@link Stop}. */
  readonly signal: AbortSignal;
  readonly #process: ProcessStreams;
  readonly #stopping = new AbortController();
  #hasProgress = false;
  /** Does the process end as soon as all is written? */
  #isDone = false;

  constructor(process: ProcessStreams) {
    this.#process = process;
    this.signal = this.#stopping.signal;
    process.stdout.on('error', (error: unknown) => {
      if (codeOf(error) === 'EPIPE') return this.#stop('EPIPE');
      this.note(`cmd-stream: stdout cannot be written: ${messageOf(error)}`);
      this.#stop('ERROR');
    });
    // There is no better place to say that this one is gone.
    process.stderr.on('error', () => {});
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        // The second one does not wait for anything.
        if (this.signal.aborted || this.#isDone) process.exit(exitCodes[signal]);
        this.#stop(signal);
      });
    }
  }

  /** Why the command is to end; undefined while it may go on. */
  get stoppedBy(): Stop | undefined {
    return this.signal.reason as Stop | undefined;
  }

  #stop(why: Stop): void {
    this.#stopping.abort(why);
  }

  /** One line of data. What it gives resolves when there is room for more. */
  async print(line: string): Promise<void> {
    const { stdout } = this.#process;
    if (this.stoppedBy === 'EPIPE' || this.stoppedBy === 'ERROR' || stdout.write(`${line}\n`)) return;
    await this.#orStopped((drained) => {
      stdout.once('drain', drained);
      return () => stdout.off('drain', drained);
    });
  }

  /** One line for people. */
  note(line: string): void {
    this.#clearProgress();
    this.#process.stderr.write(`${line}\n`);
  }

  /** How far it has come: one line that the next takes the place of, where stderr is a terminal. */
  progress(line: string): void {
    const { stderr } = this.#process;
    if (!stderr.isTTY) return this.note(line);
    stderr.write(`\r\u001b[K${line.slice(0, (stderr.columns ?? 80) - 1)}`);
    this.#hasProgress = true;
  }

  #clearProgress(): void {
    if (this.#hasProgress) this.#process.stderr.write('\r\u001b[K');
    this.#hasProgress = false;
  }

  /** All of stdin. */
  async input(): Promise<string> {
    const { stdin } = this.#process;
    const stop = (): void => void stdin.destroy();
    this.signal.addEventListener('abort', stop, { once: true });
    return textOf(stdin);
  }

  /** Waits so many milliseconds, or until the command is to end. */
  async pause(ms: number): Promise<void> {
    await this.#orStopped((over) => {
      const timer = setTimeout(over, ms);
      return () => clearTimeout(timer);
    });
  }

  /** Resolves when what `wait` begins calls back, or when the command is to end; `wait` returns what ends it. */
  async #orStopped(wait: (done: () => void) => () => void): Promise<void> {
    const { signal } = this;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        end();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const end = wait(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /**
   * The process ends with this code when what was printed has left it, whatever goes on in it: the file of a contract
   * may have begun something that never ends.
   */
  exit(code: number): void {
    this.#clearProgress();
    this.#isDone = true;
    const { stdin, stdout, stderr } = this.#process;
    this.#process.exitCode = code;
    stdin.destroy();
    // A stream calls back behind all that was written before, also one that has failed.
    stdout.write('', () => stderr.write('', () => this.#process.exit(code)));
  }
}
