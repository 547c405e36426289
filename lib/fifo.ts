// A line of things that wait: each is taken in constant time, however many there are, which an array does not give.

/** Places that were left are given up when there are so many, and as many as are still taken. */
const SWEEP = 1024;

export class Fifo<T> {
  /** Places that nothing stands in are undefined. */
  #items: (T | undefined)[] = [];
  #first = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#first;
  }

  push(item: T): void {
    this.#items[this.#end++] = item;
  }

  /** Takes the first; undefined if there is none. */
  shift(): T | undefined {
    if (this.#first === this.#end) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first++] = undefined;
    if (this.#first === this.#end) this.#restart();
    else if (this.#first >= SWEEP && 2 * this.#first >= this.#end) {
      this.#items = this.#items.slice(this.#first, this.#end);
      this.#end -= this.#first;
      this.#first = 0;
    }
    return item;
  }

  /** A line that is short keeps its places: most are empty again and again. */
  #restart(): void {
    if (this.#end > SWEEP) this.#items = [];
    this.#first = this.#end = 0;
  }

  clear(): void {
    this.#items = [];
    this.#first = this.#end = 0;
  }
}
