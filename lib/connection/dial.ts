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
export function dial(target: DialTarget, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = open(target);
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError).off('close', onClose);
    };
    const fail = (error: unknown): void => {
      settle();
      socket.on('error', () => {}).destroy();
      reject(error);
    };
    const onAbort = (): void => fail(signal.reason);
    const onError = (error: unknown): void => fail(connectError(target, error));
    const onClose = (): void => onError(new Error('the socket was closed'));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', onError).on('close', onClose);
    socket.once(target.tls ? 'secureConnect' : 'connect', () => {
      settle();
      resolve(socket);
    });
  });
}

function open(target: DialTarget): Socket {
  const { host, port, tls } = target;
  if (!tls) return connectTcp({ host, port });
  try {
    return connectTls({ ...(isIP(host) === 0 && { servername: host }), ...tls, host, port });
  } catch (error) {
    // Node throws at once when a key or certificate cannot be read.
    throw connectError(target, error);
  }
}

function connectError({ host, port }: DialTarget, error: unknown): CmdStreamError {
  const translated = fromSocketError(error);
  const code = translated.code === 'TLS_ERROR' ? 'TLS_ERROR' : 'CONNECT_FAILED';
  // Where a name has several addresses, the error of Node that sums up has a code and no text.
  const reason = translated.message || codeOf(error);
  return new CmdStreamError(code, `cannot connect to ${host}:${port}: ${reason}`, { cause: error });
}
