// JSON within the limits of a frame that is as much work as can be, each in another way.

const MOST_BYTES = 1024 * 1024 - 200;

/**
 * Has a reader look at all of the text: letters of two bytes, a lone surrogate, other escapes, an integer that may be
 * rounded, an exponent that may be too large, what may be the key of a prototype.
 */
const DOUBTS = String.raw`"T":["中","\ud800","\u0041",18446744073709551616,1e-300,"__proto__"]`;

/** What a server allows of the JSON of one Command. */
export interface Allowed {
  readonly complexity: number;
  /** Of one object. */
  readonly keys: number;
}

/** As many items as fit, joined by commas. */
function list(most: number, item: (at: number) => string): string {
  const items: string[] = [];
  let size = 0;
  for (let at = 0; at < most; at++) {
    const next = item(at);
    size += next.length + 1;
    if (size > MOST_BYTES - 50) break;
    items.push(next);
  }
  return items.join(',');
}

/** Of objects that are not counted together. */
const WIDE = 1020;
const object = (keys: number, key: (at: number) => string): string => `{${list(keys, (at) => `"${key(at)}":1`)}}`;

/**
 * What parts of a document weigh: in a list an object two, a list one and a half and any other value one, behind a key
 * an object six, a list one and other values a half, a key that comes behind the same one as before a quarter (of the
 * first hundred of an object), any other key four, or nine if it is a number of up to ten digits. A short text weighs
 * five eighths more, a number of 17 digits one, and one of more digits three,
 * and one for each sixteen of those.
 */
const OBJECT = 2;
const LIST = 1.5;
const VALUE = 1 / 2;
const FEW = 100;
const KNOWN = 1 / 4;
const MEMBER = KNOWN + VALUE;
const NEW_MEMBER = 4 + VALUE;
const NEW_INDEX = 9 + VALUE;
const INNER = 6 + 1 / 4;
const SHORT = 5 / 8;
const SHORT_TEXT = 1 + SHORT;
const DIGITS_17 = 2;
const MORE_DIGITS = 4;
const DIGITS_100 = MORE_DIGITS + 5;

/** Between two doubles, of so many digits: the hardest to round. One more in the middle of their bits each time. */
function halfway(at: number, exponent: number, digits: number): string {
  const bits = 2n ** 53n + 2n * BigInt(at) * 1_000_003n + 1n;
  const [above, below] = exponent > 0 ? [bits << BigInt(exponent), 1n] : [bits, 1n << BigInt(-exponent)];
  const size = Math.floor(Math.log10(Number(bits)) + exponent * Math.log10(2)) + 1;
  const scale = digits - size;
  const scaled = scale > 0 ? (above * 10n ** BigInt(scale)) / below : above / (below * 10n ** BigInt(-scale));
  return `${scaled}e${-scale}`;
}

export function hardJson({ complexity, keys }: Allowed): Readonly<Record<string, string>> {
  // Beside the document's own object, its keys and lists, and the doubts.
  const room = complexity - 40;
  const most = (weight: number): number => Math.floor(room / weight);
  /** Objects of the same keys; those of the first are new. */
  const alike = (width: number, value = VALUE): number => {
    const few = Math.min(width, FEW);
    const weight = OBJECT + few * (KNOWN + value) + (width - few) * (NEW_MEMBER + value);
    return Math.floor((room - width * NEW_MEMBER) / weight);
  };
  /** Texts of their own, short ones, none of which begins as another one does. */
  const short = (at: number): string => `"${((at * 7_919 + 60_466_176) % 2_176_782_336).toString(36)}"`;
  const rows = (width: number, value: (at: number) => string): string =>
    list(alike(width, VALUE + SHORT), (row) => `{${list(width, (at) => `"k${at}":${value(row * width + at)}`)}}`);
  const digits = Math.min(MOST_BYTES - 50, 16 * (room - MORE_DIGITS));
  const documents = {
    'a long text': `{"X":"${'x'.repeat(MOST_BYTES - 50)}"}`,
    'escaped letters': `{"X":"${String.raw`\u0041`.repeat(170_000)}"}`,
    'lone surrogates': `{"X":"${String.raw`\ud800`.repeat(170_000)}"}`,
    backslashes: `{"X":"${String.raw`\\`.repeat(500_000)}"}`,
    'a long number': `{"X":${'1'.repeat(digits)}}`,
    'a long fraction': `{"X":0.${'1'.repeat(digits)}}`,
    'small integers': `{"X":[${list(room, () => '1')}]}`,
    'large integers': `{"X":[${list(room, () => '9007199254740991')}]}`,
    'integers of 17 digits': `{"X":[${list(most(DIGITS_17), (at) => `${2n ** 56n + BigInt(at) * 16n}`)}]}`,
    'integers beyond 2^53': `{"X":[${list(most(MORE_DIGITS), (at) => `${2n ** 64n + BigInt(at) * 2n ** 12n}`)}]}`,
    'rounded integers': `{"X":[${list(most(MORE_DIGITS), (at) => `${Number(2n ** 63n + BigInt(at) * 1_000_003n * 2n ** 11n)}`)}]}`,
    'integers beyond 2^100': `{"X":[${list(most(MORE_DIGITS), (at) => `${2n ** 100n + BigInt(at) * 2n ** 50n}`)}]}`,
    'small fractions': `{"X":[${list(most(DIGITS_17), () => '1.2345678901234567e-300')}]}`,
    'fractions of 16 digits': `{"X":[${list(room, (at) => `${0.123456789012345 + at * 1e-15}`.slice(0, 18))}]}`,
    'between two doubles': `{"X":[${list(most(MORE_DIGITS), (at) => halfway(at, -1072, 20))}]}`,
    'between two doubles, of 17 digits': `{"X":[${list(most(DIGITS_17), (at) => halfway(at, 0, 17))}]}`,
    'between two doubles, of 100 digits': `{"X":[${list(most(DIGITS_100), (at) => halfway(at, -1000, 100))}]}`,
    'between two doubles, behind keys': `{"X":[${list(most(OBJECT + KNOWN + VALUE + MORE_DIGITS - 1), (at) => `{"a":${halfway(at, -1072, 20)}}`)}]}`,
    texts: `{"X":[${list(most(SHORT_TEXT), () => '"a"')}]}`,
    'short texts': `{"X":[${list(most(SHORT_TEXT), short)}]}`,
    'short texts with escapes': `{"X":[${list(most(SHORT_TEXT), (at) => `"\\n${short(at).slice(1)}`)}]}`,
    'short texts in rows of 1': `{"X":[${rows(1, short)}]}`,
    'short texts in rows of 4': `{"X":[${rows(4, short)}]}`,
    'short texts in rows of 60': `{"X":[${rows(60, short)}]}`,
    'unknown keys': object(Math.min(keys, most(NEW_MEMBER)), (at) => `k${at}`),
    'long unknown keys': object(Math.min(keys, most(NEW_MEMBER)), (at) => `${'k'.repeat(30)}${at}`),
    'keys that are numbers': object(Math.min(keys, most(NEW_INDEX)), (at) => `${(at * 1_048_576) % 4_294_967_291}`),
    'keys that are numbers by an escape': object(
      Math.min(keys, most(NEW_INDEX)),
      (at) => String.raw`\u003${(at * 1_048_576) % 4_294_967_291}`,
    ),
    'keys that are long numbers': object(Math.min(keys, most(NEW_MEMBER)), (at) => `${1.7e12 + at * 1_048_576}`),
    'keys that count down': object(Math.min(keys, most(NEW_INDEX)), (at) => `${keys - at}`),
    'one key again and again': `{${list(most(NEW_MEMBER), () => '"a":1')}}`,
    'small objects': `{"X":[${list(most(OBJECT + NEW_MEMBER), (at) => `{"k${at}":1}`)}]}`,
    'small objects with numbers': `{"X":[${list(most(OBJECT + NEW_INDEX), (at) => `{"${at + 1000}":1}`)}]}`,
    'objects of their own': `{"X":[${list(most(OBJECT + 8 * NEW_MEMBER), (at) => object(8, (key) => `k${at}_${key}`))}]}`,
    'objects alike': `{"X":[${list(alike(60), () => object(60, (key) => `k${key}`))}]}`,
    'objects alike with more keys': `{"X":[${list(alike(FEW), () => object(FEW, (key) => `k${key}`))}]}`,
    'objects alike with many keys': `{"X":[${list(alike(200), () => object(200, (key) => `k${key}`))}]}`,
    'empty objects': `{"X":[${list(most(OBJECT), () => '{}')}]}`,
    'empty lists': `{"X":[${list(most(LIST), () => '[]')}]}`,
    'deep lists': `{"X":[${list(most(61 * LIST), () => '['.repeat(61) + ']'.repeat(61))}]}`,
    'deep objects': `{"X":[${list(most(61 * INNER), () => '{"a":'.repeat(61) + '1' + '}'.repeat(61))}]}`,
    'items that are numbers': `{"L":[${list(room, () => '1')}]}`,
    'items that are texts': `{"L":[${list(most(SHORT_TEXT), () => '""')}]}`,
    'items that are lists': `{"L":[${list(most(LIST), () => '[]')}]}`,
    'items that are null': `{"L":[${list(room, () => 'null')}]}`,
    items: `{"L":[${list(most(OBJECT + MEMBER) - 3, () => '{"A":1}')}]}`,
    'items of their own': `{"L":[${list(most(OBJECT + NEW_MEMBER), (at) => `{"k${at}":1}`)}]}`,
    'items that are deep': `{"L":[${list(most(61 * INNER), () => '{"a":'.repeat(61) + '1' + '}'.repeat(61))}]}`,
    'wide objects': `{"X":[${list(most(OBJECT + WIDE * NEW_MEMBER), (at) => object(WIDE, (key) => `k${at}_${key}`))}]}`,
    'wide objects alike': `{"X":[${list(alike(WIDE), () => object(WIDE, (key) => `k${key}`))}]}`,
    'an error at the end': `{"X":[${'1,'.repeat(Math.min(24_000, room))}${' '.repeat(900_000)}x`,
    spaces: `{"X":1${' '.repeat(MOST_BYTES - 50)}}`,
    'objects beyond the limit': `{"X":[${list(300_000, (at) => `{"k${at}":1}`)}]}`,
    'values beyond the limit': `{"X":[${list(600_000, () => '1')}]}`,
  };
  return Object.fromEntries(Object.entries(documents).map(([name, json]) => [name, json.replace('{', `{${DOUBTS},`)]));
}
