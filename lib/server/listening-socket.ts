// The listening socket of a server, TCP, TLS or Unix domain, its own or one it was given: hands over sockets that are
// ready to speak, and ends those that do not get that far. It removes what a server that has died left at its path. It
// knows no frames.
import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { connect, createServer, Server, Socket, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { isPromiseLike } from '../callbacks.js';
import { MAX_TIMER_MS } from '../connection/connection-options.js';
import { addressesOf } from '../connection/connection-socket.js';
import { refusalOf, tlsReason } from '../connection/socket-error.js';
import type { Ticker } from '../connection/ticker.js';
import { hasOutlivedCertificate } from '../connection/tls-sessions.js';
import type { ConnectionAddresses } from '../contract/command.js';
import { CmdStreamError, codeOf, messageOf } from '../errors.js';
import type { ConnectionLimit } from './connection-limit.js';
import type { ListenTarget } from './server-options.js';
import type { ServerTls } from './server-tls.js';

export interface ListeningSocketConfig {
  readonly host: string;
  readonly port: number;
  readonly listenOn?: ListenTarget | undefined;
  readonly tls: ServerTls | undefined;
  readonly handshakeTimeoutMs: number;
  readonly session: { readonly ticker: Ticker };
}

export interface SocketAcceptor {
  /** False while it does not take sockets. */
  readonly isListening: boolean;
  onSocket(socket: Socket): void;
  /** A client that did not get as far as a connection. */
  onRefused(client: ConnectionAddresses, cause: CmdStreamError): void;
  /** The system could not give a connection; others may follow. */
  onAcceptError(error: CmdStreamError): void;
  /** The files of its certificate have changed, and are of no use. */
  onReloadError(error: CmdStreamError): void;
  /** Are there as many connections as there may be? */
  onFull(isFull: boolean): void;
  /** What is listened on was closed from outside. */
  onListenerClosed(): void;
}

const HUNG_UP = 'the client hung up: it may not trust the certificate of this server, or not find its name in it';

export class ListeningSocket {
  readonly server: Server;
  readonly #acceptor: SocketAcceptor;
  readonly #config: ListeningSocketConfig;
  /** What was accepted and is not closed yet, in its TLS handshake or beyond, with the address that it counts for. */
  readonly #accepted = new Map<Socket, string | undefined>();
  /** Of those in their TLS handshake: both ends, which are not known any more once the client has hung up. */
  readonly #unsecured = new WeakMap<Socket, ConnectionAddresses>();
  /** The same for all of them. */
  readonly #onSocketClose: (this: Socket) => void;
  /** Was the server made elsewhere? Then it is not closed here. */
  readonly #isGiven: boolean;
  /** Are those beyond the limit refused here, and not by Node? */
  readonly #refuses: boolean;
  /** Secures what is accepted; the same as `server` unless that was given. */
  readonly #tls: TlsServer | undefined;
  /** Begin a TLS handshake. */
  readonly #secure: readonly Function[];
  readonly #limit: ConnectionLimit;
  #stopWatching = (): void => {};
  #stopTicker = (): void => {};
  /** Have more time for their handshake than Node knows of; each with what ends that time. */
  readonly #late = new Map<TLSSocket, () => void>();

  constructor(config: ListeningSocketConfig, limit: ConnectionLimit, acceptor: SocketAcceptor) {
    this.#config = config;
    this.#limit = limit;
    this.#acceptor = acceptor;
    const forget = (socket: Socket): void => this.#forget(socket);
    this.#onSocketClose = function (this: Socket): void {
      forget(this);
    };
    this.#isGiven = config.listenOn instanceof Server;
    this.#tls = config.tls && this.#createTls(config.tls.load());
    // Node's own begin a handshake with each socket: here they do with those that are not refused.
    this.#secure = this.#tls?.listeners('connection') ?? [];
    this.#tls?.removeAllListeners('connection');
    this.server = config.listenOn instanceof Server ? config.listenOn : (this.#tls ?? createServer());
    this.server.on('connection', this.#onConnection).on('error', this.#onError).on('close', this.#onClose);
    // A connection that Node refuses in a worker of a cluster goes to the next one, round and round when all are full:
    // no client would get an answer, and no process would rest.
    this.#refuses = this.#isGiven || cluster.isWorker;
    if (this.#refuses || limit.most === Infinity) return;
    // Node's own refusal is the cheapest.
    this.server.maxConnections = limit.most;
    this.server.on('drop', (client) => this.#refuse(client ?? {}, limit.full()));
  }

  #createTls(tls: TlsOptions): TlsServer {
    const handshakeTimeout = this.#config.handshakeTimeoutMs || MAX_TIMER_MS;
    const server = createTlsServer({ ...guarded(tls), handshakeTimeout });
    server.on('secureConnection', (socket) => {
      this.#isNotLate(socket);
      if (tls.rejectUnauthorized && hasOutlivedCertificate(socket)) {
        const reason = refusalOf('CERT_HAS_EXPIRED');
        this.#refuse(socket, new CmdStreamError('TLS_ERROR', `TLS session not taken up again: ${reason}`));
        end(socket);
      } else this.#handOver(socket);
      this.#unsecured.delete(acceptedOf(socket));
    });
    // Node reports a handshake that failed or took too long, but may leave the socket open.
    server.on('tlsClientError', (error, socket) => {
      const lostMs = isTimeout(error) ? this.#config.session.ticker.lostOf(handshakeTimeout) : 0;
      if (lostMs > 0) this.#wait(error, socket, lostMs);
      else this.#failed(error, socket);
    });
    return server;
  }

  #failed(error: Error, socket: TLSSocket): void {
    this.#refuse(socket, this.#handshakeError(error, socket));
    socket.destroy();
  }

  /**
   * Node's limit knows nothing of a time in which this process stood still and read nothing. It is over, but the
   * handshake goes on, and Node says nothing more of it unless it succeeds.
   */
  #wait(error: Error, socket: TLSSocket, ms: number): void {
    const over = (reason: Error): void => {
      if (this.#isNotLate(socket)) this.#failed(reason, socket);
    };
    this.#late.set(
      socket,
      this.#config.session.ticker.after(ms, () => over(error), true),
    );
    socket.once('close', () => over(Object.assign(new Error(HUNG_UP), { code: 'ECONNRESET' })));
  }

  /** False if it was not before. */
  #isNotLate(socket: TLSSocket): boolean {
    this.#late.get(socket)?.();
    return this.#late.delete(socket);
  }

  #handshakeError(error: Error, socket: TLSSocket): CmdStreamError {
    if (!this.#acceptor.isListening) return notTaking();
    const code = codeOf(error);
    if (isTimeout(error)) {
      const limit = `handshakeTimeoutMs (${this.#config.handshakeTimeoutMs})`;
      return new CmdStreamError('HANDSHAKE_TIMEOUT', `the TLS handshake took longer than ${limit}`, { cause: error });
    }
    // Node hangs up on a client whose certificate it refuses, and reports no more than that. This is a code, not an
    // error, whatever its type says.
    const refusal = socket.authorizationError as unknown as string | null | undefined;
    const reason = refusal ? refusalOf(refusal) : code === 'ECONNRESET' ? HUNG_UP : tlsReason(error);
    return new CmdStreamError('TLS_ERROR', `TLS handshake failed: ${reason}`, { cause: error });
  }

  #onConnection = (socket: Socket): void => {
    const { remoteAddress } = socket;
    const refusal = this.#refuses && this.#isFull ? this.#limit.full() : this.#limit.add(remoteAddress);
    if (refusal) {
      this.#refuse(socket, refusal);
      return end(socket);
    }
    if (this.#tls !== undefined && this.#accepted.size === 0) this.#stopTicker = this.#config.session.ticker.watch();
    this.#accepted.set(socket, remoteAddress);
    socket.on('close', this.#onSocketClose);
    this.#acceptor.onFull(this.#isFull);
    if (this.#tls === undefined) return this.#handOver(socket);
    this.#unsecured.set(socket, addressesOf(socket));
    for (const secure of this.#secure) secure.call(this.#tls, socket);
  };

  #forget(socket: Socket): void {
    this.#limit.delete(this.#accepted.get(socket));
    this.#accepted.delete(socket);
    if (this.#accepted.size === 0) this.#stopTicker();
    this.#acceptor.onFull(this.#isFull);
  }

  get #isFull(): boolean {
    return this.#accepted.size >= this.#limit.most;
  }

  #handOver(socket: Socket): void {
    if (this.#acceptor.isListening) return this.#acceptor.onSocket(socket);
    this.#refuse(socket, notTaking());
    end(socket);
  }

  /** A socket that failed before it was accepted does not know its addresses any more. */
  #refuse(client: Partial<ConnectionAddresses>, cause: CmdStreamError): void {
    const known = client instanceof Socket ? this.#unsecured.get(acceptedOf(client)) : undefined;
    this.#acceptor.onRefused(known ?? addressesOf(client), cause);
  }

  /** While it is not listening yet, `#bind` tells. */
  #onError = (cause: unknown): void => {
    if (!this.server.listening) return;
    const text = `a connection could not be accepted: ${messageOf(cause)}`;
    this.#acceptor.onAcceptError(new CmdStreamError('ACCEPT_FAILED', text, { cause }));
  };

  #onClose = (): void => this.#acceptor.onListenerClosed();

  /** @throws {CmdStreamError} LISTEN_FAILED when the address cannot be had */
  async listen(): Promise<void> {
    const path = this.#path;
    try {
      await this.#bind();
    } catch (error) {
      const isTaken = codeOf(error) === 'EADDRINUSE' && path !== undefined;
      // The workers of a cluster share what they have asked for equally often. Where the first one had to ask a second
      // time, because the process before has died, so have all others.
      if (!isTaken || !((await removeStaleSocket(path)) || cluster.isWorker)) throw this.#listenError(error);
      await this.#bind().catch((second: unknown) => {
        throw this.#listenError(second);
      });
    }
    this.#stopWatching = this.#watchFiles();
  }

  #watchFiles(): () => void {
    const onError = (error: CmdStreamError): void => this.#acceptor.onReloadError(error);
    return this.#config.tls?.watch((tls) => this.useTls(tls), onError) ?? (() => {});
  }

  /** Connections from now on use it. */
  useTls(tls: TlsOptions): void {
    this.#tls?.setSecureContext(tls);
  }

  get #path(): string | undefined {
    const { listenOn } = this.#config;
    return listenOn !== undefined && 'path' in listenOn ? listenOn.path : undefined;
  }

  #bind(): Promise<void> {
    const { server } = this;
    const { host, port, listenOn } = this.#config;
    if (listenOn instanceof Server) {
      return listenOn.listening ? Promise.resolve() : Promise.reject(new Error('it does not listen'));
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => void server.off('error', fail).off('close', fail).off('listening', succeed);
      const fail = (error: unknown): void => {
        settle();
        reject(error);
      };
      const succeed = (): void => {
        settle();
        resolve();
      };
      server.on('error', fail).on('close', fail).on('listening', succeed);
      server.listen(listenOn ?? { host, port });
    });
  }

  get #where(): string {
    const { host, port, listenOn } = this.#config;
    if (listenOn === undefined) return `${host}:${port}`;
    if (listenOn instanceof Server) return 'the server of listenOn';
    return 'path' in listenOn ? listenOn.path : `the descriptor ${listenOn.fd}`;
  }

  #listenError(cause: unknown): CmdStreamError {
    return new CmdStreamError('LISTEN_FAILED', `cannot listen on ${this.#where}: ${messageOf(cause)}`, { cause });
  }

  /**
   * Where the server listens: of a Unix domain socket the path, with the family `unix` and port 0; null when it does
   * not.
   */
  address(): AddressInfo | null {
    const address = this.server.address();
    return typeof address === 'string' ? { address, family: 'unix', port: 0 } : address;
  }

  /** Stops listening, unless the server was given; what was accepted lives on. */
  close(): void {
    this.#stopWatching();
    if (!this.#isGiven) this.server.close();
  }

  /** Ends what was accepted, too, and lets go of a server that was given. */
  destroy(): void {
    this.close();
    for (const socket of this.#accepted.keys()) socket.destroy();
    if (!this.#isGiven) return;
    this.server.off('connection', this.#onConnection).off('error', this.#onError).off('close', this.#onClose);
  }
}

/** The socket that was accepted, of one that speaks TLS over it. */
function acceptedOf(socket: Socket): Socket {
  return (socket as { _parent?: Socket | null })._parent ?? socket;
}

function isTimeout(error: Error): boolean {
  return codeOf(error) === 'ERR_TLS_HANDSHAKE_TIMEOUT';
}

/** Node reports what these callbacks throw as the end of the handshake, but not promises of theirs that reject. */
function guarded({ ...tls }: TlsOptions): TlsOptions {
  const { SNICallback, ALPNCallback, pskCallback } = tls;
  if (SNICallback) {
    tls.SNICallback = (name, done) => {
      // A promise for a context is none: Node refuses it, and does not look at what becomes of it.
      const give: typeof done = (error, context) =>
        done(
          error,
          onRejected(context, () => {}),
        );
      return onRejected(SNICallback(name, give), (error) => done(error as Error));
    };
  }
  // What these give must be there at once: a promise is refused by Node.
  if (ALPNCallback) tls.ALPNCallback = (offered) => onRejected(ALPNCallback(offered), () => {});
  if (pskCallback) tls.pskCallback = (socket, identity) => onRejected(pskCallback(socket, identity), () => {});
  return tls;
}

function onRejected<T>(returned: T, refuse: (error: unknown) => void): T {
  if (isPromiseLike(returned)) returned.then(undefined, refuse);
  return returned;
}

function notTaking(): CmdStreamError {
  return new CmdStreamError('SHUTDOWN', 'the server does not take connections any more');
}

function end(socket: Socket): void {
  socket.on('error', () => {}).destroy();
}

/** What tells a file from another one that has its name, and perhaps its inode, later. */
interface Identity {
  readonly ino: bigint;
  readonly mtimeNs: bigint;
}

/**
 * The file of a Unix domain socket whose process has died stands in the way of the next one: removes it, if it is
 * certain that it is such a file; never another kind of file, never a socket that is listened on. True if the path is
 * free now.
 */
export async function removeStaleSocket(path: string): Promise<boolean> {
  try {
    const found = identityOf(path);
    if (found === undefined || !(await refusesConnections(path))) return false;
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

/** Does the system say that no process listens? Anything else it says is no proof. */
function refusesConnections(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });
}

/**
 * Another process may do the same in the same moment, and listen already: what was taken away is looked at once more.
 */
function remove(path: string, stale: Identity): boolean {
  const aside = join(dirname(path), `.${randomBytes(6).toString('hex')}`);
  renameSync(path, aside);
  const isStale = isSame(stale, identityOf(aside));
  if (!isStale) linkSync(aside, path);
  unlinkSync(aside);
  return isStale;
}
