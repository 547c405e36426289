// A client and a server of one process, connected without sockets, and what may happen to such a connection.
import { Server, type AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import type { ConnectionFactory } from '../client/client-options.js';

/** A test may put a clock of its own in the place of the real one: bytes travel all the same. */
const nextTurn = setImmediate;

/** A port would have refused the second; here it may take the place of one that closes just now. */
const TWO_SERVERS =
  'two servers listen on one MemoryTransport: close the first, or give the other a transport of its own';

/**
 * Connects clients and servers of one process in memory: no port, no socket, the same bytes. Has faults for tests of
 * what an application does when its network fails; each holds until the next one or until {@link heal}.
 *
 * @example
 * import { CmdStreamClient, CmdStreamServer } from 'nestjs-cmd-stream';
 * import { MemoryTransport } from 'nestjs-cmd-stream/testing';
 * import { calcContract } from './calc.contract.js';
 *
 * const memory = new MemoryTransport();
 * export const strategy = new CmdStreamServer({ contract: calcContract, ...memory.server });
 * export const client = new CmdStreamClient({ contract: calcContract, ...memory.client });
 *
 * @publicApi
 */
export class MemoryTransport {
  /** Options of the server: `new CmdStreamServer({ contract, ...memory.server })`. One server at a time. */
  readonly server: { readonly listenOn: Server };
  /** Options of each client: `CmdStreamModule.register({ contract, ...memory.client })`. */
  readonly client: { readonly connect: ConnectionFactory };
  readonly #sockets = new Set<MemorySocket>();
  #isRefusing = false;
  /** What stands still, in order; undefined while bytes travel. */
  #held: (() => void)[] | undefined;

  constructor() {
    const listener = new MemoryListener();
    this.server = Object.freeze({ listenOn: listener });
    this.client = Object.freeze({ connect: () => this.#connect(listener) });
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** All connections are lost at once, as by a reset; new ones are taken. */
  cut(): void {
    this.heal();
    const cause = systemError('ECONNRESET', 'read');
    for (const socket of this.#sockets) socket.destroy(cause);
  }

  /** As {@link cut}, and new connections are refused: a server that is down. */
  refuse(): void {
    this.cut();
    this.#isRefusing = true;
  }

  /** Nothing travels any more, and neither end sees why: a pulled cable. Keepalive and time limits find out. */
  stall(): void {
    this.#isRefusing = false;
    this.#held ??= [];
  }

  /** All is well again: what stood still goes on. */
  heal(): void {
    this.#isRefusing = false;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const pass of held) nextTurn(pass);
  }

  #connect(listener: Server): Duplex {
    const servers = listener.listenerCount('connection');
    if (this.#isRefusing || servers === 0) throw systemError('ECONNREFUSED', 'connect');
    if (servers > 1) throw new Error(TWO_SERVERS);
    const pass = (arrive: () => void): void => this.#pass(arrive);
    const [near, far] = [new MemorySocket(pass), new MemorySocket(pass)];
    near.peer = far;
    far.peer = near;
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    }
    // Without a server any more it is as if that had gone just now.
    pass(() => void (listener.emit('connection', far) || far.destroy()));
    return near;
  }

  #pass(arrive: () => void): void {
    if (this.#held === undefined) nextTurn(arrive);
    else this.#held.push(() => this.#pass(arrive));
  }
}

/** One end. What is written arrives at the other in a later turn of the event loop, in order. */
class MemorySocket extends Duplex {
  peer!: MemorySocket;
  readonly #pass: (arrive: () => void) => void;
  #hasEnded = false;
  /** Lets the peer write again. */
  #taken: (() => void) | undefined;

  constructor(pass: (arrive: () => void) => void) {
    super();
    this.#pass = pass;
  }

  override _read(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    // The writer may use its memory again as soon as the bytes are taken.
    const bytes = Buffer.from(chunk);
    this.#pass(() => this.peer.#take(bytes, done));
  }

  override _final(done: () => void): void {
    this.#pass(() => this.peer.#take(null, done));
  }

  /** The peer learns of it as of the end of what was sent. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this._read();
    done(error);
    this.#pass(() => this.peer.#take(null, () => {}));
  }

  #take(bytes: Buffer | null, done: (error?: Error) => void): void {
    if (this.destroyed) return done(bytes === null ? undefined : systemError('EPIPE', 'write'));
    if (this.readableEnded || this.closed) return done();
    if (bytes === null) {
      if (!this.#hasEnded) this.push(null);
      this.#hasEnded = true;
      return done();
    }
    if (this.push(bytes)) done();
    else this.#taken = done;
  }
}

/** What a server listens on that no one can reach by an address. */
class MemoryListener extends Server {
  constructor() {
    super();
    Object.defineProperty(this, 'listening', { value: true });
  }

  override address(): AddressInfo {
    return { address: 'memory', family: 'memory', port: 0 };
  }
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code} memory`), { code, syscall });
}
