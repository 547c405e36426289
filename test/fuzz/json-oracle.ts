// JSON once more, as RFC 8259 has it: a small reader that keeps integers exact and counts as it goes. It shares no code
// with lib; of JavaScript's own JSON it takes single strings only.

/** An integer literal as it was written: it has a number, and digits that the number may not have. */
export class IntegerLiteral {
  constructor(readonly text: string) {}

  get isSafe(): boolean {
    return Number.isSafeInteger(Number(this.text));
  }

  get isExact(): boolean {
    const value = Number(this.text);
    return Number.isFinite(value) && (String(value) === this.text || BigInt(value) === BigInt(this.text));
  }
}

/** What a text holds: objects are Maps, integers are literals. */
export interface JsonText {
  readonly value: unknown;
  readonly depth: number;
  /** Keys and values. */
  readonly tokens: number;
  /** Is there a key twice in an object? Then something of the text is not in the value. */
  readonly hasDuplicates: boolean;
  readonly integers: readonly IntegerLiteral[];
  /** Is there a number that no double can hold, an integer aside? */
  readonly overflows: boolean;
}

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
// oxlint-disable-next-line no-control-regex -- JSON does not allow them in strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;
const WORD = /true|false|null/y;
const words: Readonly<Record<string, unknown>> = { true: true, false: false, null: null };

/** Undefined when it is no JSON. `wellFormed`: U+FFFD stands for each lone surrogate. */
export function readJson(text: string, wellFormed: boolean): JsonText | undefined {
  const reading = new JsonReading(text, wellFormed);
  return reading.isJson ? reading : undefined;
}

class JsonReading implements JsonText {
  value: unknown;
  depth = 0;
  tokens = 0;
  hasDuplicates = false;
  overflows = false;
  readonly integers: IntegerLiteral[] = [];
  readonly isJson: boolean;
  readonly #text: string;
  readonly #wellFormed: boolean;
  #at = 0;

  constructor(text: string, wellFormed: boolean) {
    this.#text = text;
    this.#wellFormed = wellFormed;
    let isJson = false;
    try {
      this.value = this.#read(1);
      isJson = this.#at === text.length;
    } catch (error) {
      if (error !== NO_JSON) throw error;
    }
    this.isJson = isJson;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at += found[0].length;
    return found;
  }

  #is(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    this.#match(SPACE);
    return true;
  }

  #must(mark: string): void {
    if (!this.#is(mark)) throw NO_JSON;
  }

  /** One value and the white space around it. */
  #read(depth: number): unknown {
    this.tokens++;
    this.#match(SPACE);
    if (this.#is('{')) return this.#object(depth);
    if (this.#is('[')) return this.#array(depth);
    const value = this.#scalar();
    this.#match(SPACE);
    return value;
  }

  #scalar(): unknown {
    if (this.#text[this.#at] === '"') return this.#string();
    const word = this.#match(WORD);
    if (word) return words[word[0]];
    const number = this.#match(NUMBER);
    if (!number) throw NO_JSON;
    const [text, fraction, exponent] = number;
    if (fraction !== undefined || exponent !== undefined) {
      const value = Number(text);
      this.overflows ||= !Number.isFinite(value);
      return value;
    }
    const integer = new IntegerLiteral(text);
    this.integers.push(integer);
    return integer;
  }

  #string(): string {
    const found = this.#match(STRING);
    if (!found) throw NO_JSON;
    const value = JSON.parse(found[0]) as string;
    return this.#wellFormed ? Buffer.from(value).toString() : value;
  }

  #array(depth: number): unknown[] {
    this.depth = Math.max(this.depth, depth);
    const items: unknown[] = [];
    if (this.#is(']')) return items;
    do items.push(this.#read(depth + 1));
    while (this.#is(','));
    this.#must(']');
    return items;
  }

  #object(depth: number): Map<string, unknown> {
    this.depth = Math.max(this.depth, depth);
    const entries = new Map<string, unknown>();
    if (this.#is('}')) return entries;
    do {
      this.tokens++;
      const key = this.#string();
      this.#match(SPACE);
      this.#must(':');
      this.hasDuplicates ||= entries.has(key);
      entries.set(key, this.#read(depth + 1));
    } while (this.#is(','));
    this.#must('}');
    return entries;
  }
}

const NO_JSON = Symbol('no JSON');

/** The keys of all objects in a value of {@link readJson}. */
export function* keysIn(value: unknown): Iterable<readonly string[]> {
  if (value instanceof Map) yield [...value.keys()] as string[];
  if (value instanceof Map || Array.isArray(value)) for (const item of value.values()) yield* keysIn(item);
}

/** One text for equal values, of {@link readJson} or of lib. `integerText` says what an integer literal stands for. */
export function canonicalText(value: unknown, integerText: (integer: IntegerLiteral) => string = numberText): string {
  if (value instanceof IntegerLiteral) return integerText(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item, integerText)).join()}]`;
    const entries = [...(value instanceof Map ? (value as Map<string, unknown>) : Object.entries(value))];
    const texts = entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalText(item, integerText)}`);
    return `{${texts.toSorted().join()}}`;
  }
  return JSON.stringify(value) ?? 'undefined';
}

export function numberText({ text }: IntegerLiteral): string {
  return canonicalText(Number(text));
}

export function bigintText(integer: IntegerLiteral): string {
  return integer.isSafe ? numberText(integer) : `${BigInt(integer.text)}n`;
}
