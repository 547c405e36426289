// A Set whose first element is found in constant time, however many were deleted before it: one of the language looks
// at the places of all of them.

interface Link<T> {
  readonly item: T;
  previous: Link<T> | undefined;
  next: Link<T> | undefined;
}

export class LinkedSet<T> {
  /** Read-only to others. */
  size = 0;
  readonly #entries = new Map<T, Link<T>>();
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;

  /** The one that was added first. */
  get first(): T | undefined {
    return this.#first?.item;
  }

  /** Adds it as the last; one that is there stays where it is. */
  add(item: T): void {
    if (this.#entries.has(item)) return;
    const entry: Link<T> = { item, previous: this.#last, next: undefined };
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#entries.set(item, entry);
    this.size++;
  }

  delete(item: T): boolean {
    const entry = this.#entries.get(item);
    if (entry === undefined) return false;
    const { previous, next } = entry;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    this.size--;
    return this.#entries.delete(item);
  }

  /** All, in order; the set is empty then. */
  takeAll(): T[] {
    const items: T[] = [];
    for (let entry = this.#first; entry !== undefined; entry = entry.next) items.push(entry.item);
    this.#entries.clear();
    this.size = 0;
    this.#first = this.#last = undefined;
    return items;
  }
}
