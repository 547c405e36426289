// A server of ours in a process of its own, to be killed, stopped, frozen and started again on the same port.
// It serves the interop contract; what it does with it is in server-child.ts.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CommandServerOptions } from '../../lib/core.js';

const loader = pathToFileURL(join(import.meta.dirname, 'typescript-loader.mjs')).href;
const entry = join(import.meta.dirname, 'server-child.ts');

/** Options of the server that JSON can carry; `port` 0, the default, chooses one. */
export interface ServerSetup extends Partial<CommandServerOptions> {
  /** In a Nest application with enableGracefulShutdown(), instead of alone. */
  readonly nest?: boolean;
  /** So many more such applications, each with a server of its own that nothing calls. */
  readonly idle?: number;
  /** File that gets a line for each Command that is executed: the `id` in its metadata. */
  readonly journal?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

type Own = <T extends { destroy(): unknown }>(owned: T) => T;

export class ServerProcess {
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #setup: ServerSetup;
  readonly #own: Own;
  #port = 0;

  private constructor(setup: ServerSetup, own: Own) {
    this.#setup = setup;
    this.#own = own;
    this.#child = fork(entry, [JSON.stringify({ port: 0, ...setup })], {
      execArgv: ['--import', loader],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.exited = once(this.#child, 'exit').then(([code, signal]) => ({ code, signal }));
  }

  /**
   * Resolves when the server listens.
   *
   * @param own What {@link guardLeaks} gave: a test that ends before the server listens leaves no process behind.
   */
  static async start(setup: ServerSetup = {}, own: Own = (owned) => owned): Promise<ServerProcess> {
    const server = own(new ServerProcess(setup, own));
    const stderr = server.#child.stderr!.setEncoding('utf8');
    let complaint = '';
    const complain = (text: string): unknown => (complaint += text);
    stderr.on('data', complain);
    const reported = once(server.#child, 'message').then(([port]) => port as number);
    const ended = once(server.#child, 'close').then(() => undefined);
    const port = await Promise.race([reported, ended]);
    if (port === undefined) throw new Error(`the server has ended: ${complaint}`);
    server.#port = port;
    stderr.off('data', complain).pipe(process.stderr, { end: false });
    return server;
  }

  get port(): number {
    return this.#port;
  }

  /** A new process with the same options on the same port; this one has to have ended. */
  async restart(): Promise<ServerProcess> {
    await this.exited;
    return ServerProcess.start({ ...this.#setup, port: this.#port }, this.#own);
  }

  /** Ends it without a word. */
  kill(): Promise<Exit> {
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  /** Asks it to drain; resolves when it has ended. */
  terminate(): Promise<Exit> {
    this.#child.kill('SIGTERM');
    return this.exited;
  }

  /** The system still accepts connections and bytes for it; nothing is read or answered until resume(). */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** What the end of this process would do to it. */
  disconnect(): void {
    this.#child.disconnect();
  }

  /** For {@link guardLeaks}. */
  destroy(): Promise<Exit> {
    return this.kill();
  }
}
