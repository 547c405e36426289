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
  readonly #links = new Map<T, Link<T>>();
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;

  /** The one that was added first. */
  get first(): T | undefined {
    return this.#first?.item;
  }

  /** Adds it as the last; one that is there stays where it is. */
  add(item: T): void {
    if (this.#links.has(item)) return;
    const link: Link<T> = { item, previous: this.#last, next: undefined };
    if (this.#last === undefined) this.#first = link;
    else this.#last.next = link;
    this.#last = link;
    this.#links.set(item, link);
    this.size++;
  }

  delete(item: T): boolean {
    const link = this.#links.get(item);
    if (link === undefined) return false;
    const { previous, next } = link;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    this.size--;
    return this.#links.delete(item);
  }

  /** All, in order; the set is empty then. */
  takeAll(): T[] {
    const items: T[] = [];
    for (let link = this.#first; link !== undefined; link = link.next) items.push(link.item);
    this.#links.clear();
    this.size = 0;
    this.#first = this.#last = undefined;
    return items;
  }
}
