import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** The Go programs of the tests of this package: `calc` is a server and a client of cmd-stream-go. */
const folder = 'test/interop/go';
const env = { ...process.env, GOFLAGS: '-mod=readonly' };

/** Why there is no Go here; undefined where there is. */
export function reasonWithoutGo(): string | undefined {
  if (!existsSync(folder)) return 'its sources are in a clone of the repository only';
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'Go is not installed';
  }
}

/** Builds the Go server and starts it. */
export async function startGoServer() {
  const args = ['run', './cmd/calc', 'server', '127.0.0.1:0'];
  const child = spawn('go', args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  // `listening 127.0.0.1:PORT`
  const lines = createInterface({ input: child.stdout });
  const [listening] = (await Promise.race([once(lines, 'line'), exited.then(() => [''])])) as [string];
  if (listening === '') throw new Error('the Go server has ended');
  return {
    port: Number(listening.split(':').at(-1)),
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

/** What the Go client prints: two sums that it has asked the server on `port` for. */
export async function askFromGo(port: number): Promise<string> {
  const args = ['run', './cmd/calc', 'client', `127.0.0.1:${port}`];
  const { stdout } = await promisify(execFile)('go', args, { cwd: folder, env });
  return stdout.trim();
}
