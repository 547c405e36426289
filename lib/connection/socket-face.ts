// What a connection wants of a socket beyond reading and writing: who is at its ends, and how it is tuned.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ResolvedConnectionOptions } from './connection-options.js';

/** `address:port`, or a word for sockets that have none. */
export function addressOf(socket: Duplex, which: 'remote' | 'local'): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket as Partial<Socket>;
  const [address, port] = which === 'remote' ? [remoteAddress, remotePort] : [localAddress, localPort];
  if (address === undefined) return 'local socket';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export function tune(socket: Duplex, { noDelay, tcpKeepAliveMs }: ResolvedConnectionOptions): void {
  const { setNoDelay, setKeepAlive } = socket as Partial<Socket>;
  setNoDelay?.call(socket, noDelay);
  setKeepAlive?.call(socket, tcpKeepAliveMs > 0, tcpKeepAliveMs);
}

/**
 * Has the socket let go of the bytes of a write when it calls back? A socket of Node has: the system took them. Any other
 * Duplex, and one whose writing was replaced, may hand them on to where nobody knows when they are read.
 */
export function letsGoOfWrites(socket: Duplex): boolean {
  return socket instanceof Socket && WRITING.every((name) => socket[name] === Socket.prototype[name]);
}

const WRITING = ['write', '_write', '_writev'] as const;
