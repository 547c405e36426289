// Calls that are sent again after a pause: those the server refused before it began with them, and lost ones of
// idempotent Commands. Each time the pause may be twice as long.
import type { AsyncScope } from '../../async-scope.js';
import type { ClientCall } from '../call/client-call.js';
import type { ResolvedRetryOptions } from '../client-options.js';

/** How often a Command that was refused is sent before its error reaches the caller. */
const MAX_REFUSED = 6;
/** The first pause after a refusal. */
const REFUSED_MS = 10;

export class Retries {
  readonly #scope: AsyncScope;
  readonly #options: ResolvedRetryOptions | false;
  readonly #maxPausing: number;
  readonly #submit: (call: ClientCall) => void;
  readonly #pausing = new Map<ClientCall, NodeJS.Timeout>();

  /** `maxPausing`: calls that may wait to be sent again; the error of a further one reaches its caller. */
  constructor(
    scope: AsyncScope,
    options: ResolvedRetryOptions | false,
    maxPausing: number,
    submit: (call: ClientCall) => void,
  ) {
    this.#scope = scope;
    this.#options = options;
    this.#maxPausing = maxPausing;
    this.#submit = submit;
  }

  get size(): number {
    return this.#pausing.size;
  }

  get #isFull(): boolean {
    return this.#pausing.size >= this.#maxPausing;
  }

  has(call: ClientCall): boolean {
    return this.#pausing.has(call);
  }

  /** Sends the refused call again later; false when it was sent often enough, or too many wait. */
  refused(call: ClientCall): boolean {
    if (call.attempts >= MAX_REFUSED || this.#isFull) return false;
    this.#pause(call, REFUSED_MS * 2 ** (call.attempts - 1));
    return true;
  }

  /** Sends the lost call again later; false when it was sent often enough, or too many wait. */
  lost(call: ClientCall): boolean {
    if (!this.#options || call.attempts >= this.#options.maxAttempts || this.#isFull) return false;
    const { delayMs, maxDelayMs } = this.#options;
    this.#pause(call, Math.random() * Math.min(delayMs * 2 ** (call.attempts - 1), maxDelayMs));
    return true;
  }

  delete(call: ClientCall): void {
    clearTimeout(this.#pausing.get(call));
    this.#pausing.delete(call);
  }

  fail(error: unknown): void {
    const calls = [...this.#pausing.keys()];
    for (const call of calls) {
      this.delete(call);
      call.fail(error);
    }
  }

  #pause(call: ClientCall, pauseMs: number): void {
    const again = (): void => {
      this.#pausing.delete(call);
      this.#submit(call);
    };
    const timer = this.#scope.run(() => setTimeout(again, pauseMs));
    this.#pausing.set(call, timer);
  }
}
