// The socket of one connection, Node's own or any other Duplex: keeps what it does to the order in which a connection can
// follow it. What a Duplex throws is notify as its error, and what it does while it is called is notify when the call is over.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CmdStreamError, fromSocketError } from '../errors.js';
import { Fifo } from '../fifo.js';
import type { ResolvedConnectionOptions } from './connection-options.js';

/** What a socket tells. */
export interface ConnectionSocketListener {
  onData(chunk: Buffer): void;
  /** The peer sends no more. */
  onPeerEnd(): void;
  /** It is broken, or closed: in whatever order, and more than once. */
  onGone(cause: CmdStreamError): void;
}

/** What Node looks at, too, to see whether a socket is idle. */
interface Handle {
  readonly writeQueueSize: number;
  readonly _parent?: { readonly writeQueueSize?: number };
}

/** How long a socket that was destroyed may take to say that it is closed; some never do. */
export const CLOSE_MS = 500;
const LOOK_MS = 50;
/** What a Duplex may give while it is called, and what a chunk of it costs beside its bytes. */
const MOST_EARLY_BYTES = 64 * 1024 * 1024;
const CHUNK_COST = 256;
const WRITING = ['write', '_write', '_writev'] as const;

export class ConnectionSocket {
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** Has the socket let go of the bytes of a write when it calls back? */
  readonly letsGoOfWrites: boolean;
  readonly #socket: Duplex;
  readonly #listener: ConnectionSocketListener;
  /** Calls of ours that have not returned yet. */
  #calls = 0;
  /** What it did meanwhile. */
  readonly #events = new Fifo<() => void>();
  /** Bytes that are among that, and what each chunk costs. */
  #earlyBytes = 0;
  #isTelling = false;
  #isReading = true;
  #isClosed = false;
  #destroyedAt = 0;
  #closed: Promise<void> | undefined;
  #onClosed = (): void => {};

  constructor(socket: Duplex, options: ResolvedConnectionOptions, listener: ConnectionSocketListener) {
    this.#socket = socket;
    this.#listener = listener;
    this.remoteAddress = addressOf(socket, 'remote');
    this.localAddress = addressOf(socket, 'local');
    this.letsGoOfWrites = letsGoOfWrites(socket);
    tune(socket, options);
  }

  /** Begins to tell, and to read: it may have been handed over paused. */
  open(): void {
    const socket = this.#socket;
    const listener = this.#listener;
    this.#call(() => {
      socket.on('error', (error) => this.#tell(() => listener.onGone(fromSocketError(error))));
      socket.on('close', () => this.#tell(() => this.#hasClosed()));
      socket.on('end', () => this.#tell(() => listener.onPeerEnd()));
      socket.on('data', (chunk: Buffer) => this.#receive(chunk));
      socket.resume();
    });
  }

  /** Calls `done` when the bytes were taken, or with what went wrong. */
  write(bytes: Buffer, done: (error: unknown) => void): void {
    this.#call(() => this.#socket.write(bytes, (error) => this.#tell(() => done(error))));
  }

  /** Bytes that were written and the system has not taken; undefined if it cannot be asked. */
  get queuedBytes(): number | undefined {
    const handle = this.letsGoOfWrites ? (this.#socket as { _handle?: Handle | null })._handle : undefined;
    // Of TLS, what waits is in its own buffer and in that of the socket below.
    return handle ? handle.writeQueueSize + (handle._parent?.writeQueueSize ?? 0) : undefined;
  }

  pause(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.#call(() => this.#socket.pause());
  }

  resume(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#call(() => this.#socket.resume());
  }

  /** Sends FIN behind what was written. */
  end(): void {
    this.#call(() => this.#socket.end());
  }

  destroy(): void {
    this.#destroyedAt ||= performance.now();
    this.#call(() => this.#socket.destroy());
  }

  /** Resolves when it is closed, or has had time to say so; keeps the process alive until then. */
  closed(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#isClosed || this.#socket.closed) return resolve();
      const watch = setInterval(() => {
        const isLate = this.#destroyedAt > 0 && performance.now() - this.#destroyedAt >= CLOSE_MS;
        if (isLate || this.#socket.closed) this.#onClosed();
      }, LOOK_MS);
      this.#onClosed = () => {
        clearInterval(watch);
        resolve();
      };
    });
    return this.#closed;
  }

  /** May be notify at once: nothing is being called or notify, and nothing waits. */
  get #isFree(): boolean {
    return this.#calls === 0 && this.#events.length === 0 && !this.#isTelling;
  }

  #receive(chunk: Buffer): void {
    if (!ArrayBuffer.isView(chunk)) {
      return this.#tell(() => this.#listener.onGone(new CmdStreamError('CONNECT_FAILED', NO_BYTES)));
    }
    // The hot path: nothing is made for it.
    if (this.#isFree) this.#listener.onData(chunk);
    else this.#keep(chunk);
  }

  /** Of a Duplex that gives much at once, no more is taken in than so much. */
  #keep(chunk: Buffer): void {
    const cost = chunk.length + CHUNK_COST;
    if (this.#earlyBytes >= MOST_EARLY_BYTES) {
      const text = `the socket gave more than ${MOST_EARLY_BYTES} bytes at once, ${CHUNK_COST} counted for each chunk`;
      return this.#listener.onGone(new CmdStreamError('CONNECT_FAILED', text));
    }
    this.#earlyBytes += cost;
    this.#tell(() => {
      this.#earlyBytes -= cost;
      this.#listener.onData(chunk);
    });
  }

  #hasClosed(): void {
    this.#isClosed = true;
    this.#onClosed();
    this.#listener.onGone(new CmdStreamError('PEER_CLOSED', 'the connection was closed'));
  }

  /** A method that throws leaves the Duplex in a state that nobody knows. */
  #call(method: () => unknown): void {
    this.#calls++;
    try {
      method();
    } catch (error) {
      this.#tell(() => this.#listener.onGone(fromSocketError(error)));
    } finally {
      this.#calls--;
    }
  }

  /** At once, or in the order of events in a turn of its own when it happened within a call of ours. */
  #tell(event: () => void): void {
    if (this.#isFree) return event();
    this.#events.push(event);
    if (this.#events.length === 1 && !this.#isTelling) setImmediate(() => this.#tellAll());
  }

  #tellAll(): void {
    // What happens meanwhile comes after it.
    this.#isTelling = true;
    try {
      for (let left = this.#events.length; left > 0; left--) this.#events.shift()!();
    } finally {
      this.#isTelling = false;
      // What followed from them has its own turn, or two sides in one process would keep it to themselves.
      if (this.#events.length > 0) setImmediate(() => this.#tellAll());
    }
  }
}

const NO_BYTES = 'the socket gives no bytes: it must not have an encoding, nor be in object mode';

/** A socket of Node has: the system took them. Any other Duplex may hand them on to where nobody knows when they are read. */
export function letsGoOfWrites(socket: Duplex): boolean {
  return socket instanceof Socket && WRITING.every((name) => socket[name] === Socket.prototype[name]);
}

/** `address:port`, or a word for sockets that have none. */
function addressOf(socket: Duplex, which: 'remote' | 'local'): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket as Partial<Socket>;
  const [address, port] = which === 'remote' ? [remoteAddress, remotePort] : [localAddress, localPort];
  if (address === undefined) return 'local socket';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function tune(socket: Duplex, { noDelay, tcpKeepAliveMs }: ResolvedConnectionOptions): void {
  const { setNoDelay, setKeepAlive } = socket as Partial<Socket>;
  setNoDelay?.call(socket, noDelay);
  setKeepAlive?.call(socket, tcpKeepAliveMs > 0, tcpKeepAliveMs);
}
