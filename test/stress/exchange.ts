// One Command of the load: what is sent, how its caller behaves, and whether what comes back is its answer.
import { textOf, type StressEcho, type StressItem } from './stress-contract.js';
import type { Settings } from './settings.js';

/** What a caller is about to do. */
export interface Plan {
  readonly what: 'echo' | 'stream' | 'fail';
  /** Of the text of an echo, or of each item. */
  readonly length: number;
  /** How long the server takes for an echo. */
  readonly workMs: number;
  readonly count: number;
  /** 0: none of its own. */
  readonly deadlineMs: number;
  /** When it is given up: after so many milliseconds, or of a stream so many Results; undefined: not. */
  readonly cancelAfter: number | undefined;
  readonly mayRepeat: boolean;
  /** Time that its caller takes for each Result of a stream. */
  readonly tasteMs: number;
  /** As a loop, or as an Observable. */
  readonly how: 'iterate' | 'send';
}

const LARGE = { least: 32 * 1024, most: 256 * 1024 };
const LONGEST_TEXT = 400;
const LONGEST_ITEM = 600;
const LONGEST_STREAM = 200;
const LONG_ITEM = 2048;
const MOST_TASTE_MS = 10;
const DEADLINE = { least: 20, most: 200 };
const MOST_PATIENCE_MS = 50;
const HALF = 0.5;

export function planOf(random: () => number, settings: Settings): Plan {
  const chance = (name: `${string}-prob` & keyof Settings): boolean => random() < settings[name];
  const between = (least: number, most: number): number => Math.floor(least + random() * (most - least + 1));
  const common = {
    length: between(0, LONGEST_TEXT),
    workMs: 0,
    count: 1,
    deadlineMs: chance('deadline-prob') ? between(DEADLINE.least, DEADLINE.most) : 0,
    cancelAfter: undefined,
    mayRepeat: chance('idempotent-prob'),
    tasteMs: 0,
    how: random() < HALF ? ('iterate' as const) : ('send' as const),
  };
  const cancels = chance('cancel-prob');
  if (chance('fail-prob')) return { ...common, what: 'fail', mayRepeat: false, deadlineMs: 0 };
  if (chance('echo-prob')) {
    return {
      ...common,
      what: 'echo',
      length: chance('large-prob') ? between(LARGE.least, LARGE.most) : common.length,
      workMs: chance('slow-prob') ? between(0, settings['work-max-ms']) : 0,
      cancelAfter: cancels ? between(0, MOST_PATIENCE_MS) : undefined,
    };
  }
  const isLong = chance('long-stream-prob');
  const count = between(1, isLong ? LONGEST_STREAM : settings['max-stream-results']);
  return {
    ...common,
    what: 'stream',
    count,
    length: between(0, isLong ? LONG_ITEM : LONGEST_ITEM),
    // The last Result is the end of the stream, which cannot be given up behind it.
    cancelAfter: cancels && count > 1 ? between(1, count - 1) : undefined,
    tasteMs: isLong ? between(1, MOST_TASTE_MS) : 0,
    how: isLong ? 'iterate' : common.how,
  };
}

/** An answer that is not that of its Command. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

/** @throws {WrongAnswer} */
export function checkEcho(id: number, { length }: Pick<Plan, 'length'>, answer: StressEcho): void {
  if (answer.id === id && answer.text === textOf(id, 0, length)) return;
  throw new WrongAnswer(`echo ${id} of ${length} characters was answered with ${answer.id}, ${answer.text.length}`);
}

/** Takes the Results of one stream. */
export class StreamCheck {
  taken = 0;
  readonly #id: number;
  readonly #plan: Pick<Plan, 'length' | 'count'>;

  constructor(id: number, plan: Pick<Plan, 'length' | 'count'>) {
    this.#id = id;
    this.#plan = plan;
  }

  /** @throws {WrongAnswer} for a Result of another stream, in another place, or with another text */
  take({ id, index, text, last }: StressItem): void {
    const { length, count } = this.#plan;
    const isRight =
      id === this.#id && index === this.taken && text === textOf(id, index, length) && last === (index === count - 1);
    if (!isRight) {
      const seen = `item ${index} of stream ${id}, ${text.length} characters${last ? ', the last' : ''}`;
      throw new WrongAnswer(`item ${this.taken} of ${count} of stream ${this.#id} was ${seen}`);
    }
    this.taken++;
  }

  /** @throws {WrongAnswer} when Results are missing */
  end(): void {
    if (this.taken === this.#plan.count) return;
    throw new WrongAnswer(`stream ${this.#id} has ended after ${this.taken} of ${this.#plan.count} Results`);
  }
}
