// How many Commands run on all connections of a server, and whose: the bound that sheds load instead of making
// everybody wait. It runs none itself.

/** A connection as its share of the load. */
export interface LoadedConnection {
  /** Commands that are running. */
  readonly inFlight: number;
}

export class ServerLoad<C extends LoadedConnection> {
  readonly maxInFlight: number;
  readonly #limit: number;
  readonly #open = new Set<C>();
  /** Commands of open connections. */
  #awaited = 0;
  /** Commands that run on although their connection has ended. */
  #abandoned = 0;

  /** 0: no limit. */
  constructor(maxInFlight: number) {
    this.maxInFlight = maxInFlight;
    this.#limit = maxInFlight || Number.POSITIVE_INFINITY;
  }

  get inFlight(): number {
    return this.#awaited + this.#abandoned;
  }

  get isFull(): boolean {
    return this.#awaited >= this.#limit || this.#abandoned >= this.#limit;
  }

  opened(connection: C): void {
    this.#open.add(connection);
  }

  started(connection: C): void {
    this.#count(connection, 1);
  }

  settled(connection: C): void {
    this.#count(connection, -1);
  }

  #count(connection: C, change: 1 | -1): void {
    if (this.#open.has(connection)) this.#awaited += change;
    else this.#abandoned += change;
  }

  /** What it runs was notify to stop and counts apart: ending one connection makes room at once. */
  ended(connection: C): void {
    if (!this.#open.delete(connection)) return;
    this.#awaited -= connection.inFlight;
    this.#abandoned += connection.inFlight;
  }

  /**
   * Which connection must go so that one more Command of `sender` may run: the one that would have the most. It is the
   * sender itself as well if none of the others could make room.
   */
  largestBeside(sender: C): C {
    let largest = sender;
    if (this.#abandoned >= this.#limit) return largest;
    let most = sender.inFlight + 1;
    for (const connection of this.#open) {
      if (connection.inFlight <= most) continue;
      largest = connection;
      most = connection.inFlight;
    }
    return largest;
  }
}
