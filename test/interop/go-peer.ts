// Builds the Go peers once and runs them: servers as children that end with their stdin, clients to their end.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { GoLoad } from './go-load.js';

/** All that uses it runs from the root of the repository, as npm does it; what is built in `dist` has no copy of it. */
export const goModuleFolder = join(process.cwd(), 'test/interop/go');

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

/** Runs the go tool in the module, whose dependencies stay as they are. */
export function runGo(...args: readonly string[]): string {
  return execFileSync('go', args, {
    cwd: goModuleFolder,
    env: { ...process.env, GOFLAGS: '-mod=readonly' },
    stdio: 'pipe',
    encoding: 'utf8',
  });
}

const LIBRARY = 'github.com/cmd-stream/cmd-stream-go';

/** The release of cmd-stream-go that the module is built with. */
export function ownRelease(): string {
  const [, release] = new RegExp(`${LIBRARY} (v\\S+)`).exec(readFileSync(join(goModuleFolder, 'go.mod'), 'utf8')) ?? [];
  if (release === undefined) throw new Error(`go.mod names no ${LIBRARY}`);
  return release;
}

/** The releases of cmd-stream-go that the proxy of Go modules lists, oldest first. */
export function releases(): readonly string[] {
  const [, ...found] = runGo('list', '-m', '-versions', LIBRARY).trim().split(' ');
  return found;
}

export class GoPeers {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cmd-stream-go-'));

  build(): void {
    runGo('build', '-o', `${this.#folder}/`, './...');
  }

  /**
   * Builds the server and the driver with another release of cmd-stream-go; the module stays as it is.
   *
   * @throws {Error} says why it cannot be: in the release other packages or names than the programs use
   */
  buildWith(release: string): void {
    const modules = join(this.#folder, 'release.mod');
    cpSync(join(goModuleFolder, 'go.mod'), modules);
    cpSync(join(goModuleFolder, 'go.sum'), join(this.#folder, 'release.sum'));
    const flags = ['-mod=mod', `-modfile=${modules}`];
    const build = (): string => runGo('build', ...flags, '-o', `${this.#folder}/`, './cmd/server', './cmd/driver');
    runGo('mod', 'edit', `-require=${LIBRARY}@${release}`, modules);
    try {
      build();
    } catch (error) {
      const lines = String((error as { stderr?: unknown }).stderr).split('\n');
      const said = lines.find((line) => /\.go:\d+|no required module|not available|does not contain/.test(line));
      throw new Error(said ?? lines.find((line) => line !== '') ?? String(error), { cause: error });
    }
    // Where the release lacks a package, Go takes a newer one that has it.
    const used = runGo('list', ...flags, '-m', '-f', '{{.Version}}', LIBRARY).trim();
    if (used !== release) throw new Error('another API: packages that the programs import are not in it');
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
    return this.#output('calc', 'client', `127.0.0.1:${port}`);
  }

  /** The output of the client of an example of the reference against a server. */
  example(name: string, port: number): Promise<string> {
    return this.#output('example', name, 'client', `127.0.0.1:${port}`);
  }

  /** The server of the contract, or of an example of the reference. */
  async serve(...flags: string[]): Promise<GoServer> {
    return this.#serve('server', flags, (line) => (JSON.parse(line) as { listening: string }).listening);
  }

  async serveExample(name: string): Promise<GoServer> {
    return this.#serve('example', [name, 'server', '127.0.0.1:0'], (line) => line.replace('listening ', ''));
  }

  /** A Go server of traced Commands, and the spans that it has ended. */
  async serveTraced(codec: 'json' | 'mus'): Promise<GoServer & { readonly spans: readonly GoSpan[] }> {
    const spans: GoSpan[] = [];
    const server = await this.#serve(
      'traced',
      ['server', codec, '127.0.0.1:0'],
      (line) => line.replace('listening ', ''),
      (line) => spans.push(JSON.parse(line) as GoSpan),
    );
    return { ...server, spans };
  }

  /** A Go client that sends one traced Command, as a part of the trace `traceparent`: its answer, and its span. */
  async askTraced(codec: 'json' | 'mus', port: number, traceparent: string): Promise<readonly [string, GoSpan]> {
    const env = { ...process.env, TRACEPARENT: traceparent };
    const args = ['client', codec, `127.0.0.1:${port}`];
    const output = await new Promise<string>((resolve, reject) => {
      execFile(join(this.#folder, 'traced'), args, { env }, (error, stdout, stderr) =>
        error ? reject(new Error(stderr)) : resolve(stdout),
      );
    });
    const [answer, span] = output.split('\n') as [string, string];
    return [answer, JSON.parse(span) as GoSpan];
  }

  /** A Go client that keeps sending verified Commands; ready when all its connections stand. */
  load(port: number, ...flags: string[]): Promise<GoLoad> {
    return GoLoad.start(join(this.#folder, 'load'), ['-addr', `127.0.0.1:${port}`, ...flags]);
  }

  async #serve(
    program: string,
    args: string[],
    addressIn: (firstLine: string) => string,
    onLine?: (line: string) => void,
  ): Promise<GoServer> {
    const child = spawn(join(this.#folder, program), args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([firstOf(lines), exited.then(() => undefined)]);
    if (first === undefined) throw new Error(`${program} ${args.join(' ')} does not serve`);
    const lost: string[] = [];
    lines.on('line', onLine ?? ((line) => lost.push((JSON.parse(line) as { error: string }).error)));
    return {
      port: Number(addressIn(first).split(':').at(-1)),
      lost,
      exited,
      signal: (signal) => child.kill(signal),
      async stop() {
        child.stdin.end();
        await exited;
      },
    };
  }

  #output(program: string, ...args: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(join(this.#folder, program), args, (error, stdout, stderr) =>
        error ? reject(new Error(stderr)) : resolve(stdout),
      );
    });
  }
}

/** A span as the Go peers print it. */
export interface GoSpan {
  readonly Name: string;
  readonly TraceID: string;
  readonly SpanID: string;
  readonly ParentID: string;
  readonly Kind: string;
}

export interface GoServer {
  readonly port: number;
  /** Why connections ended, in the words of the Go library. */
  readonly lost: readonly string[];
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<unknown>;
  /** SIGTERM lets the clients leave first, SIGKILL, SIGSTOP and SIGCONT do what they always do. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it at once; it may be stopped twice. */
  stop(): Promise<void>;
}

async function firstOf(lines: Interface): Promise<string> {
  const [line] = (await once(lines, 'line')) as [string];
  return line;
}

export function jsonLines<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
