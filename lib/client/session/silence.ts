// Whether a connection with something under way has fallen silent: nothing has come for a second, and no byte was
// taken. Long before it is given up, calls had better take another one. It asks by a ping first: a server that works is
// there.
//
//   alive --(something waits, 500 ms: ping)--> asked --(500 ms)--> silent --(any byte)--> alive
//   A pong alone is an answer for as long as nothing more is sent: a server that just works long is asked once.
import type { PeerView } from '../../connection/keepalive.js';
import type { Ticking } from '../../connection/ticker.js';
import { travelMs } from '../../connection/connection-options.js';

const ASK_MS = 500;
const SILENT_MS = 1000;

export class Silence implements Ticking {
  /** Has it fallen silent? */
  isSilent = false;
  readonly #peer: PeerView;
  readonly #onChange: () => void;
  /** When nothing was under way, last. */
  #restedAt = 0;
  #isAsked = false;
  /** When it was asked, last: the pong has as long to come, however long it was quiet before. */
  #askedAt = 0;
  /** What was to be seen with the last pong: nothing new since then is a peer that just works. */
  #answeredAt = 0;
  #answeredBytes = -1;

  /** `onChange`: it has fallen silent, or there was a sign of life again. */
  constructor(peer: PeerView, onChange: () => void) {
    this.#peer = peer;
    this.#onChange = onChange;
  }

  tick(now: number): void {
    if (!this.#peer.isWaiting) this.#restedAt = now;
    const quietMs = now - Math.max(this.#restedAt, this.#peer.aliveAt);
    if (quietMs >= ASK_MS) this.#ask(now);
    const dueMs = SILENT_MS + travelMs(this.#peer.bytesAhead);
    this.#change(this.#isAsked && quietMs >= dueMs && now - this.#askedAt >= dueMs - ASK_MS);
  }

  #ask(now: number): void {
    const { aliveAt, sentBytes } = this.#peer;
    if (this.#isAsked || (aliveAt === this.#answeredAt && sentBytes === this.#answeredBytes)) return;
    this.#isAsked = true;
    this.#askedAt = now;
    const failed = (): void => void (this.#isAsked = false);
    const answered = (): void => {
      failed();
      this.#answeredAt = this.#peer.aliveAt;
      this.#answeredBytes = this.#peer.sentBytes;
    };
    this.#peer.ping({ answered, failed });
  }

  #change(isSilent: boolean): void {
    if (this.isSilent === isSilent) return;
    this.isSilent = isSilent;
    this.#onChange();
  }
}
