// Which files may be taken out of the way of a server that wants their path, looked at in its worst moment.
import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { linkSync, lstatSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { removeStaleSocket } from '../../../lib/server/listening-socket.js';
import { Folder } from '../../support/folder.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawPeer } from '../../support/raw-peer.js';
import { describeUnless } from '../../support/unless.js';

const own = guardLeaks();
/** Elsewhere the system calls that a refused connection, as if no process listened. */
const reason = process.platform === 'linux' ? undefined : 'this is no Linux';

/** The path of a socket whose server has gone without it. */
async function deadSocket(): Promise<string> {
  const folder = own(new Folder());
  const server = createServer().listen(folder.file('first.sock'));
  await once(server, 'listening');
  linkSync(folder.file('first.sock'), folder.file('dead.sock'));
  server.close();
  return folder.file('dead.sock');
}

describe('removeStaleSocket()', () => {
  it('frees the path of a socket whose process has died', async () => {
    const path = await deadSocket();
    expect(await removeStaleSocket(path)).toBe(true);
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined();
    expect(await removeStaleSocket(path)).toBe(true);
  });

  it('does not touch a server that took the path while it was looked at', async () => {
    const path = await deadSocket();
    const removed = removeStaleSocket(path);
    unlinkSync(path);
    const server = createServer((socket) => socket.destroy()).listen(path);
    own({ destroy: () => server.close() });
    const before = lstatSync(path, { bigint: true });
    expect(await removed).toBe(false);
    const after = lstatSync(path, { bigint: true });
    expect([after.ino, after.ctimeNs]).toEqual([before.ino, before.ctimeNs]);
    await own(await RawPeer.connect(path)).ends();
  });

  it.each<[string, (path: string) => void]>([
    ['a file', (path) => writeFileSync(path, 'precious')],
    ['a folder', (path) => mkdirSync(path)],
  ])('does not touch %s', async (_what, put) => {
    const path = own(new Folder()).file('precious');
    put(path);
    expect(await removeStaleSocket(path)).toBe(false);
    expect(lstatSync(path).isSocket()).toBe(false);
  });
});

describeUnless(reason, 'removeStaleSocket() on Linux', () => {
  it('does not touch a server that cannot take one more connection at the moment', async () => {
    const path = own(new Folder()).file('busy.sock');
    const server = createServer((socket) => socket.destroy()).listen({ path, backlog: 1 });
    own({ destroy: () => server.close() });
    await once(server, 'listening');
    // The system has no room for so many until this turn is over.
    for (let n = 0; n < 5; n++) own(connect(path)).on('error', () => {});
    expect(await removeStaleSocket(path)).toBe(false);
    expect(lstatSync(path).isSocket()).toBe(true);
  });
});
