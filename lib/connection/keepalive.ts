// Finds out whether the peer is still there: a ping is answered by a pong in time, or the connection is dead.
// Other bytes do not count, and Commands that are pending are no excuse.
//
//   quiet --(idleMs or intervalMs)--> leaving --(the socket took the ping)--> waiting --(pong)--> quiet
import { CmdStreamError } from '../errors.js';
import type { ResolvedKeepaliveOptions } from './keepalive-options.js';
import { TICK_MS, type Ticking } from './ticker.js';

/** The connection as its keepalive sees it. */
export interface KeepalivePeer {
  /** Are Commands pending? */
  readonly isBusy: boolean;
  /** Sends a ping; resolves with its pong, rejects when the connection ends. */
  ping(): Promise<void>;
  /** Resolves when the socket has taken what was sent so far; rejects when the connection ends. */
  flushed(): Promise<void>;
  /** The peer is gone. */
  onDead(cause: CmdStreamError): void;
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
    } else if (this.#state === 'waiting' && elapsed >= timeoutMs) {
      this.#peer.onDead(
        new CmdStreamError('KEEPALIVE_TIMEOUT', `no pong within keepalive.timeoutMs (${timeoutMs}): the peer is gone`),
      );
    }
  }

  #ask(): void {
    this.#change('leaving');
    const answered = this.#peer.ping();
    // A ping that is stuck behind other bytes is the business of the time limit for writing.
    this.#peer.flushed().then(
      () => {
        if (this.#state === 'leaving') this.#change('waiting');
      },
      () => {},
    );
    const sentAt = performance.now();
    answered.then(
      () => {
        this.#roundTripMs = performance.now() - sentAt;
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
