// Events of one connection that wait because as many are running as may. They have no answer that could tell the
// sender to slow down, so the queue has a bound in bytes; what does not fit is refused.
import type { EventCommand } from './event-command.js';

/** Most bytes of events that wait. */
export const EVENT_QUEUE_BYTES = 8 * 1024 * 1024;

export class EventQueue {
  readonly #maxRunning: number;
  readonly #run: (event: EventCommand) => void;
  #waiting: EventCommand[] = [];
  #bytes = 0;
  #running = 0;

  constructor(maxRunning: number, run: (event: EventCommand) => void) {
    this.#maxRunning = maxRunning;
    this.#run = run;
  }

  /** Events that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Runs the event, now or later; false if there is no room for it. */
  add(event: EventCommand): boolean {
    if (this.#running < this.#maxRunning) {
      this.#start(event);
      return true;
    }
    if (this.#bytes + event.bytesRead > EVENT_QUEUE_BYTES) return false;
    this.#bytes += event.bytesRead;
    this.#waiting.push(event);
    return true;
  }

  /** An event has ended: the next one may start. */
  ended(): void {
    this.#running--;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#bytes -= next.bytesRead;
    this.#start(next);
  }

  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  #start(event: EventCommand): void {
    this.#running++;
    this.#run(event);
  }
}
