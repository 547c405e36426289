// Builds the Go peers once and runs them: the server as a child that ends with its stdin, the driver case by case.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const moduleFolder = join(import.meta.dirname, 'go');

export interface DriverCase {
  readonly case: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Why the Go peers cannot run here, undefined if they can. With CI set a missing Go is an error. */
export function reasonToSkipGo(): string | undefined {
  try {
    execFileSync('go', ['version'], { stdio: 'pipe' });
    return undefined;
  } catch {
    if (process.env['CI']) throw new Error('the interop tests need Go, and CI must not skip them');
    return 'Go is not installed';
  }
}

export class GoPeers {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cmd-stream-go-'));

  build(): void {
    execFileSync('go', ['build', '-o', `${this.#folder}/`, './...'], {
      cwd: moduleFolder,
      env: { ...process.env, GOFLAGS: '-mod=readonly' },
      stdio: 'pipe',
    });
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Runs the Go client's cases against a server; resolves with what each of them found. */
  drive(port: number, cases: readonly string[], ...flags: string[]): Promise<DriverCase[]> {
    const args = ['-addr', `127.0.0.1:${port}`, '-cases', cases.join(','), ...flags];
    return new Promise((resolve) => {
      execFile(join(this.#folder, 'driver'), args, (_failed, stdout) => resolve(jsonLines<DriverCase>(stdout)));
    });
  }

  /** The output of the Go calc client against a server. */
  calc(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(join(this.#folder, 'calc'), ['client', `127.0.0.1:${port}`], (error, stdout, stderr) =>
        error ? reject(new Error(stderr)) : resolve(stdout),
      );
    });
  }

  async serve(...flags: string[]): Promise<GoServer> {
    const child = spawn(join(this.#folder, 'server'), flags, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    const lost: string[] = [];
    const [first] = (await once(lines, 'line')) as [string];
    lines.on('line', (line) => lost.push((JSON.parse(line) as { error: string }).error));
    const port = Number((JSON.parse(first) as { listening: string }).listening.split(':').at(-1));
    return {
      port,
      lost,
      async stop() {
        child.stdin.end();
        await once(child, 'exit');
      },
    };
  }
}

export interface GoServer {
  readonly port: number;
  /** Why connections ended, in the words of the Go library. */
  readonly lost: readonly string[];
  stop(): Promise<void>;
}

function jsonLines<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
