// The renewal of a connection by age: when it has become too old, its successor is opened beside it. Owns the
// successor's attempt until that is open.
//
//   begin --> young --(age)--> renewing --(open)--> begin          --(failed, or not now)--> 5 s later again
import type { Ticker } from '../../connection/ticker.js';
import type { CmdStreamError } from '../../errors.js';
import type { ConnectAttempt } from './connect-attempt.js';

export interface ConnectionRenewalConfig {
  readonly ticker: Ticker;
  /** 0: it never becomes too old. */
  readonly maxConnectionAgeMs: number;
}

/** Ages are spread by one part in ten, so that the connections of many clients do not end together. */
const SPREAD = 0.1;
/** How long after a failure the successor is tried again. */
const AGAIN_MS = 5000;

export class ConnectionRenewal {
  /** Opens the successor; undefined while none is opened. */
  attempt: ConnectAttempt | undefined;
  readonly #config: ConnectionRenewalConfig;
  readonly #newAttempt: (onFailed: () => void) => ConnectAttempt | undefined;
  #stopWatching: () => void = () => {};

  /** `newAttempt` gives undefined when none may be made now. */
  constructor(config: ConnectionRenewalConfig, newAttempt: (onFailed: () => void) => ConnectAttempt | undefined) {
    this.#config = config;
    this.#newAttempt = newAttempt;
  }

  /** A connection is open, be it the first one or the successor: its age begins. */
  begin(): void {
    this.attempt?.succeed();
    this.attempt = undefined;
    const { maxConnectionAgeMs } = this.#config;
    this.#wait(maxConnectionAgeMs * (1 - SPREAD + 2 * SPREAD * Math.random()));
  }

  /** There is no connection any more that could be replaced. */
  end(cause: CmdStreamError): void {
    this.#stopWatching();
    this.attempt?.abandon(cause);
    this.attempt = undefined;
  }

  /** It keeps no process alive. */
  #wait(ms: number): void {
    this.#stopWatching();
    this.#stopWatching = this.#config.ticker.after(ms, () => this.#renew(), true);
  }

  #renew(): void {
    this.attempt = this.#newAttempt(() => this.#postpone());
    if (this.attempt) this.attempt.begin();
    else this.#postpone();
  }

  #postpone(): void {
    this.attempt = undefined;
    this.#wait(AGAIN_MS);
  }
}
