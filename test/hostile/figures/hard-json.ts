// JSON within the limits of a frame that is as much work as can be, each in another way.

const MOST_BYTES = 1024 * 1024 - 100;

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
 * What parts of a document weigh: in a list an object two and any other value one, behind a key an object six and other
 * values but lists a half, a key that comes behind the same one as before a quarter, any other key four, or seven if it
 * begins with a digit.
 */
const OBJECT = 2;
const VALUE = 1 / 2;
const MEMBER = 1 / 4 + VALUE;
const NEW_MEMBER = 4 + VALUE;
const NEW_INDEX = 7 + VALUE;
const INNER = 6 + 1 / 4;

export function hardJson({ complexity, keys }: Allowed): Readonly<Record<string, string>> {
  // Beside the document's own object, its key and its list.
  const room = complexity - 10;
  const most = (weight: number): number => Math.floor(room / weight);
  /** Objects of the same keys; those of the first are new. */
  const alike = (width: number): number => most(OBJECT + width * MEMBER + 3) - 3;
  return {
    'a long text': `{"X":"${'x'.repeat(MOST_BYTES - 50)}"}`,
    'escaped letters': `{"X":"${String.raw`\u0041`.repeat(170_000)}"}`,
    'lone surrogates': `{"X":"${String.raw`\ud800`.repeat(170_000)}"}`,
    backslashes: `{"X":"${String.raw`\\`.repeat(500_000)}"}`,
    'a long number': `{"X":${'1'.repeat(MOST_BYTES - 50)}}`,
    'a long fraction': `{"X":0.${'1'.repeat(MOST_BYTES - 50)}}`,
    'small integers': `{"X":[${list(room, () => '1')}]}`,
    'large integers': `{"X":[${list(room, () => '9007199254740991')}]}`,
    'integers beyond 2^53': `{"X":[${list(room, () => '18446744073709551616')}]}`,
    'small fractions': `{"X":[${list(room, () => '1.2345678901234567e-300')}]}`,
    texts: `{"X":[${list(room, () => '"a"')}]}`,
    'unknown keys': object(Math.min(keys, most(NEW_MEMBER)), (at) => `k${at}`),
    'long unknown keys': object(Math.min(keys, most(NEW_MEMBER)), (at) => `${'k'.repeat(30)}${at}`),
    'keys that are numbers': object(Math.min(keys, most(NEW_INDEX)), (at) => `${(at * 1_048_576) % 4_294_967_291}`),
    'keys that count down': object(Math.min(keys, most(NEW_INDEX)), (at) => `${keys - at}`),
    'one key again and again': `{${list(most(MEMBER) - 3, () => '"a":1')}}`,
    'small objects': `{"X":[${list(most(OBJECT + NEW_MEMBER), (at) => `{"k${at}":1}`)}]}`,
    'small objects with numbers': `{"X":[${list(most(OBJECT + NEW_INDEX), (at) => `{"${at + 1000}":1}`)}]}`,
    'objects of their own': `{"X":[${list(most(OBJECT + 8 * NEW_MEMBER), (at) => object(8, (key) => `k${at}_${key}`))}]}`,
    'objects alike': `{"X":[${list(alike(200) - 3, () => object(200, (key) => `k${key}`))}]}`,
    'empty objects': `{"X":[${list(most(OBJECT), () => '{}')}]}`,
    'empty lists': `{"X":[${list(room, () => '[]')}]}`,
    'deep lists': `{"X":[${list(most(61), () => '['.repeat(61) + ']'.repeat(61))}]}`,
    'deep objects': `{"X":[${list(most(61 * INNER), () => '{"a":'.repeat(61) + '1' + '}'.repeat(61))}]}`,
    'items that are numbers': `{"L":[${list(room, () => '1')}]}`,
    'items that are texts': `{"L":[${list(room, () => '""')}]}`,
    'items that are lists': `{"L":[${list(room, () => '[]')}]}`,
    'items that are null': `{"L":[${list(room, () => 'null')}]}`,
    items: `{"L":[${list(most(OBJECT + MEMBER) - 3, () => '{"A":1}')}]}`,
    'items of their own': `{"L":[${list(most(OBJECT + NEW_MEMBER), (at) => `{"k${at}":1}`)}]}`,
    'items that are deep': `{"L":[${list(most(61 * INNER), () => '{"a":'.repeat(61) + '1' + '}'.repeat(61))}]}`,
    'wide objects': `{"X":[${list(most(OBJECT + WIDE * NEW_MEMBER), (at) => object(WIDE, (key) => `k${at}_${key}`))}]}`,
    'wide objects alike': `{"X":[${list(alike(WIDE), () => object(WIDE, (key) => `k${key}`))}]}`,
    'an error at the end': `{"X":[${'1,'.repeat(24_000)}${' '.repeat(900_000)}x`,
    spaces: `{"X":1${' '.repeat(MOST_BYTES - 50)}}`,
    'objects beyond the limit': `{"X":[${list(300_000, (at) => `{"k${at}":1}`)}]}`,
    'values beyond the limit': `{"X":[${list(600_000, () => '1')}]}`,
  };
}
