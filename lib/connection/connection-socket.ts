// The socket of one connection, Node's own or any other Duplex: keeps its events to the order in which a connection can
// follow them. What a Duplex throws is its error, and what it emits while one of its methods runs comes after that
// method.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionAddresses } from '../contract/command.js';
import { CmdStreamError } from '../errors.js';
import { Fifo } from '../fifo.js';
import type { ResolvedConnectionOptions } from './connection-options.js';
import { fromSocketError } from './socket-error.js';

/** The events of a socket. */
export interface ConnectionSocketListener {
  onData(chunk: Buffer): void;
  /** The peer sends no more. */
  onPeerEnd(): void;
  /** It is broken, or closed: perhaps more than once, in any order. */
  onGone(cause: CmdStreamError): void;
  /** It is closed. */
  onClosed?(): void;
}

/** Where Node itself finds out whether a socket is idle. */
interface Handle {
  readonly writeQueueSize: number;
  readonly _parent?: { readonly writeQueueSize?: number };
}

/** How long a socket that was destroyed may take to say that it is closed; some never do. */
export const CLOSE_MS = 500;
const LOOK_MS = 50;
/** As much may a Duplex emit while a method of it runs; a chunk costs so much beside its bytes. */
const MOST_EARLY_BYTES = 64 * 1024 * 1024;
const CHUNK_COST = 256;
const WRITING = ['write', '_write', '_writev'] as const;

/** Where a socket of Node has the {@link ConnectionSocket} that listens to it. */
const OWNER = Symbol('cmd-stream');

interface Owned {
  [OWNER]?: ConnectionSocket;
}

/** The same for all sockets: thousands that are idle would have four functions each. */
const listeners = Object.entries({
  error(this: Owned, error: unknown): void {
    this[OWNER]!.onError(error);
  },
  close(this: Owned): void {
    this[OWNER]!.onClose();
  },
  end(this: Owned): void {
    this[OWNER]!.onEnd();
  },
  data(this: Owned, chunk: Buffer): void {
    this[OWNER]!.onData(chunk);
  },
});

export class ConnectionSocket {
  readonly addresses: ConnectionAddresses;
  /** Is the memory of a write free when its callback is called? */
  readonly letsGoOfWrites: boolean;
  readonly #socket: Duplex;
  readonly #listener: ConnectionSocketListener;
  /** Methods of the Duplex that run. */
  #calls = 0;
  /** Events that must wait, in order; undefined while there are none. */
  #waiting: Fifo<() => void> | undefined;
  /** Bytes among them, with what each chunk costs. */
  #waitingBytes = 0;
  /** Were they too many? What came then is missing, so no more is delivered. */
  #isCut = false;
  #isDelivering = false;
  #isReading = true;
  #isClosed = false;
  #destroyedAt = 0;
  #closed: Promise<void> | undefined;
  #onClosed: (() => void) | undefined;

  constructor(socket: Duplex, options: ResolvedConnectionOptions, listener: ConnectionSocketListener) {
    this.#socket = socket;
    this.#listener = listener;
    this.addresses = addressesOf(socket as Partial<Socket>);
    this.letsGoOfWrites = letsGoOfWrites(socket);
    tune(socket, options);
  }

  /** Begins to listen, and to read: the Duplex may have been handed over paused. */
  open(): void {
    const socket = this.#socket;
    this.#call(() => {
      // Another Duplex may hand them on to one that it stands for.
      const isNodes = socket instanceof Socket && !(OWNER in socket);
      const owned = (isNodes ? socket : {}) as Owned;
      owned[OWNER] = this;
      for (const [event, listener] of listeners) socket.on(event, isNodes ? listener : listener.bind(owned));
      socket.resume();
    });
  }

  onError(error: unknown): void {
    this.#deliver(() => this.#listener.onGone(fromSocketError(error)));
  }

  onClose(): void {
    this.#deliver(() => this.#hasClosed());
  }

  onEnd(): void {
    this.#deliver(() => this.#listener.onPeerEnd());
  }

  /** Calls `done` when the bytes were taken, or with the error. */
  write(bytes: Buffer, done: (error: unknown) => void): void {
    this.#call(() => this.#socket.write(bytes, (error) => this.#deliver(() => done(error))));
  }

  /** Bytes that were written and the system has not taken; undefined where that is not known. */
  get queuedBytes(): number | undefined {
    const handle = this.letsGoOfWrites ? (this.#socket as { _handle?: Handle | null })._handle : undefined;
    // Of TLS, what waits is in its own buffer and in that of the socket below.
    return handle ? handle.writeQueueSize + (handle._parent?.writeQueueSize ?? 0) : undefined;
  }

  /** Bytes that the Duplex itself has read and keeps, which it may while it is paused. */
  get keptBytes(): number {
    return this.#isReading ? 0 : this.#socket.readableLength;
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
        if (isLate || this.#socket.closed) this.#onClosed?.();
      }, LOOK_MS);
      this.#onClosed = () => {
        clearInterval(watch);
        resolve();
      };
    });
    return this.#closed;
  }

  /** May an event be delivered now? Not within a method or an event, nor ahead of others. */
  get #isFree(): boolean {
    return this.#calls === 0 && this.#waiting === undefined && !this.#isDelivering;
  }

  onData(chunk: Buffer): void {
    if (!ArrayBuffer.isView(chunk)) {
      return this.#deliver(() => this.#listener.onGone(new CmdStreamError('CONNECT_FAILED', NO_BYTES)));
    }
    // The hot path: nothing is made for it.
    if (this.#isFree) this.#listener.onData(chunk);
    else this.#keep(chunk);
  }

  /** A chunk waits for its turn, if there are not too many. */
  #keep(chunk: Buffer): void {
    if (this.#isCut) return;
    const cost = chunk.length + CHUNK_COST;
    if (this.#waitingBytes >= MOST_EARLY_BYTES) {
      this.#isCut = true;
      const text = `the socket gave more than ${MOST_EARLY_BYTES} bytes at once, ${CHUNK_COST} counted for each chunk`;
      return this.#deliver(() => this.#listener.onGone(new CmdStreamError('CONNECT_FAILED', text)));
    }
    this.#waitingBytes += cost;
    this.#deliver(() => {
      this.#waitingBytes -= cost;
      this.#listener.onData(chunk);
    });
  }

  #hasClosed(): void {
    this.#isClosed = true;
    this.#onClosed?.();
    this.#listener.onGone(new CmdStreamError('PEER_CLOSED', 'the connection was closed'));
    this.#listener.onClosed?.();
  }

  /** A method that throws leaves the Duplex in an unknown state: it is given up. */
  #call(method: () => unknown): void {
    this.#calls++;
    try {
      method();
    } catch (error) {
      this.#deliver(() => this.#listener.onGone(fromSocketError(error)));
    } finally {
      this.#calls--;
    }
  }

  /** Delivers an event now, or in a later turn, behind those that wait, when it came within a method of the Duplex. */
  #deliver(event: () => void): void {
    if (this.#isFree) return event();
    const waiting = (this.#waiting ??= new Fifo());
    waiting.push(event);
    if (waiting.length === 1 && !this.#isDelivering) setImmediate(() => this.#deliverWaiting(waiting));
  }

  #deliverWaiting(waiting: Fifo<() => void>): void {
    // What comes meanwhile goes behind it.
    this.#isDelivering = true;
    try {
      for (let left = waiting.length; left > 0; left--) waiting.shift()!();
    } finally {
      this.#isDelivering = false;
      // What followed from them has its own turn, or two sides in one process would take all of its time.
      if (waiting.length > 0) setImmediate(() => this.#deliverWaiting(waiting));
      else this.#waiting = undefined;
    }
  }
}

const NO_BYTES = 'the socket gives no bytes: it must not have an encoding, nor be in object mode';

/**
 * Of a socket of Node it is: the system took the bytes. Any other Duplex may hand them on to a reader that comes later.
 */
export function letsGoOfWrites(socket: Duplex): boolean {
  return socket instanceof Socket && WRITING.every((name) => socket[name] === Socket.prototype[name]);
}

/** Both ends, as the socket tells them now: once it is closed it knows them no more. */
export function addressesOf(socket: Partial<ConnectionAddresses>): ConnectionAddresses {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return Object.freeze({ remoteAddress, remotePort, localAddress, localPort });
}

function tune(socket: Duplex, { tcpKeepAliveMs }: ResolvedConnectionOptions): void {
  const { setNoDelay, setKeepAlive } = socket as Partial<Socket>;
  // What is written in one turn of the event loop travels together anyway.
  setNoDelay?.call(socket, true);
  setKeepAlive?.call(socket, tcpKeepAliveMs > 0, tcpKeepAliveMs);
}
