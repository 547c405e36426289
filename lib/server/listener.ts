// The listening socket of a server, TCP or TLS: hands over sockets that are ready to speak, and ends those that
// do not get that far. It knows no frames.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { MAX_TIMER_MS } from '../connection/connection-options.js';
import { CmdStreamError, codeOf, messageOf } from '../errors.js';

export interface ListenerConfig {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsOptions;
  readonly handshakeTimeoutMs: number;
  readonly maxConnections: number;
}

export interface ListenerOwner {
  onSocket(socket: Socket): void;
  /** A client that did not get as far as a connection. */
  onRefused(remoteAddress: string, cause: CmdStreamError): void;
  onListenerError(error: unknown): void;
}

export class Listener {
  readonly server: Server;
  readonly #owner: ListenerOwner;
  readonly #config: ListenerConfig;
  /** Sockets in their TLS handshake, by the client's address. */
  readonly #handshaking = new Map<string, Socket>();

  constructor(config: ListenerConfig, owner: ListenerOwner) {
    this.#config = config;
    this.#owner = owner;
    this.server = config.tls ? this.#createTls(config.tls) : createServer((socket) => owner.onSocket(socket));
    this.server.maxConnections = config.maxConnections;
    this.server.on('drop', (client) => {
      const full = `the server already has maxConnections (${config.maxConnections}) connections`;
      owner.onRefused(clientOf(client ?? {}), new CmdStreamError('MAX_CONNECTIONS', full));
    });
  }

  #createTls(tls: TlsOptions): Server {
    const server = createTlsServer({ ...tls, handshakeTimeout: this.#config.handshakeTimeoutMs || MAX_TIMER_MS });
    server.on('connection', (socket: Socket) => {
      const client = clientOf(socket);
      this.#handshaking.set(client, socket);
      socket.once('close', () => this.#handshaking.delete(client));
    });
    server.on('secureConnection', (socket) => {
      this.#handshaking.delete(clientOf(socket));
      this.#owner.onSocket(socket);
    });
    // Node reports a handshake that failed or took too long, but may leave the socket open.
    server.on('tlsClientError', (error, socket) => {
      this.#owner.onRefused(clientOf(socket), this.#handshakeError(error));
      socket.destroy();
    });
    return server;
  }

  #handshakeError(error: Error): CmdStreamError {
    if (codeOf(error) !== 'ERR_TLS_HANDSHAKE_TIMEOUT') {
      return new CmdStreamError('TLS_ERROR', `TLS handshake failed: ${error.message}`, { cause: error });
    }
    const limit = `handshakeTimeoutMs (${this.#config.handshakeTimeoutMs})`;
    return new CmdStreamError('HANDSHAKE_TIMEOUT', `the TLS handshake took longer than ${limit}`, { cause: error });
  }

  listen(): Promise<void> {
    const { host, port } = this.#config;
    return new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        this.server.on('error', (error) => this.#owner.onListenerError(error));
        resolve();
      });
    }).then(undefined, (error: unknown) => {
      throw new CmdStreamError('CONNECT_FAILED', `cannot listen on ${host}:${port}: ${messageOf(error)}`, {
        cause: error,
      });
    });
  }

  /** Where the server listens; null when it does not. */
  address(): AddressInfo | null {
    const address = this.server.address();
    return typeof address === 'string' ? null : address;
  }

  /** Stops listening; connections that were handed over live on. */
  close(): void {
    this.server.close();
    for (const socket of this.#handshaking.values()) socket.destroy();
  }
}

/** A socket that failed before it was looked at does not know its address any more. */
function clientOf({ remoteAddress, remotePort }: Partial<Pick<Socket, 'remoteAddress' | 'remotePort'>>): string {
  return remoteAddress === undefined ? 'an unknown address' : `${remoteAddress}:${remotePort}`;
}
