// Opens the socket of a client, TCP or TLS. It knows no frames.
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { CmdStreamError, codeOf, fromSocketError } from '../errors.js';

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  readonly tls?: ConnectionOptions;
}

/**
 * Resolves with a socket that is connected and, with TLS, secured.
 *
 * @throws {CmdStreamError} CONNECT_FAILED, TLS_ERROR, or the signal's reason when it aborts first
 */
export function dial({ host, port, tls }: DialTarget, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = tls ? connectTls({ ...servername, ...tls, host, port }) : connectTcp({ host, port });
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
    };
    const onAbort = (): void => {
      settle();
      socket.on('error', () => {}).destroy();
      reject(signal.reason);
    };
    const onError = (error: unknown): void => {
      settle();
      socket.on('error', () => {}).destroy();
      const translated = fromSocketError(error);
      const code = translated.code === 'TLS_ERROR' ? 'TLS_ERROR' : 'CONNECT_FAILED';
      // Where a name has several addresses, the error of Node that sums up has a code and no text.
      const reason = translated.message || codeOf(error);
      reject(new CmdStreamError(code, `cannot connect to ${host}:${port}: ${reason}`, { cause: error }));
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', onError);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      settle();
      resolve(socket);
    });
  });
}
