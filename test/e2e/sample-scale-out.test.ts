// The sample 11-scale-out as a service of its own: workers of node:cluster that are restarted, that crash and that end,
// while a client goes on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { CommandClient } from 'nestjs-cmd-stream/core';
import { Square, squareContract } from '../../sample/11-scale-out/square.contract.js';
import { inTime } from '../support/deadline.js';
import { freePort } from '../support/free-port.js';
import { guardLeaks } from '../support/leak-guard.js';
import { projectRoot } from '../support/project.js';

const TEST_TIMEOUT_MS = 180_000;
const START_MS = 60_000;
const squares = Array.from({ length: 100 }, (_, n) => n * n);
const own = guardLeaks();
const loader = pathToFileURL(join(projectRoot, 'test/support/typescript-loader.mjs')).href;
const main = join(projectRoot, 'sample/11-scale-out/main.ts');

async function startService() {
  const child = spawn(process.execPath, ['--import', loader, main], {
    env: { ...process.env, PORT: String(await freePort()) },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  own({
    destroy: () => {
      child.kill('SIGKILL');
      return exited;
    },
  });
  const [line] = (await inTime('it listens', once(createInterface({ input: child.stdout }), 'line'), 60_000)) as [
    string,
  ];
  return { port: Number(/^listening on port (\d+)$/.exec(line)![1]), exited, child };
}

function clientOf(port: number): CommandClient<typeof squareContract> {
  const client = new CommandClient({
    contract: squareContract,
    host: '127.0.0.1',
    port,
    connectionsPerServer: 4,
    queue: { timeoutMs: 0 },
    retry: { maxAttempts: 10 },
  });
  return own(client);
}

/** Calls until it was answered by so many processes beside those that are known; each answer has to be right. */
async function answersOfOthers(
  client: CommandClient<typeof squareContract>,
  known: ReadonlySet<number>,
  count: number,
) {
  const others = new Set<number>();
  for (let n = 0; others.size < count; n++) {
    const { value, pid } = await client.execute(new Square(n));
    expect(value).toBe(n * n);
    if (!known.has(pid)) others.add(pid);
  }
  return others;
}

describe('sample 11-scale-out as a service', () => {
  it(
    'starts others in the place of workers that crash, and loses no Command that is idempotent',
    async () => {
      const { port } = await startService();
      const client = clientOf(port);
      const first = await inTime('both workers answer', answersOfOthers(client, new Set(), 2), START_MS);
      const answers = Promise.all(Array.from({ length: 100 }, (_, n) => client.execute(new Square(n))));
      for (const pid of first) process.kill(pid, 'SIGKILL');
      expect((await answers).map(({ value }) => value)).toEqual(squares);
      await inTime('another one answers', answersOfOthers(client, first, 1), START_MS);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'answers everything while its workers are restarted and when it ends, and exits with 0',
    async () => {
      const { port, child, exited } = await startService();
      const client = clientOf(port);
      const first = await inTime('both workers answer', answersOfOthers(client, new Set(), 2), START_MS);
      child.kill('SIGHUP');
      await inTime('a new worker answers', answersOfOthers(client, first, 1), START_MS);
      const answers = Promise.all(Array.from({ length: 100 }, (_, n) => client.execute(new Square(n))));
      child.kill('SIGTERM');
      expect((await answers).map(({ value }) => value)).toEqual(squares);
      expect(await inTime('all of them end', exited, START_MS)).toBe(0);
    },
    TEST_TIMEOUT_MS,
  );
});
