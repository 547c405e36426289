// The file of a Unix domain socket whose process has died stands in the way of the next one. Takes it away, if it is
// certain that it is such a file; never another kind of file, never a socket that is listened on.
import { randomBytes } from 'node:crypto';
import { link, lstat, rename, unlink } from 'node:fs/promises';
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
    const stale = await identityOf(path);
    if (stale === undefined || !(await isDeaf(path))) return false;
    return await remove(path, stale);
  } catch (error) {
    return codeOf(error) === 'ENOENT';
  }
}

/** Undefined if it is no socket. */
async function identityOf(path: string): Promise<Identity | undefined> {
  const stats = await lstat(path, { bigint: true });
  return stats.isSocket() ? stats : undefined;
}

/** Does the system say that nobody listens? Whatever else it says is no proof. */
function isDeaf(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => resolve(false)).once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
    socket.once('connect', () => socket.destroy());
  });
}

/** Another process may have done the same since, and listen already: what is taken away is looked at once more. */
async function remove(path: string, stale: Identity): Promise<boolean> {
  const aside = join(dirname(path), `.${randomBytes(6).toString('hex')}`);
  await rename(path, aside);
  const taken = await identityOf(aside);
  const isIt = taken?.ino === stale.ino && taken.mtimeNs === stale.mtimeNs;
  if (!isIt) await link(aside, path);
  await unlink(aside);
  return isIt;
}
