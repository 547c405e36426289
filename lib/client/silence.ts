// Whether a connection with something under way has fallen silent: nothing has come for a second, and no byte was taken.
// Long before it is given up, calls had better take another one. It asks by a ping first: a server that works is there.
//
//   heard --(something waits, 500 ms: ping)--> asked --(500 ms)--> silent --(any byte)--> heard
import type { Ticking } from '../connection/ticker.js';
import { travelMs } from '../connection/time-limits.js';
import type { PingWaiter } from './ping-queue.js';

const ASK_MS = 500;
const SILENT_MS = 1000;

/** The connection as its silence is seen. */
export interface QuietPeer {
  /** Is an answer awaited, or do bytes wait to be taken? Not where no other connection could take the calls. */
  readonly isWaiting: boolean;
  /** When there was last a sign of life, by the clock. */
  readonly aliveAt: number;
  /** Bytes that the peer may have to read before it reads the ping. */
  readonly bytesAhead: number;
  pingFor(waiter: PingWaiter): void;
  /** It has fallen silent, or was heard again. */
  onQuiet(): void;
}

export class Silence implements Ticking {
  /** Has it fallen silent? */
  isSilent = false;
  readonly #peer: QuietPeer;
  /** When nothing was under way, last. */
  #restedAt = 0;
  #isAsked = false;

  constructor(peer: QuietPeer) {
    this.#peer = peer;
  }

  tick(now: number): void {
    if (!this.#peer.isWaiting) this.#restedAt = now;
    const quietMs = now - Math.max(this.#restedAt, this.#peer.aliveAt);
    if (quietMs >= ASK_MS) this.#ask();
    this.#change(quietMs >= SILENT_MS + travelMs(this.#peer.bytesAhead));
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    const answered = (): void => void (this.#isAsked = false);
    this.#peer.pingFor({ answered, failed: answered });
  }

  #change(isSilent: boolean): void {
    if (this.isSilent === isSilent) return;
    this.isSilent = isSilent;
    this.#peer.onQuiet();
  }
}
