// The time limits of a server's connection between frames: for the next one to arrive, and for doing nothing at all.
// Within a frame, and for writing, it is the connection itself that looks at the clock.
import type { Clock, Ticking } from '../../connection/ticker.js';
import { CmdStreamError } from '../../errors.js';

/** The session as its limits see it. */
export interface LimitedSession {
  /** True for a peer that can be notify to leave. */
  readonly isExtended: boolean;
  /** True once it has said, when it was notify, that it leaves: it waits for what is running, and that is all. */
  readonly isDone: boolean;
  /** True while the server does not read. */
  readonly isHeldBack: boolean;
  /** Is nothing running, under way or sent since `quietPeriodMs`? */
  hasRested(now: number, quietPeriodMs: number): boolean;
  isQuiet(now: number, quietPeriodMs: number): boolean;
  goAway(reason: string): void;
  end(cause: CmdStreamError): void;
  shutDown(cause: CmdStreamError): void;
}

export interface SessionLimitsConfig {
  readonly receiveTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** How long a peer that was notify to leave may take to say so. */
  readonly gracePeriodMs: number;
}

export class SessionLimits implements Ticking {
  readonly #session: LimitedSession;
  readonly #config: SessionLimitsConfig;
  readonly #clock: Clock;
  #heardAt: number;
  #leaving: { readonly cause: CmdStreamError; readonly until: number } | undefined;

  constructor(session: LimitedSession, config: SessionLimitsConfig, clock: Clock) {
    this.#clock = clock;
    this.#heardAt = clock.now;
    this.#session = session;
    this.#config = config;
  }

  /** A whole frame has arrived. */
  heard(): void {
    if (this.#config.receiveTimeoutMs > 0) this.#heardAt = this.#clock.now;
  }

  tick(now: number): void {
    if (this.#leaving !== undefined) return this.#seeOff(this.#leaving, now);
    if (this.#session.isHeldBack) this.#heardAt = now;
    const cause = this.#overdue(now);
    if (cause === undefined) return;
    if (!this.#session.isExtended) return this.#session.end(cause);
    this.#session.goAway(cause.code === 'IDLE_TIMEOUT' ? 'idle' : 'silent');
    this.#leaving = { cause, until: now + this.#config.gracePeriodMs };
  }

  #overdue(now: number): CmdStreamError | undefined {
    const { receiveTimeoutMs, idleTimeoutMs } = this.#config;
    if (receiveTimeoutMs > 0 && now - this.#heardAt >= receiveTimeoutMs) {
      const limit = `receiveTimeoutMs (${receiveTimeoutMs})`;
      return new CmdStreamError('RECEIVE_TIMEOUT', `no whole Command or ping arrived within ${limit}`);
    }
    if (idleTimeoutMs > 0 && this.#session.hasRested(now, idleTimeoutMs)) {
      return new CmdStreamError('IDLE_TIMEOUT', `the connection was idle for idleTimeoutMs (${idleTimeoutMs})`);
    }
    return undefined;
  }

  /** What the peer had sent before it heard is still answered. */
  #seeOff({ cause, until }: { readonly cause: CmdStreamError; readonly until: number }, now: number): void {
    if (this.#session.isQuiet(now, 0)) this.#session.end(cause);
    else if (now >= until && !this.#session.isDone) this.#session.shutDown(cause);
  }
}
