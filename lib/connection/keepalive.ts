// Finds out whether the peer is still there: it is asked by a ping now and then, and one that sends nothing at all from
// then on, neither a pong nor anything else, is dead. Commands that are pending are no excuse; bytes ahead of the ping
// are.
//
//   quiet --(intervalMs: ping)--> waiting --(pong)--> quiet
import { CmdStreamError } from '../errors.js';
import { TICK_MS, type Clock, type Ticking } from './ticker.js';
import { integer, renamedTo, type OldOptionNames, type OptionRules } from '../options.js';
import { MAX_TIMER_MS, travelMs } from './connection-options.js';

export interface PingCallbacks {
  /** The pong has come, so many milliseconds after its ping was sent. */
  answered(roundTripMs: number): void;
  /** The connection has ended. */
  failed(error: CmdStreamError): void;
}

/** A connection as it is seen by what watches whether its peer is there. */
export interface PeerView {
  /** Is an answer due, or do bytes wait for the socket? False where no other connection could take the calls. */
  readonly isWaiting: boolean;
  /** When there was last a sign of life, by the clock. */
  readonly aliveAt: number;
  /** Bytes that the peer may have to read before it reads the ping. */
  readonly bytesAhead: number;
  /** Bytes sent so far, with those that wait. */
  readonly sentBytes: number;
  /** Pings; returns what ends the wait for the pong. */
  ping(callbacks: PingCallbacks): () => void;
  /** Resolves when the socket has taken what was sent so far; rejects when the connection ends. */
  flushed(): Promise<void>;
}

export class Keepalive implements Ticking {
  readonly #options: ResolvedKeepaliveOptions;
  readonly #clock: Clock;
  readonly #peer: PeerView;
  readonly #onDead: (cause: CmdStreamError) => void;
  readonly #mostTravelMs: number;
  #awaitsPong = false;
  /** When the ping was sent, and then when the socket took it, or when the pong came, by the clock. */
  #since: number;
  #roundTripMs: number | undefined;

  /**
   * `onDead`: the peer is not there any more. `mostTravelMs`: as much longer a peer may take that has much to read
   * before the ping; 0: no limit.
   */
  constructor(
    options: ResolvedKeepaliveOptions,
    clock: Clock,
    peer: PeerView,
    onDead: (cause: CmdStreamError) => void,
    mostTravelMs = 0,
  ) {
    this.#options = options;
    this.#mostTravelMs = mostTravelMs || Infinity;
    this.#clock = clock;
    this.#peer = peer;
    this.#onDead = onDead;
    this.#since = clock.now;
  }

  /** Of the last ping, in milliseconds; undefined before the first. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  tick(now: number): void {
    const { intervalMs, timeoutMs } = this.#options;
    if (!this.#awaitsPong) {
      // Rather a tick too early: what is noticed late would be noticed later than promised.
      if (now - this.#since + TICK_MS > intervalMs) this.#ask();
      return;
    }
    const silentMs = now - Math.max(this.#since, this.#peer.aliveAt);
    if (silentMs < timeoutMs + Math.min(travelMs(this.#peer.bytesAhead), this.#mostTravelMs)) return;
    const text = `no pong, and nothing else, within keepalive.timeoutMs (${timeoutMs}): the peer is gone`;
    this.#onDead(new CmdStreamError('KEEPALIVE_TIMEOUT', text));
  }

  #ask(): void {
    this.#change(true);
    this.#peer.ping({
      answered: (roundTripMs) => {
        this.#roundTripMs = roundTripMs;
        this.#change(false);
      },
      failed: () => {}, // The connection has ended, and this with it.
    });
    this.#peer.flushed().then(
      () => {
        if (this.#awaitsPong) this.#since = this.#clock.now;
      },
      () => {},
    );
  }

  #change(awaitsPong: boolean): void {
    this.#awaitsPong = awaitsPong;
    this.#since = this.#clock.now;
  }
}

// When a client asks whether its server is still there: the options, their defaults and ranges.

/**
 * How a client finds out that a server is gone though its connection is open; two times, in milliseconds.
 *
 * @publicApi
 */
export interface KeepaliveOptions {
  /**
   * Time from one pong to the next ping, whether Commands are pending or not, in milliseconds; 250 and up. A client
   * with several open connections asks one that has been quiet for half a second once besides, and again only when more
   * is sent or was received.
   * @default 5_000
   */
  intervalMs?: number | undefined;
  /**
   * Time in which a server that was pinged may send nothing at all, in milliseconds, plus one second for each 128 KiB
   * of Commands that are ahead of the ping, `writeStallTimeoutMs` at most; then the connection is lost. Time in which
   * this process stands still does not count. 250 and up.
   * @default 5_000
   */
  timeoutMs?: number | undefined;
}

export const keepaliveDefaults = Object.freeze({ intervalMs: 5000, timeoutMs: 5000 });

export type ResolvedKeepaliveOptions = { readonly [K in keyof KeepaliveOptions]-?: number };

const duration = integer(250, MAX_TIMER_MS, 'milliseconds');

export const keepaliveRules: OptionRules<KeepaliveOptions> = Object.freeze({
  intervalMs: duration,
  timeoutMs: duration,
});

export const oldKeepaliveNames: OldOptionNames = Object.freeze({ idleMs: renamedTo('intervalMs') });
