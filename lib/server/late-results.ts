// Results for a plain peer whose connection holds all it may. Those that must be taken all the same, the last one of a
// Command and what its producer had in hand before it could know, are encoded when there is room: until then they cost
// what the application has made, and nothing more.
import { AsyncResource } from 'node:async_hooks';
import { Fifo } from '../fifo.js';
import type { Seq } from '../wire/frame.js';
import { IN_HAND } from './waiting-results.js';

export interface LateResult {
  readonly seq: Seq;
  readonly result: unknown;
  /** In which it was given, and in which it is encoded. */
  readonly scope: AsyncResource;
}

export class LateResults {
  readonly #line = new Fifo<LateResult>();
  readonly #ofCommand = new Map<Seq, number>();

  get length(): number {
    return this.#line.length;
  }

  /** Does the Command have any? What it sends then is late, too. */
  has(seq: Seq): boolean {
    return this.#ofCommand.has(seq);
  }

  /** False if the Command has as many as it may. */
  add(seq: Seq, result: unknown, isLast: boolean): boolean {
    const count = this.#ofCommand.get(seq) ?? 0;
    if (!isLast && count >= IN_HAND) return false;
    this.#ofCommand.set(seq, count + 1);
    this.#line.push({ seq, result, scope: new AsyncResource('cmd-stream') });
    return true;
  }

  take(): LateResult | undefined {
    const late = this.#line.shift();
    if (late === undefined) return undefined;
    const count = this.#ofCommand.get(late.seq)! - 1;
    if (count === 0) this.#ofCommand.delete(late.seq);
    else this.#ofCommand.set(late.seq, count);
    return late;
  }
}
