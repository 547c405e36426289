// Callers that keep a client busy: each sends one Command after the other, all different, and compares all Results.
// It counts what became of them, and is where a test waits for something to happen under load.
import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { codeOf } from '../../lib/errors.js';
import type { CommandClient } from '../../lib/core.js';
import { inTime } from './deadline.js';
import { SlowCmd } from './interop-contract.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoCmd, EchoResult, SubCmd } from './vector-contract.js';

interface LoadOptions {
  readonly callers?: number;
  /** Of every Command. */
  readonly timeoutMs?: number;
  /** Tells the server, in the metadata, which Command it is: `id`, from 0. */
  readonly numbered?: boolean;
}

/** What a test expects of all Commands that were sent. */
export interface LoadSummary {
  readonly sent: number;
  readonly ok: number;
  /** By code. */
  readonly failed: Readonly<Record<string, number>>;
  /** Commands that were answered otherwise than they should. */
  readonly wrong: readonly string[];
}

const PAUSE_MS = 1;
const MOST_ITEMS = 5;
const MOST_TEXT = 20_000;
const MOST_MS = 50;

export class CommandLoad {
  sent = 0;
  /** Numbers of the Commands that were answered. */
  readonly answered: number[] = [];
  readonly errors: unknown[] = [];
  readonly #wrong: string[] = [];
  readonly #client: CommandClient;
  readonly #timeoutMs: number;
  readonly #numbered: boolean;
  readonly #events = new EventEmitter();
  readonly #callers: Promise<unknown>;
  #isOver = false;

  constructor(client: CommandClient, { callers = 16, timeoutMs = 10_000, numbered = false }: LoadOptions = {}) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#numbered = numbered;
    this.#callers = Promise.all(Array.from({ length: callers }, () => this.#call()));
  }

  get ok(): number {
    return this.answered.length;
  }

  /** Asks after each Command. */
  until(what: string, condition: () => boolean): Promise<void> {
    const watch = async (): Promise<void> => {
      while (!condition()) await once(this.#events, 'settled');
    };
    return inTime(what, watch());
  }

  /** So many more answers. */
  async answers(count: number): Promise<void> {
    const enough = this.ok + count;
    await this.until(`${enough} answers`, () => this.ok >= enough);
  }

  /** Lets every caller finish its Command. */
  async stop(): Promise<LoadSummary> {
    this.#isOver = true;
    await inTime('every Command is over', this.#callers);
    const failed: Record<string, number> = {};
    for (const error of this.errors) {
      const code = codeOf(error) ?? String(error);
      failed[code] = (failed[code] ?? 0) + 1;
    }
    return { sent: this.sent, ok: this.ok, failed, wrong: this.#wrong };
  }

  destroy(): void {
    this.#isOver = true;
  }

  async #call(): Promise<void> {
    while (!this.#isOver) {
      const number = this.sent++;
      const { command, expected } = exchange(number);
      const metadata = this.#numbered ? { id: String(number) } : undefined;
      try {
        const got: unknown[] = [];
        const options = { timeoutMs: this.#timeoutMs, metadata };
        for await (const result of this.#client.iterate(command, options)) got.push(result);
        if (isDeepStrictEqual(got, expected)) this.answered.push(number);
        else this.#wrong.push(`${JSON.stringify(command)}: ${JSON.stringify(got)}`);
      } catch (error) {
        this.errors.push(error);
      }
      this.#events.emit('settled');
      await delay(PAUSE_MS);
    }
  }
}

/** A Command and its Results, made from a number. */
function exchange(n: number) {
  const text = `${n}${'é'.repeat((n * 7) % MOST_TEXT)}`;
  const ms = 1 + (n % MOST_MS);
  const items = 1 + (n % MOST_ITEMS);
  switch (n % 6) {
    case 0:
      return { command: new EchoCmd(text), expected: [new EchoResult(text)] };
    case 1:
      return { command: new SubCmd(n, -n), expected: [new CalcResult(2 * n)] };
    case 2:
      return { command: new SlowCmd(ms), expected: [new CalcResult(ms)] };
    case 3: {
      const expected = Array.from({ length: items }, (_, i) => new CountResult(i, i === items - 1));
      return { command: new CountCmd(items), expected };
    }
    default:
      return { command: new AddCmd(n, n + 1), expected: [new CalcResult(2 * n + 1)] };
  }
}
