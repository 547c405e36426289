// Calls of one connection, each linked to the next, so that nothing is made for one that begins and ends: in a row, or
// in short ones where they are found by their numbers.
import type { ServerCall } from './server-call.js';

export class RunningCalls {
  /** Read-only to others. */
  size = 0;
  #last: ServerCall | undefined;

  add(call: ServerCall): void {
    const last = this.#last;
    call.previous = last;
    if (last !== undefined) last.following = call;
    this.#last = call;
    this.size++;
  }

  /** It must be there. */
  delete(call: ServerCall): void {
    const { previous, following } = call;
    if (previous !== undefined) previous.following = following;
    if (following !== undefined) following.previous = previous;
    else this.#last = previous;
    call.previous = call.following = undefined;
    this.size--;
  }

  /** Those that are there now, in the order in which they were added. */
  all(): readonly ServerCall[] {
    const calls: ServerCall[] = [];
    for (let call = this.#last; call !== undefined; call = call.previous) calls.push(call);
    return calls.toReversed();
  }
}

/** 2 ** 32 by the golden ratio: products of numbers that grow in equal steps differ in their highest bits. */
const SPREAD = 0x9e3779b1;
/** As many rows as there are at first, and after a rush: a power of two. */
const FEW_ROWS = 16;
const MANY_ROWS = 1024;

/**
 * Those of a peer that gives each call a number of its own. These grow, by one or, with several connections, in steps;
 * hardly two share a row. A peer that chooses others gains little: it has at most `maxInFlightPerConnection` of them.
 */
export class NumberedCalls<Call extends ServerCall> {
  #size = 0;
  /** The first of each row. */
  #rows = emptyRows<Call>(FEW_ROWS);

  add(call: Call): void {
    if (this.#size++ === this.#rows.length) this.#grow();
    this.#link(call);
  }

  #link(call: Call): void {
    const row = this.#rowOf(call.seq as number);
    const first = this.#rows[row];
    call.following = first;
    if (first !== undefined) first.previous = call;
    this.#rows[row] = call;
  }

  get(seq: number): Call | undefined {
    let call = this.#rows[this.#rowOf(seq)];
    while (call !== undefined && call.seq !== seq) call = call.following as Call | undefined;
    return call;
  }

  /** It must be there. */
  delete(call: Call): void {
    const { previous, following } = call;
    if (previous !== undefined) previous.following = following;
    else this.#rows[this.#rowOf(call.seq as number)] = following as Call | undefined;
    if (following !== undefined) following.previous = previous;
    call.previous = call.following = undefined;
    if (--this.#size === 0 && this.#rows.length > MANY_ROWS) this.#rows = emptyRows(FEW_ROWS);
  }

  /** Those that are there now, in the order of their numbers, in which they came. */
  all(): readonly Call[] {
    const calls: Call[] = [];
    for (const first of this.#rows) {
      for (let call = first; call !== undefined; call = call.following as Call | undefined) calls.push(call);
    }
    return calls.toSorted((one, other) => (one.seq as number) - (other.seq as number));
  }

  #rowOf(seq: number): number {
    return Math.imul(seq, SPREAD) >>> (Math.clz32(this.#rows.length) + 1);
  }

  #grow(): void {
    const calls = this.all();
    this.#rows = emptyRows(2 * this.#rows.length);
    for (const call of calls) {
      call.previous = undefined;
      this.#link(call);
    }
  }
}

function emptyRows<Call>(count: number): (Call | undefined)[] {
  return Array.from({ length: count }, () => undefined);
}
