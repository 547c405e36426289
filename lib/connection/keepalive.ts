// Finds out whether the peer is still there: a ping is answered by a pong in time, or the connection is dead. So it is when
// what was written before the ping is not taken. Other bytes do not count, and Commands that are pending are no excuse.
//
//   quiet --(idleMs or intervalMs)--> leaving --(the socket took the ping)--> waiting --(pong)--> quiet
import { CmdStreamError } from '../errors.js';
import type { ResolvedKeepaliveOptions } from './keepalive-options.js';
import { TICK_MS, type Ticking } from './ticker.js';

/** The connection as its keepalive sees it. */
export interface KeepalivePeer {
  /** Are Commands pending? */
  readonly isBusy: boolean;
  /** Since when the socket has taken nothing of what waits (monotonic milliseconds), 0 if it takes it. */
  readonly stalledSince: number;
  /** Pings; resolves with the round-trip time in milliseconds, rejects when the connection ends. */
  ping(): Promise<number>;
  /** Resolves when the socket has taken what was sent so far; rejects when the connection ends. */
  flushed(): Promise<void>;
  /** Nobody is there any more. */
  onSilence(cause: CmdStreamError): void;
}

type State = 'quiet' | 'leaving' | 'waiting';

export class Keepalive implements Ticking {
  readonly #options: ResolvedKeepaliveOptions;
  readonly #peer: KeepalivePeer;
  #state: State = 'quiet';
  /** When the state began, in monotonic milliseconds. */
  #since = performance.now();
  #roundTripMs: number | undefined;

  constructor(options: ResolvedKeepaliveOptions, peer: KeepalivePeer) {
    this.#options = options;
    this.#peer = peer;
  }

  /** Of the last ping, in milliseconds; undefined before the first. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  tick(now: number): void {
    const elapsed = now - this.#since;
    const { idleMs, intervalMs, timeoutMs } = this.#options;
    if (this.#state === 'quiet') {
      // Rather a tick too early: what is noticed late would be noticed later than promised.
      if (elapsed + TICK_MS > (this.#peer.isBusy ? intervalMs : idleMs)) this.#ask();
    } else if (this.#silentSince() + timeoutMs <= now) {
      this.#peer.onSilence(
        new CmdStreamError('KEEPALIVE_TIMEOUT', `no pong within keepalive.timeoutMs (${timeoutMs}): the peer is gone`),
      );
    }
  }

  /** A ping that moves on, if only behind other bytes, is no silence. */
  #silentSince(): number {
    if (this.#state === 'waiting') return this.#since;
    const { stalledSince } = this.#peer;
    return stalledSince > 0 ? Math.max(this.#since, stalledSince) : Infinity;
  }

  #ask(): void {
    this.#change('leaving');
    const answered = this.#peer.ping();
    this.#peer.flushed().then(
      () => {
        if (this.#state === 'leaving') this.#change('waiting');
      },
      () => {},
    );
    answered.then(
      (roundTripMs) => {
        this.#roundTripMs = roundTripMs;
        this.#change('quiet');
      },
      () => {}, // The connection has ended, and this with it.
    );
  }

  #change(state: State): void {
    this.#state = state;
    this.#since = performance.now();
  }
}
