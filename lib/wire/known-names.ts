// Names that come again and again, such as the keys of metadata: text that has come before is found by its bytes, which
// takes less time than to make it again, and than to look up a property by a text that was just made.
// Only names of ASCII are kept, whose letters are their bytes.

/** Longer ones are made each time. */
const LONGEST = 32;

export class KnownNames {
  /** The last one of each length. */
  readonly #names: string[] = [];

  /** The text of the `length` bytes at `at`, which must be there. */
  read(bytes: Buffer, at: number, length: number): string {
    const known = this.#names[length];
    if (known !== undefined && isAt(known, bytes, at)) return known;
    const name = bytes.toString('utf8', at, at + length);
    if (length <= LONGEST && name.length === length) this.#names[length] = name;
    return name;
  }
}

/** Is it the text that stands there? */
function isAt(text: string, bytes: Buffer, at: number): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) !== bytes[at + index]) return false;
  return true;
}
