// Programs that a test runs to their end. One that has not ended by the end of its test is ended with all it has
// started: it would keep the process of the tests alive, and a core busy.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

interface Owned {
  destroy(): unknown;
}

interface ProgramSetup {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** What it prints; an error if it does not exit with 0. `own` is what {@link guardLeaks} gave. */
export async function outputOf(
  own: <T extends Owned>(owned: T) => T,
  program: string,
  args: readonly string[],
  setup: ProgramSetup = {},
): Promise<string> {
  // In a group of its own, which has one number for all that belong to it.
  const child = spawn(program, args, { ...setup, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  let isClosed = false;
  child.on('close', () => (isClosed = true));
  own({
    destroy: async () => {
      if (child.pid !== undefined && !isClosed) killGroup(child.pid);
      await closed.catch(() => {});
    },
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} has ended with ${code}: ${stderr}`);
  return stdout;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
