// A TCP proxy whose faults are switched while it runs, each way of its own. It knows no protocol: a fault falls between
// any two bytes. What it is asked to do holds for connections that stand and for new ones until heal().
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

export type Direction = 'toServer' | 'toClient';
export type Cut = 'fin' | 'rst';

const host = '127.0.0.1';
const PIECES_PER_SECOND = 50;
const directions: readonly Direction[] = ['toServer', 'toClient'];

export class FaultProxy {
  /** Connections that were accepted so far, those that were then closed included. */
  accepted = 0;
  /** Sees every piece that is passed on. */
  onPass: ((direction: Direction, bytes: Buffer) => void) | undefined;
  readonly #serverPort: number;
  readonly #pairs = new Set<Pair>();
  readonly #faults = new Faults();
  #listener: Server | undefined;
  #port: number;

  private constructor(serverPort: number, port: number) {
    this.#serverPort = serverPort;
    this.#port = port;
  }

  /**
   * Listens on `port`, 0: any. The server need not be there yet; it may come back later on the same port. While the
   * proxy refuses, a port that the system has chosen may go to any connection of this machine.
   */
  static async listen(serverPort: number, port = 0): Promise<FaultProxy> {
    const proxy = new FaultProxy(serverPort, port);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Connections that stand. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Swallows every byte and every end, both ways. A connection this has befallen stays silent after heal(). */
  blackhole(): void {
    this.#faults.swallows = true;
    for (const pair of this.#pairs) pair.swallow();
  }

  /** Reads no more in one direction, so that the sender's buffers fill; heal() loses nothing. */
  stall(direction: Direction): void {
    this.#faults.stall(direction);
  }

  /** Passes at most this many bytes at a time, each piece in a turn of the event loop of its own. */
  slice(bytes: number): void {
    this.#faults.sliceBytes = bytes;
  }

  /** Passes each chunk this much later, and up to `jitterMs` more, each time anew. */
  latency(ms: number, jitterMs = 0): void {
    this.#faults.latencyMs = ms;
    this.#faults.jitterMs = jitterMs;
  }

  /** Passes at most this many bytes a second, in each direction of each connection. */
  bandwidth(bytesPerSecond: number): void {
    this.#faults.bytesPerSecond = bytesPerSecond;
  }

  /**
   * Cuts each connection when this many more bytes have passed in one direction, before the next one; a new connection
   * counts from its first byte. The receiver of the last bytes may take a reset that follows at once for an end.
   */
  cutAfter(bytes: number, cut: Cut, direction: Direction = 'toClient'): void {
    this.#faults.budget = { bytes, cut, direction };
    for (const pair of this.#pairs) pair.spend(this.#faults.budget);
  }

  /** Ends the connections that stand, on both sides. */
  cut(how: Cut): void {
    for (const pair of this.#pairs) pair.cut(how);
  }

  /** Refuses new connections; those that stand go on. */
  refuse(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  /** Accepts new connections only to close them at once. */
  acceptThenClose(): void {
    this.#faults.closesAtOnce = true;
  }

  /** Resets what blackhole() has silenced, as a host does that knows of no such connection. */
  resetSilent(): void {
    for (const pair of this.#pairs) pair.resetIfSilent();
  }

  /** Takes back every fault but those that have ended or silenced a connection. */
  async heal(): Promise<void> {
    this.#faults.heal();
    for (const pair of this.#pairs) pair.spend(undefined);
    if (!this.#listener) await this.#listen();
  }

  async close(): Promise<void> {
    this.refuse();
    this.#faults.heal();
    const gone = [...this.#pairs].map((pair) => pair.destroy());
    await Promise.all(gone);
  }

  async #listen(): Promise<void> {
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#join(client));
    this.#listener = listener;
    await once(listener.listen(this.#port, host), 'listening');
    this.#port = (listener.address() as AddressInfo).port;
  }

  #join(client: Socket): void {
    this.accepted++;
    if (this.#faults.closesAtOnce) {
      client.on('error', () => {}).destroy();
      return;
    }
    const server = connect({ host, port: this.#serverPort, allowHalfOpen: true, noDelay: true });
    const pair = new Pair(client, server, this.#faults, (...passed) => this.onPass?.(...passed));
    this.#pairs.add(pair);
    if (this.#faults.swallows) pair.swallow();
    pair.spend(this.#faults.budget);
    void pair.run().then(() => this.#pairs.delete(pair));
  }
}

interface Budget {
  readonly bytes: number;
  readonly cut: Cut;
  readonly direction: Direction;
}

/** What holds for every connection at the moment. */
class Faults {
  swallows = false;
  closesAtOnce = false;
  sliceBytes = Infinity;
  latencyMs = 0;
  jitterMs = 0;
  bytesPerSecond = Infinity;
  budget: Budget | undefined;
  readonly #gates = new Map<Direction, Gate>();

  stall(direction: Direction): void {
    if (!this.#gates.has(direction)) this.#gates.set(direction, gate());
  }

  /** Resolves when the direction is not stalled. */
  async passable(direction: Direction): Promise<void> {
    for (let closed = this.#gates.get(direction); closed; closed = this.#gates.get(direction)) await closed.opened;
  }

  /** How long the next chunk stays on its way. */
  delayMs(): number {
    return this.latencyMs + this.jitterMs * Math.random();
  }

  /** A slow link passes what it has as a trickle, not in one piece at the end. */
  pieceBytes(): number {
    return Math.min(this.sliceBytes, Math.ceil(this.bytesPerSecond / PIECES_PER_SECOND));
  }

  heal(): void {
    this.swallows = this.closesAtOnce = false;
    this.sliceBytes = Infinity;
    this.latencyMs = this.jitterMs = 0;
    this.bytesPerSecond = Infinity;
    this.budget = undefined;
    const gates = [...this.#gates.values()];
    this.#gates.clear();
    for (const { open } of gates) open();
  }
}

interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

function gate(): Gate {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** A client's socket and the one to the server for it. */
class Pair {
  readonly #ends: Readonly<Record<Direction, { from: Socket; to: Socket }>>;
  readonly #closed: Promise<unknown>;
  readonly #faults: Faults;
  readonly #onPass: (direction: Direction, bytes: Buffer) => void;
  #silent = false;
  #left = Infinity;
  #budget: Budget | undefined;

  constructor(client: Socket, server: Socket, faults: Faults, onPass: (direction: Direction, bytes: Buffer) => void) {
    this.#onPass = onPass;
    this.#ends = { toServer: { from: client, to: server }, toClient: { from: server, to: client } };
    this.#faults = faults;
    this.#closed = Promise.all([client, server].map((socket) => new Promise((resolve) => socket.on('close', resolve))));
    for (const socket of [client, server]) socket.on('error', () => {});
  }

  run(): Promise<unknown> {
    for (const direction of directions) void this.#pass(direction);
    return this.#closed;
  }

  swallow(): void {
    this.#silent = true;
  }

  spend(budget: Budget | undefined): void {
    this.#budget = budget;
    this.#left = budget?.bytes ?? Infinity;
  }

  cut(how: Cut): void {
    this.swallow();
    for (const { to } of Object.values(this.#ends)) {
      if (how === 'rst') reset(to);
      else to.end();
    }
  }

  resetIfSilent(): void {
    if (!this.#silent) return;
    for (const { to } of Object.values(this.#ends)) reset(to);
  }

  destroy(): Promise<unknown> {
    for (const { from } of Object.values(this.#ends)) from.destroy();
    return this.#closed;
  }

  async #pass(direction: Direction): Promise<void> {
    const { from, to } = this.#ends[direction];
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        const delayMs = this.#faults.delayMs();
        if (delayMs > 0) await delay(delayMs);
        await this.#forward(chunk as Buffer, direction);
      }
      await this.#faults.passable(direction);
      if (!this.#silent) to.end();
    } catch {
      if (!this.#silent) reset(to);
    }
  }

  async #forward(chunk: Buffer, direction: Direction): Promise<void> {
    const { to } = this.#ends[direction];
    for (let at = 0; at < chunk.length;) {
      await this.#faults.passable(direction);
      if (this.#silent) return;
      const isCounted = this.#budget?.direction === direction;
      const size = Math.min(chunk.length - at, this.#faults.pieceBytes(), isCounted ? this.#left : Infinity);
      const piece = chunk.subarray(at, at + size);
      this.#onPass(direction, piece);
      await written(to, piece);
      const restMs = (size / this.#faults.bytesPerSecond) * 1000;
      if (restMs > 0) await delay(restMs);
      at += size;
      if (isCounted) {
        this.#left -= size;
        if (this.#left <= 0) this.cut(this.#budget!.cut);
      }
    }
  }
}

/** One whose end is on its way is closed: Node 20 would neither reset it nor ever close it. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

/** Resolves when the system has the bytes, or never will. */
async function written(to: Socket, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    to.write(bytes, () => resolve());
  });
  await nextTurn();
}
