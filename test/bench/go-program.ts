// Builds the Go side of the benchmarks, once, when the first contestant needs it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The benchmarks run from the root of the repository, as npm does it. */
const goModule = resolve('test/interop/go');
let built: string | undefined;

export function goProgram(): string {
  if (built !== undefined) return built;
  const folder = mkdtempSync(join(tmpdir(), 'cmd-stream-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, 'bench');
  const env = { ...process.env, GOFLAGS: '-mod=readonly' };
  execFileSync('go', ['build', '-o', program, './cmd/bench'], { cwd: goModule, env, stdio: ['ignore', 'inherit', 2] });
  built = program;
  return program;
}
