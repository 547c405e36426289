// What is said of something that is well or is not, such as a server or its circuit, when it changes: at once, one line
// each, but one line a minute as soon as it goes to and fro.
//
//   well --(down)--> down, at most a line a minute --(up)--> well
//                      well --(down, within a minute)--> flapping, a line a minute --(a quiet one)--> well, or down
import { counted, durationText } from '../log-text.js';

/** The parts of the lines of one kind of thing. */
export interface OutageWords {
  /** `calc:9000`, or what else it is that changes. */
  readonly subject: string;
  /** It is down: `is lost`. */
  readonly down: string;
  /** How it went down, when that is counted: `was lost`. */
  readonly downs: string;
  /** It is still down: `cannot be reached`. */
  readonly stillDown: string;
  /** It is well again: `is back`. */
  readonly up: string;
  /** It is well: `open`. */
  readonly well: string;
}

/** Where the lines go to. */
export interface OutageListener {
  warn(text: string): void;
  log(text: string): void;
}

const MINUTE_MS = 60_000;

export class Outage {
  readonly #words: OutageWords;
  readonly #listener: OutageListener;
  /** Since when it is down (monotonic milliseconds); undefined: it is not. */
  #downSince: number | undefined;
  #upSince = Number.NEGATIVE_INFINITY;
  #warnedAt = 0;
  #attempts = 0;
  /** Why it is down, or was the last time. */
  #reason = '';
  /** While it flaps: since when, how often it went down, and how often in the minute that runs. */
  #flapping: { readonly since: number; readonly timer: NodeJS.Timeout; total: number; lately: number } | undefined;

  constructor(words: OutageWords, listener: OutageListener) {
    this.#words = words;
    this.#listener = listener;
  }

  get isDown(): boolean {
    return this.#downSince !== undefined;
  }

  /**
   * It is down, or an attempt to change that has failed. `next`: what comes now; `how`: in the place of its own word.
   */
  down(reason: string, next = '', how = this.#words.down): void {
    const now = performance.now();
    this.#reason = reason;
    if (this.#downSince !== undefined) return this.#stillDown(now, next);
    this.#downSince = now;
    this.#attempts = 0;
    if (this.#flapping) {
      this.#flapping.total++;
      this.#flapping.lately++;
      return;
    }
    const wellMs = now - this.#upSince;
    this.#warnedAt = now;
    if (wellMs >= MINUTE_MS) return this.#listener.warn(`${this.#words.subject} ${how}${reason}${next}`);
    const again = `${how} again, ${durationText(wellMs)} after it was ${this.#words.well}`;
    this.#listener.warn(`${this.#words.subject} ${again}${reason}${next}; from now on a line a minute`);
    const timer = setInterval(() => this.#sumUp(), MINUTE_MS).unref();
    this.#flapping = { since: now, timer, total: 1, lately: 0 };
  }

  #stillDown(now: number, next: string): void {
    this.#attempts++;
    if (!this.#flapping && now - this.#warnedAt >= MINUTE_MS) this.#remind(now, next);
  }

  #remind(now: number, next = ''): void {
    this.#warnedAt = now;
    const { subject, stillDown } = this.#words;
    const since = `${durationText(now - this.#downSince!)}${this.#attemptsText}`;
    this.#listener.warn(`${subject} ${stillDown} for ${since}${this.#reason}${next}`);
  }

  /** It is well again; `besides`: what else is to be said of the time between. */
  up(besides = ''): void {
    if (this.#downSince === undefined) return;
    const now = performance.now();
    const took = durationText(now - this.#downSince);
    this.#downSince = undefined;
    this.#upSince = now;
    const { subject, up } = this.#words;
    if (!this.#flapping) this.#listener.log(`${subject} ${up} after ${took}${this.#attemptsText}${besides}`);
  }

  get #attemptsText(): string {
    return this.#attempts > 0 ? `, ${counted(this.#attempts, 'attempt')} in vain` : '';
  }

  #sumUp(): void {
    const flapping = this.#flapping!;
    const { subject, downs, stillDown, well } = this.#words;
    const now = performance.now();
    if (flapping.lately > 0) {
      const state = this.isDown ? stillDown : `is ${well}`;
      const times = `${downs} ${counted(flapping.lately, 'time')} in a minute, and ${state} now`;
      this.#listener.warn(`${subject} ${times}; the last time${this.#reason}`);
      flapping.lately = 0;
      return;
    }
    this.end();
    if (this.isDown) return this.#remind(now);
    const times = `${counted(flapping.total, 'more outage')} in ${durationText(this.#upSince - flapping.since)}`;
    this.#listener.log(`${subject} is steady: ${well} for ${durationText(now - this.#upSince)}, after ${times}`);
  }

  /** Nothing more is to be said. */
  end(): void {
    clearInterval(this.#flapping?.timer);
    this.#flapping = undefined;
  }
}
