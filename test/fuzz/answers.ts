// What a server has sent, by the oracle, against what it was asked: each Command has its own Results, in order, one end
// and nothing behind it, and there are as many pongs as pings.
import { expectedEvents } from './oracle.js';
import type { Work } from './session-contract.js';

export interface Asked {
  readonly work: Work;
  readonly items: number;
  /** Has it a time limit? */
  readonly isTimed: boolean;
  readonly noAnswer: boolean;
}

interface Item {
  readonly id: number;
  readonly at: number;
  readonly last: boolean;
}

interface Answer {
  results: number;
  isStream: boolean;
  /** By Result, END or ERROR. */
  end: string | undefined;
}

/** Larger than all of them. */
const LIMIT = 1_048_576;
const HELLO = 1;
const GOAWAY = 11;
const LAST_RESULT = 'last Result';

export class Answers {
  readonly #isExtended: boolean;
  readonly #chunks: Buffer[] = [];
  readonly #asked = new Map<number, Asked>();
  readonly #cancelled = new Set<number>();
  #parsedBytes = -1;
  #answers = new Map<number, Answer>();
  #pongs = 0;
  #broken: string[] = [];

  constructor(isExtended: boolean) {
    this.#isExtended = isExtended;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  expect(seq: number, asked: Asked): void {
    this.#asked.set(seq, asked);
  }

  cancel(seq: number): void {
    this.#cancelled.add(seq);
  }

  /** Has everything come that must? Only `wait` has no end of its own. */
  isComplete(pings: number): boolean {
    this.#parse();
    return this.#pongs >= pings && this.#unanswered().length === 0;
  }

  #unanswered(): number[] {
    const open = [...this.#asked].filter(
      ([seq, { work, isTimed, noAnswer }]) =>
        !noAnswer && !isTimed && work !== 'wait' && !this.#cancelled.has(seq) && !this.#answers.get(seq)?.end,
    );
    return open.map(([seq]) => seq);
  }

  /** `isClean`: no garbage was among what was asked, so that everything is known that may be answered. */
  violations(isClean: boolean, pings: number): readonly string[] {
    this.#parse();
    const known = [...this.#broken];
    if (!isClean) return known;
    if (this.#pongs !== pings) known.push(`${this.#pongs} pongs for ${pings} pings`);
    for (const [seq, answer] of this.#answers) known.push(...this.#wrong(seq, answer));
    return known;
  }

  #wrong(seq: number, { results, end }: Answer): string[] {
    const asked = this.#asked.get(seq);
    if (asked === undefined) return [`an answer for ${seq}, which was not asked`];
    if (asked.noAnswer) return [`an answer for ${seq}, which wants none`];
    const { work, items } = asked;
    const isStream = work === 'stream' || work === 'broken stream';
    if (isStream && results > items) return [`${results} Results for ${seq}, which has ${items}`];
    const isWhole = end === 'END' || end === LAST_RESULT;
    if (isWhole && isStream && results !== items) return [`${seq} has ended behind ${results} of ${items} Results`];
    if (isWhole && (work === 'failure' || work === 'broken stream' || work === 'unwritable'))
      return [`${seq} has failed, and its answer is ${end}`];
    return [];
  }

  #parse(): void {
    const bytes = Buffer.concat(this.#chunks.splice(0, this.#chunks.length));
    this.#chunks.push(bytes);
    if (bytes.length === this.#parsedBytes) return;
    this.#parsedBytes = bytes.length;
    this.#answers = new Map();
    this.#pongs = 0;
    this.#broken = [];
    const reading = { side: 'client', extension: this.#isExtended, limit: LIMIT, types: [0] } as const;
    for (const event of expectedEvents(bytes, reading)) this.#take(event.split(' '));
  }

  #take([what = '', first = '', second = '', ...more]: readonly string[]): void {
    if (second === 'pings' || first === 'pings') this.#pongs += Number(what);
    else if (what === 'invalid' || what === 'refused') this.#breaks(`the server has sent what is ${what}: ${first}`);
    else if (what === 'value') this.#result(Number(first), more[0]!);
    else if (what === 'control') this.#control(Number(first), Number(second), more);
  }

  #breaks(how: string): void {
    this.#broken.push(how);
  }

  #answer(seq: number): Answer {
    const known = this.#answers.get(seq);
    // A plain client may use a number twice, and garbage does.
    if (known?.end && this.#isExtended) this.#breaks(`more for ${seq} behind its ${known.end}`);
    const answer = known ?? { results: 0, isStream: false, end: undefined };
    this.#answers.set(seq, answer);
    return answer;
  }

  #result(seq: number, body: string): void {
    const answer = this.#answer(seq);
    const item = JSON.parse(Buffer.from(body, 'hex').toString()) as Item;
    const asked = this.#asked.get(seq);
    if (this.#isExtended && asked && item.id === seq && item.at !== answer.results)
      this.#breaks(`Result ${item.at} of ${seq} as number ${answer.results}`);
    answer.results++;
    if (item.last && !answer.isStream) answer.end = LAST_RESULT;
  }

  #control(kind: number, seq: number, more: readonly string[]): void {
    switch (kind) {
      case 5:
        this.#answer(seq).isStream = true;
        return;
      case 6:
        this.#answer(seq).results++;
        return;
      case 7:
        this.#answer(seq).end = 'END';
        return;
      case 8:
        this.#answer(seq).end = `ERROR ${more.join(' ')}`;
        return;
      default:
        if (kind !== HELLO && kind !== GOAWAY) this.#breaks(`the server has sent control frame ${kind}`);
    }
  }
}
