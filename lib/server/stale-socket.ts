// The file of a Unix domain socket whose process has died stands in the way of the next one. Takes it away, if it is
// certain that it is such a file; never another kind of file, never a socket that is listened on.
import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { codeOf } from '../errors.js';

/** What tells a file from another one that has its name, and perhaps its inode, later. */
interface Identity {
  readonly ino: bigint;
  readonly mtimeNs: bigint;
}

/** True if the path is free now. */
export async function removeStaleSocket(path: string): Promise<boolean> {
  try {
    const found = identityOf(path);
    if (found === undefined || !(await isDeaf(path))) return false;
    return isSame(found, identityOf(path)) && remove(path, found);
  } catch (error) {
    return codeOf(error) === 'ENOENT';
  }
}

/** Undefined if it is no socket. */
function identityOf(path: string): Identity | undefined {
  const stats = lstatSync(path, { bigint: true });
  return stats.isSocket() ? stats : undefined;
}

function isSame(one: Identity, other: Identity | undefined): boolean {
  return one.ino === other?.ino && one.mtimeNs === other.mtimeNs;
}

/** Does the system say that nobody listens? Whatever else it says is no proof. */
function isDeaf(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });
}

/** Another process may do the same in the same moment, and listen already: what was taken away is looked at once more. */
function remove(path: string, stale: Identity): boolean {
  const aside = join(dirname(path), `.${randomBytes(6).toString('hex')}`);
  renameSync(path, aside);
  const isStale = isSame(stale, identityOf(aside));
  if (!isStale) linkSync(aside, path);
  unlinkSync(aside);
  return isStale;
}
