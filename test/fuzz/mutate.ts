// Makes an input of one or two others: what protocols of lengths and numbers, and texts of brackets and quotes, are
// sensitive to.

const MOST_BYTES = 600;
const hex = ['00', '01', '7f', '80', 'ff', '8000', '808000', '8001', 'ff7f', 'ac02', 'ffffffff0f', 'ffffffffffffff0f'];
const large = ['8080808080808010', 'ffffffffffffffff7f', 'ffffffffffffffffff01', '8080808080808080808001'];
const texts = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '\\u',
  'd800',
  '__proto__',
  'e308',
  '1e',
  '-',
  '9007199254740993',
];
const tokens: readonly Uint8Array[] = [
  ...[...hex, ...large].map((bytes) => Buffer.from(bytes, 'hex')),
  ...texts.map((text) => Buffer.from(text)),
];

export class Mutator {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  /** `other` is there to take parts from. */
  mutate(bytes: Uint8Array, other: Uint8Array): Uint8Array {
    let mutated = bytes;
    for (let times = 1 << this.below(4); times > 0; times--) mutated = this.#once(mutated, other);
    return mutated.length > MOST_BYTES ? mutated.slice(0, MOST_BYTES) : mutated;
  }

  #once(bytes: Uint8Array, other: Uint8Array): Uint8Array {
    const at = this.below(bytes.length + 1);
    switch (this.below(10)) {
      case 0:
        return this.#change(bytes, (byte) => byte ^ (1 << this.below(8)));
      case 1:
        return this.#change(bytes, () => this.below(256));
      case 2:
        return this.#change(bytes, (byte) => byte + this.below(9) - 4);
      case 3:
        return put(bytes, at, at, Uint8Array.of(this.below(256)));
      case 4:
        return put(bytes, at, at + 1 + this.below(1 << this.below(6)), EMPTY);
      case 5:
        return put(bytes, at, at, tokens[this.below(tokens.length)]!);
      case 6: {
        const token = tokens[this.below(tokens.length)]!;
        return put(bytes, at, at + token.length, token);
      }
      case 7:
        return put(bytes, at, at, this.#part(bytes));
      case 8:
        return put(bytes, at, at, this.#part(other));
      default:
        return put(bytes, at, bytes.length, other.subarray(this.below(other.length + 1)));
    }
  }

  #change(bytes: Uint8Array, change: (byte: number) => number): Uint8Array {
    if (bytes.length === 0) return bytes;
    const changed = bytes.slice();
    const at = this.below(bytes.length);
    changed[at] = change(changed[at]!);
    return changed;
  }

  #part(bytes: Uint8Array): Uint8Array {
    const from = this.below(bytes.length + 1);
    return bytes.subarray(from, from + 1 + this.below(1 << this.below(7)));
  }
}

const EMPTY = new Uint8Array();

/** With `middle` in place of what stands from `from` to `to`. */
export function put(bytes: Uint8Array, from: number, to: number, middle: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(to, bytes.length));
  const all = new Uint8Array(from + middle.length + rest.length);
  all.set(bytes.subarray(0, from));
  all.set(middle, from);
  all.set(rest, from + middle.length);
  return all;
}
