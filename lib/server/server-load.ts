// What all connections of a server have in common, with its bound: how many Commands run, and whose, which sheds load
// instead of making all of them wait.
import { CmdStreamError } from '../errors.js';

/** Whose Commands they are. */
export interface LoadHolder {
  /** Ends the connection: another one needs its room. */
  close(cause: CmdStreamError): void;
}

export class ServerLoad {
  readonly maxInFlight: number;
  readonly #open = new Set<ConnectionLoad>();
  /** Open connections with Commands that run. */
  #busy = 0;
  /** Commands of open connections. */
  #awaited = 0;
  /** Those that run on although their connection has ended, or they were ended before their handlers. */
  #abandoned = 0;

  /** Infinity: no limit. */
  constructor(maxInFlight: number) {
    this.maxInFlight = maxInFlight;
  }

  get inFlight(): number {
    return this.#awaited + this.#abandoned;
  }

  get isFull(): boolean {
    return this.#awaited >= this.maxInFlight || this.#abandoned >= this.maxInFlight;
  }

  /** Do so many handlers run on that nothing may start, whatever is over? */
  get isHeld(): boolean {
    return this.#abandoned >= this.maxInFlight;
  }

  addConnection(holder: LoadHolder): ConnectionLoad {
    const connection = new ConnectionLoad(this, holder);
    this.#open.add(connection);
    return connection;
  }

  started(connection: ConnectionLoad): void {
    if (!this.#open.has(connection)) return void this.#abandoned++;
    this.#awaited++;
    if (connection.inFlight === 1) this.#busy++;
  }

  settled(connection: ConnectionLoad): void {
    if (!this.#open.has(connection)) return void this.#abandoned--;
    this.#awaited--;
    if (connection.inFlight === 0) this.#busy--;
  }

  /** One that counted as running for its connection is over, but for its handler. */
  left(connection: ConnectionLoad): void {
    if (!this.#open.has(connection)) return;
    this.#awaited--;
    this.#abandoned++;
    if (connection.inFlight === 0) this.#busy--;
  }

  /** The handler of such a one has ended, too. */
  handlerEnded(): void {
    this.#abandoned--;
  }

  /** What it runs was aborted and counts apart: ending one connection makes room at once. */
  remove(connection: ConnectionLoad): void {
    if (!this.#open.delete(connection)) return;
    this.#awaited -= connection.inFlight;
    this.#abandoned += connection.inFlight;
    if (connection.inFlight > 0) this.#busy--;
  }

  /**
   * Makes room for one more Command of `sender`, whose peer knows no error that says that the server runs too many: the
   * connection ends that would have the most. False if that is the sender's own.
   */
  makeRoomFor(sender: ConnectionLoad): boolean {
    if (!this.isFull) return true;
    const largest = this.#largestBeside(sender);
    this.#shed(largest);
    return largest !== sender;
  }

  /**
   * The same for a sender whose peer knows the answer to come again later, which is enough while it has half of its
   * fair part of the room; all connections with Commands have equal parts. False if that is the answer.
   */
  makeRoomForSmall(sender: ConnectionLoad): boolean {
    if (!this.isFull) return true;
    const sharers = this.#busy + (sender.inFlight > 0 ? 0 : 1);
    if (sender.inFlight + 1 > this.maxInFlight / sharers / 2) return false;
    const largest = this.#largestBeside(sender);
    if (largest === sender) return false;
    this.#shed(largest);
    return true;
  }

  #shed(largest: ConnectionLoad): void {
    const text = `the server runs maxInFlight (${this.maxInFlight}) Commands: the connection with the most had to go`;
    largest.holder.close(new CmdStreamError('OVERLOADED', text));
  }

  /** It is the sender itself as well if none of the others could make room. */
  #largestBeside(sender: ConnectionLoad): ConnectionLoad {
    let largest = sender;
    if (this.#abandoned >= this.maxInFlight) return largest;
    let most = sender.inFlight + 1;
    for (const connection of this.#open) {
      if (connection.inFlight <= most) continue;
      largest = connection;
      most = connection.inFlight;
    }
    return largest;
  }
}

/** One connection's part of it. */
export class ConnectionLoad {
  /** Commands and events that are running; others only read it. */
  inFlight = 0;
  readonly #server: ServerLoad;

  constructor(
    server: ServerLoad,
    readonly holder: LoadHolder,
  ) {
    this.#server = server;
  }

  started(): void {
    this.inFlight++;
    this.#server.started(this);
  }

  settled(): void {
    this.inFlight--;
    this.#server.settled(this);
  }

  /** One of them was ended, but its handler runs on, and counts apart until {@link handlerEnded}. */
  left(): void {
    this.inFlight--;
    this.#server.left(this);
  }

  handlerEnded(): void {
    this.#server.handlerEnded();
  }

  /** The connection has ended; what it runs goes on, and counts apart. */
  remove(): void {
    this.#server.remove(this);
  }
}
