// Flat bodies, as most are: one object of plain texts, numbers, booleans and null, under the keys of the body before.
// They are written into the bytes that leave, and read in those that have come, without a text of JSON in between.
// Whatever is doubted here goes the way of json-codec.ts instead, which says what is wrong, if anything is.
import type { TypeClass } from '../../contract/type-table.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import type { ByteWriter } from '../../wire/byte-writer.js';
import { MOST_OF_LETTER, type StructureLimits } from './json-structure.js';

/** Objects of more keys are not learned. */
const MOST_KEYS = 64;
/** In longer bodies JSON.parse finds its way faster. */
const MOST_BYTES = 512;

const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const CLOSE = 0x7d;
const words: readonly (readonly [word: Uint8Array, value: boolean | null])[] = [true, false, null].map((value) => [
  Buffer.from(String(value)),
  value,
]);
/** A double holds integers of so many digits, and 1, 10, 100 … as many, so that their quotient is the nearest one. */
const MOST_DIGITS = 15;
const powers = Array.from({ length: MOST_DIGITS + 1 }, (_, zeros) => Number(`1e${zeros}`));

/** The keys of a body, in their order. */
interface Shape {
  readonly keys: readonly string[];
  /** What stands in front of each value, of the first one and of the others: `{"key":` and `,"key":`. */
  readonly first: readonly Uint8Array[];
  readonly later: readonly Uint8Array[];
}

/** Undefined if it is not flat. */
function shapeOf(value: object): Shape | undefined {
  const keys = Object.keys(value);
  const isFlat = (item: unknown): boolean => typeof item !== 'object' || item === null;
  if (keys.length === 0 || keys.length > MOST_KEYS || !Object.values(value).every(isFlat)) return undefined;
  const behind = (mark: string): readonly Uint8Array[] =>
    keys.map((key) => Buffer.from(`${mark}${JSON.stringify(key)}:`));
  return { keys, first: behind('{'), later: behind(',') };
}

const FIRST_TRIES = 16;
const MOST_TRIES = 64;
/** What one in vain costs. */
const PRICE = 4;
const SHORT_PAUSE = 256;
const LONG_PAUSE = 65_536;

/** Whether the next body is tried: not for a while, where most of those before were tried in vain. */
class Luck {
  /** Tries; negative: bodies that are not tried before the next ones. */
  #left = FIRST_TRIES;
  #pause = SHORT_PAUSE;

  get mayTry(): boolean {
    if (this.#left > 0) return true;
    if (++this.#left === 0) this.#left = FIRST_TRIES;
    return false;
  }

  won(): void {
    if (this.#left === MOST_TRIES) return;
    if (++this.#left === MOST_TRIES) this.#pause = SHORT_PAUSE;
  }

  lost(): void {
    this.#left -= PRICE;
    if (this.#left > 0) return;
    this.#left = -this.#pause;
    this.#pause = Math.min(2 * this.#pause, LONG_PAUSE);
  }
}

/** Writes values of one class. */
export class FlatWriter {
  readonly #limits: StructureLimits;
  readonly #luck = new Luck();
  #shape: Shape | undefined;
  /** Of the value that has it: what another class makes of the same fields is not known. */
  #prototype: object | null = null;

  constructor(limits: StructureLimits) {
    this.#limits = limits;
  }

  /** Is {@link write} to be called, and where that has failed {@link learn}? */
  get mayTry(): boolean {
    return this.#luck.mayTry;
  }

  /** Writes a body; false if it cannot, and nothing is written. */
  write(value: object, writer: ByteWriter): boolean {
    const mark = writer.length;
    if (this.#tries(value, writer)) return true;
    writer.truncate(mark);
    return false;
  }

  /** The same behind its length. */
  writeSized(value: object, writer: ByteWriter): boolean {
    const at = writer.beginSized();
    if (this.#tries(value, writer)) {
      writer.endSized(at);
      return true;
    }
    writer.truncate(at);
    return false;
  }

  #tries(value: object, writer: ByteWriter): boolean {
    const shape = this.#shape;
    if (shape === undefined || Object.getPrototypeOf(value) !== this.#prototype) return false;
    const mark = writer.length;
    try {
      if (asks(value)) return false;
      // Text has more bytes than tokens.
      if (!writeFields(value, shape, writer) || writer.length - mark > this.#limits.maxTokens) return false;
    } catch {
      // What a getter has thrown: it is asked again, and said where it stands.
      return false;
    }
    this.#luck.won();
    return true;
  }

  /** The next value will look as this one, which was written otherwise; `isFine`: nothing was doubted of it. */
  learn(value: object, isFine: boolean): void {
    this.#luck.lost();
    this.#shape = isFine && !asks(value) ? shapeOf(value) : undefined;
    this.#prototype = Object.getPrototypeOf(value) as object | null;
  }
}

function asks(value: object): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

const { hasOwnProperty } = Object.prototype;

/** As JSON.stringify does: own fields that can be enumerated, in their order, without those that are undefined. */
function writeFields(value: object, { keys, first, later }: Shape, writer: ByteWriter): boolean {
  let next = 0;
  let isFirst = true;
  for (const key in value) {
    if (!hasOwnProperty.call(value, key)) continue;
    if (key !== keys[next]) return false;
    const item = (value as Record<string, unknown>)[key];
    if (item !== undefined) {
      writer.writeFew((isFirst ? first : later)[next]!);
      isFirst = false;
      if (!writeItem(item, writer)) return false;
    }
    next++;
  }
  if (isFirst) return false;
  writer.writeByte(CLOSE);
  return true;
}

function writeItem(item: unknown, writer: ByteWriter): boolean {
  if (typeof item === 'string') return writer.writeQuoted(item);
  if (typeof item === 'number') {
    if (Number.isSafeInteger(item)) writer.writeDigits(item);
    else if (item - item === 0) writer.writeText(String(item));
    else return false;
    return true;
  }
  if (typeof item !== 'boolean' && item !== null) return false;
  writer.writeFew(words[item === null ? 2 : item ? 0 : 1]![0]);
  return true;
}

/** Reads bodies of one class, whose keys may all be assigned to an instance. */
export class FlatReader {
  readonly #class: new () => object;
  readonly #mostBytes: number;
  readonly #luck = new Luck();
  #shape: Shape | undefined;
  /** Where in the body it is. */
  #at = 0;
  readonly #look = (body: Buffer, from: number, to: number): object | undefined => this.#read(body, from, to);

  /** Text has more bytes than tokens. */
  constructor(type: TypeClass, { maxTokens }: StructureLimits, maxComplexity: number) {
    this.#class = type as unknown as new () => object;
    this.#mostBytes = Math.min(MOST_BYTES, maxTokens, maxComplexity / MOST_OF_LETTER);
  }

  /** Is {@link read} to be called, and where that has failed {@link learn}? */
  mayTry(reader: ByteReader): boolean {
    return reader.remaining <= this.#mostBytes && this.#luck.mayTry;
  }

  /** Reads the rest of the frame; undefined if it cannot, and nothing is read. */
  read(reader: ByteReader): object | undefined {
    return this.#shape === undefined ? undefined : reader.readRest(this.#look);
  }

  /** The next body will look as this one, which was read otherwise; each of its keys may be assigned. */
  learn(body: object | null): void {
    this.#luck.lost();
    this.#shape = body === null ? undefined : shapeOf(body);
  }

  #read(body: Buffer, from: number, to: number): object | undefined {
    const shape = this.#shape!;
    const values = this.#valuesOf(body, from, to, shape);
    if (values === undefined) return undefined;
    try {
      const made = new this.#class() as Record<string, unknown>;
      const { keys } = shape;
      for (let index = 0; index < keys.length; index++) made[keys[index]!] = values[index];
      this.#luck.won();
      return made;
    } catch {
      // It is made once more, and said what has failed.
      return undefined;
    }
  }

  #valuesOf(body: Buffer, from: number, to: number, { first, later }: Shape): readonly unknown[] | undefined {
    const values: unknown[] = [];
    let at = from;
    for (let index = 0; index < later.length; index++) {
      const mark = index === 0 ? first[0]! : later[index]!;
      if (!stands(mark, body, at, to)) return undefined;
      this.#at = at + mark.length;
      const value = this.#valueAt(body, to);
      if (value === undefined) return undefined;
      values.push(value);
      at = this.#at;
    }
    return at + 1 === to && body[at] === CLOSE ? values : undefined;
  }

  /** The value that begins here, up to whatever is behind it; undefined if it is not plain. */
  #valueAt(body: Buffer, to: number): unknown {
    const byte = body[this.#at]!;
    if (byte === QUOTE) return this.#textAt(body, this.#at + 1, to);
    if (byte === MINUS || isDigit(byte)) return this.#numberAt(body, this.#at, to);
    for (const [word, value] of words) {
      if (!stands(word, body, this.#at, to)) continue;
      this.#at += word.length;
      return value;
    }
    return undefined;
  }

  #textAt(body: Buffer, from: number, to: number): string | undefined {
    for (let at = from; at < to; at++) {
      const byte = body[at]!;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return at === from ? '' : body.toString('latin1', from, at);
      }
      if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return undefined;
    }
    return undefined;
  }

  /** Without an exponent, and of few digits: as many as make no difference in which order they are read. */
  #numberAt(body: Buffer, from: number, to: number): number | undefined {
    const isNegative = body[from] === MINUS;
    const start = isNegative ? from + 1 : from;
    let dot = 0;
    let sum = 0;
    let at = start;
    for (; at < to; at++) {
      const byte = body[at]!;
      if (isDigit(byte)) sum = sum * 10 + byte - ZERO;
      else if (byte === DOT && dot === 0) dot = at;
      else break;
    }
    const whole = (dot || at) - start;
    const fraction = dot === 0 ? 0 : at - dot - 1;
    const isPlain = whole > 0 && (dot === 0 || fraction > 0) && (whole === 1 || body[start] !== ZERO);
    // JSON.parse knows a zero that is negative.
    if (!isPlain || whole + fraction > MOST_DIGITS || (isNegative && sum === 0)) return undefined;
    this.#at = at;
    const value = fraction === 0 ? sum : sum / powers[fraction]!;
    return isNegative ? -value : value;
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}

function stands(mark: Uint8Array, body: Buffer, at: number, to: number): boolean {
  const { length } = mark;
  if (to - at < length) return false;
  for (let index = 0; index < length; index++) if (body[at + index] !== mark[index]) return false;
  return true;
}
