// Pings that are under way on a connection: a pong answers the oldest. One whose waiter has left serves the next, so
// that a peer that does not answer is not sent ever more of them; many that wait share some.
import type { PingCallbacks } from '../../connection/keepalive.js';
import type { CmdStreamError } from '../../errors.js';

interface Ping {
  readonly sentAt: number;
  /** Bytes of the connection that were sent before it. */
  readonly position: number;
  readonly waiters: Set<PingCallbacks>;
}

/** So many are under way at a time: what comes then waits for the last of them as well. */
const MOST_PINGS = 16;

export class PingQueue {
  /** Read-only to others: bytes of the connection that the peer has read at least, as its pongs show. */
  confirmedBytes = 0;
  readonly #pings: Ping[] = [];
  readonly #send: () => number;

  /** `send` gives how many bytes were sent before the ping. */
  constructor(send: () => number) {
    this.#send = send;
  }

  /** Bytes that were sent before the oldest ping; undefined if none is under way. */
  get position(): number | undefined {
    return this.#pings[0]?.position;
  }

  /** How many wait for a pong. */
  get waiting(): number {
    let sum = 0;
    for (const { waiters } of this.#pings) sum += waiters.size;
    return sum;
  }

  /** Waits for a pong; returns what ends that. */
  add(waiter: PingCallbacks): () => void {
    const { waiters } = this.#pings.find((sent) => sent.waiters.size === 0) ?? this.#lastOrNew();
    waiters.add(waiter);
    return () => void waiters.delete(waiter);
  }

  /** So many pongs have come; one that no ping has asked for means nothing. */
  answered(count: number): void {
    const now = performance.now();
    const pings = this.#pings.splice(0, count);
    this.confirmedBytes = pings.at(-1)?.position ?? this.confirmedBytes;
    for (const { waiters, sentAt } of pings) for (const waiter of waiters) waiter.answered(now - sentAt);
  }

  fail(error: CmdStreamError): void {
    for (const { waiters } of this.#pings.splice(0)) for (const waiter of waiters) waiter.failed(error);
  }

  #lastOrNew(): Ping {
    if (this.#pings.length >= MOST_PINGS) return this.#pings.at(-1)!;
    const ping: Ping = { sentAt: performance.now(), position: this.#send(), waiters: new Set() };
    this.#pings.push(ping);
    return ping;
  }
}
