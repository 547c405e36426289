// A Set whose first element is found in constant time, however many were deleted before it: one of the language looks at
// the places of all of them.

interface GroupConnection<T> {
  readonly item: T;
  previous: GroupConnection<T> | undefined;
  next: GroupConnection<T> | undefined;
}

export class LinkedSet<T> {
  readonly #links = new Map<T, GroupConnection<T>>();
  #first: GroupConnection<T> | undefined;
  #last: GroupConnection<T> | undefined;

  get size(): number {
    return this.#links.size;
  }

  /** The one that was added first. */
  get first(): T | undefined {
    return this.#first?.item;
  }

  /** Adds it as the last; one that is there stays where it is. */
  add(item: T): void {
    if (this.#links.has(item)) return;
    const link: GroupConnection<T> = { item, previous: this.#last, next: undefined };
    if (this.#last === undefined) this.#first = link;
    else this.#last.next = link;
    this.#last = link;
    this.#links.set(item, link);
  }

  delete(item: T): boolean {
    const link = this.#links.get(item);
    if (link === undefined) return false;
    const { previous, next } = link;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    return this.#links.delete(item);
  }

  /** All, in order; the set is empty then. */
  takeAll(): T[] {
    const items: T[] = [];
    for (let link = this.#first; link !== undefined; link = link.next) items.push(link.item);
    this.#links.clear();
    this.#first = this.#last = undefined;
    return items;
  }
}
