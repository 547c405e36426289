// What READMEs of samples say of PORT: with it in the environment the sample stays, listens there, and ends by SIGTERM.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { inTime } from '../support/deadline.js';
import { freePort } from '../support/free-port.js';
import { guardLeaks } from '../support/leak-guard.js';
import { projectRoot } from '../support/project.js';

const own = guardLeaks();
const START_MS = 60_000;
const TEST_TIMEOUT_MS = 180_000;
const loader = pathToFileURL(join(projectRoot, 'test/support/typescript-loader.mjs')).href;

/** 06-tls needs openssl, and 11-scale-out has a test of its own. */
const samples = [
  '01-calc',
  '04-streaming',
  '05-drop-in',
  '07-go-interop',
  '08-resilient',
  '12-gateway',
  '13-cqrs',
  '14-monorepo',
];

async function start(name: string, port: number) {
  // Those of several services have ports for the others.
  const ports = { PORT: String(port), STOCK_PORT: String(await freePort()), PRICES_PORT: String(await freePort()) };
  const child = spawn(process.execPath, ['--import', loader, join(projectRoot, 'sample', name, 'main.ts')], {
    cwd: projectRoot,
    env: { ...process.env, ...ports },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit').then(([code, signal]) => (signal ?? code) as string | number | null);
  own({
    destroy: () => {
      child.kill('SIGKILL');
      return exited;
    },
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await inTime(`${name} says that it is there`, once(lines, 'line'), START_MS)) as [string];
  return { child, exited, line };
}

/** An error if nothing listens there. */
async function reach(port: number): Promise<void> {
  const socket = connect({ host: 'localhost', port });
  await once(socket, 'connect');
  socket.destroy();
  await once(socket, 'close');
}

describe('a sample that was given a PORT', () => {
  it.each(samples)(
    'stays until it is stopped: %s',
    async (name) => {
      const port = await freePort();
      const { child, exited, line } = await start(name, port);
      expect(line).toContain(String(port));
      await reach(port);
      child.kill('SIGTERM');
      expect(await inTime(`${name} ends`, exited, START_MS)).toBe('SIGTERM');
    },
    TEST_TIMEOUT_MS,
  );
});
