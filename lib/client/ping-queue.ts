// Pings that are under way on a connection: a pong answers the oldest. One whose waiter has left serves the next waiter,
// so that a peer that does not answer is not sent ever more of them.
import type { CmdStreamError } from '../errors.js';

export interface PingWaiter {
  /** The pong has come, so many milliseconds after its ping was sent. */
  answered(roundTripMs: number): void;
  /** The connection has ended. */
  failed(error: CmdStreamError): void;
}

interface Ping {
  readonly sentAt: number;
  /** Bytes of the connection that were sent before it. */
  readonly position: number;
  waiter: PingWaiter | undefined;
}

export class PingQueue {
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

  /** Waits for a pong; returns what ends that. */
  add(waiter: PingWaiter): () => void {
    const ping = this.#pings.find((sent) => sent.waiter === undefined) ?? this.#newPing();
    ping.waiter = waiter;
    return () => {
      if (ping.waiter === waiter) ping.waiter = undefined;
    };
  }

  /** A pong nobody asked for means nothing. Gives how many bytes the peer has read at least. */
  answered(count: number): number {
    const now = performance.now();
    const pings = this.#pings.splice(0, count);
    for (const { waiter, sentAt } of pings) waiter?.answered(now - sentAt);
    return pings.at(-1)?.position ?? 0;
  }

  fail(error: CmdStreamError): void {
    for (const { waiter } of this.#pings.splice(0)) waiter?.failed(error);
  }

  #newPing(): Ping {
    const ping: Ping = { sentAt: performance.now(), position: this.#send(), waiter: undefined };
    this.#pings.push(ping);
    return ping;
  }
}
