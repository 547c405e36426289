// The calls of one link that wait for their Results, by seq. seqs count up, so an array used as a circle has a place
// for nearly all of them; a Map takes those whose place an older call still holds.
import type { Seq } from '../../wire/frame.js';
import type { ClientCall } from './client-call.js';

/** A power of two, as all later lengths. */
const FIRST_LENGTH = 64;

/**
 * Does what a Map does without what a Map costs here: one whose entries come and go copies itself every few hundred
 * calls, and the copies it leaves behind make the garbage collector carry dead calls along until a full collection.
 */
export class PendingTable {
  #places = emptyPlaces(FIRST_LENGTH);
  readonly #displaced = new Map<Seq, ClientCall>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(seq: Seq): ClientCall | undefined {
    const call = this.#places[this.#placeOf(seq)];
    return call?.seq === seq ? call : this.#displaced.get(seq);
  }

  /** Adds a call that has got its seq. */
  add(call: ClientCall): void {
    if (2 * this.#size >= this.#places.length) this.#grow();
    this.#size++;
    this.#put(call);
  }

  delete(call: ClientCall): void {
    const place = this.#placeOf(call.seq);
    if (this.#places[place] === call) this.#places[place] = undefined;
    else if (!this.#displaced.delete(call.seq)) return;
    this.#size--;
  }

  /** All calls, in the order in which they were written. */
  inOrder(): readonly ClientCall[] {
    const placed = this.#places.filter((call) => call !== undefined);
    return [...placed, ...this.#displaced.values()].toSorted((a, b) => a.seq - b.seq);
  }

  #put(call: ClientCall): void {
    const place = this.#placeOf(call.seq);
    if (this.#places[place] === undefined) this.#places[place] = call;
    else this.#displaced.set(call.seq, call);
  }

  /** Half of the places stay free, so that calls which are answered out of order displace few others. */
  #grow(): void {
    const calls = this.inOrder();
    this.#places = emptyPlaces(2 * this.#places.length);
    this.#displaced.clear();
    for (const call of calls) this.#put(call);
  }

  #placeOf(seq: Seq): number {
    return Number(seq) & (this.#places.length - 1);
  }
}

function emptyPlaces(length: number): (ClientCall | undefined)[] {
  return Array.from({ length });
}
