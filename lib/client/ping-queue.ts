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
  waiter: PingWaiter | undefined;
}

export class PingQueue {
  readonly #pings: Ping[] = [];
  readonly #send: () => void;

  constructor(send: () => void) {
    this.#send = send;
  }

  /** Waits for a pong; returns what ends that. */
  add(waiter: PingWaiter): () => void {
    const ping = this.#pings.find((sent) => sent.waiter === undefined) ?? this.#newPing();
    ping.waiter = waiter;
    return () => {
      if (ping.waiter === waiter) ping.waiter = undefined;
    };
  }

  /** A pong nobody asked for means nothing. */
  answered(count: number): void {
    const now = performance.now();
    for (const { waiter, sentAt } of this.#pings.splice(0, count)) waiter?.answered(now - sentAt);
  }

  fail(error: CmdStreamError): void {
    for (const { waiter } of this.#pings.splice(0)) waiter?.failed(error);
  }

  #newPing(): Ping {
    const ping: Ping = { sentAt: performance.now(), waiter: undefined };
    this.#pings.push(ping);
    this.#send();
    return ping;
  }
}
