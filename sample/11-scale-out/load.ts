import { setTimeout as delay } from 'node:timers/promises';
import type { SquareClient } from './client.js';
import { Square } from './square.contract.js';

const PAUSE_MS = 5;
/** What a process that stood still has missed is not made up for: its calls would come all at once. */
const MOST_BEHIND_MS = 250;

/** Calls at a steady rate, whether the ones before are answered or not, and what becomes of them. */
export class Load {
  sent = 0;
  answered = 0;
  wrong = 0;
  /** How often calls have failed with which code; `sent`: it may have been executed. */
  readonly failures = new Map<string, number>();
  /** Those of them that were never sent. */
  unsent = 0;
  ms = 0;
  readonly #client: SquareClient;
  readonly #latencies: number[] = [];

  constructor(client: SquareClient) {
    this.#client = client;
  }

  /** Goes on until `isOver`; resolves when each call has ended. */
  async run(perSecond: number, isOver: () => boolean): Promise<void> {
    const calls = new Set<Promise<void>>();
    const began = performance.now();
    let [since, count] = [began, 0];
    while (!isOver()) {
      const now = performance.now();
      const behindMs = now - since - (count * 1000) / perSecond;
      if (behindMs > MOST_BEHIND_MS) since += behindMs - MOST_BEHIND_MS;
      for (; count < ((now - since) / 1000) * perSecond; count++) {
        const call: Promise<void> = this.#call(this.sent++).finally(() => calls.delete(call));
        calls.add(call);
      }
      await delay(PAUSE_MS);
    }
    this.ms = performance.now() - began;
    await Promise.all(calls);
  }

  async #call(n: number): Promise<void> {
    const began = performance.now();
    try {
      const { value } = await this.#client.execute(new Square(n));
      this.answered++;
      if (value !== n * n) this.wrong++;
      this.#latencies.push(performance.now() - began);
    } catch (error) {
      const { code, sent } = error as { code?: string; sent?: boolean };
      if (!sent) this.unsent++;
      const what = `${code ?? String(error)}, sent: ${sent}`;
      this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
    }
  }

  /** Such as `50 % 0.8 ms, 99 % 3.1 ms, longest 21.0 ms`. */
  get latencies(): string {
    const sorted = Float64Array.from(this.#latencies).toSorted();
    const at = (part: number): string => `${(sorted[Math.floor(part * (sorted.length - 1))] ?? NaN).toFixed(1)} ms`;
    return `50 % ${at(0.5)}, 99 % ${at(0.99)}, longest ${at(1)}`;
  }
}
