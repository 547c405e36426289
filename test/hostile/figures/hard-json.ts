// JSON within the limits of a frame that is as much work as can be, each in another way.

const MOST_BYTES = 1024 * 1024 - 100;
/** Values and keys, just below the limits on their numbers. */
const MOST_VALUES = 49_000;
const MOST_KEYS = 24_900;

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

const wideObject = (at: number): string => `{${list(1020, (key) => `"k${at}_${key}":1`)}}`;

export const hardJson: Readonly<Record<string, string>> = {
  'a long text': `{"X":"${'x'.repeat(MOST_BYTES - 50)}"}`,
  'escaped letters': `{"X":"${String.raw`\u0041`.repeat(170_000)}"}`,
  'lone surrogates': `{"X":"${String.raw`\ud800`.repeat(170_000)}"}`,
  backslashes: `{"X":"${String.raw`\\`.repeat(500_000)}"}`,
  'a long number': `{"X":${'1'.repeat(MOST_BYTES - 50)}}`,
  'a long fraction': `{"X":0.${'1'.repeat(MOST_BYTES - 50)}}`,
  'large integers': `{"X":[${list(MOST_VALUES, () => '9007199254740991')}]}`,
  'small fractions': `{"X":[${list(MOST_VALUES, () => '1.2345678901234567e-300')}]}`,
  'unknown keys': `{${list(MOST_KEYS, (at) => `"k${at}":1`)}}`,
  'long unknown keys': `{${list(MOST_KEYS, (at) => `"${'k'.repeat(30)}${at}":1`)}}`,
  'keys that are numbers': `{${list(MOST_KEYS, (at) => `"${(at * 1_048_576) % 4_294_967_291}":1`)}}`,
  'keys that count down': `{${list(MOST_KEYS, (at) => `"${MOST_KEYS - at}":1`)}}`,
  'one key again and again': `{${list(MOST_KEYS, () => '"a":1')}}`,
  'small objects': `{"X":[${list(16_000, (at) => `{"k${at}":1}`)}]}`,
  'empty objects': `{"X":[${list(MOST_VALUES, () => '{}')}]}`,
  'deep lists': `{"X":[${list(390, () => '['.repeat(61) + ']'.repeat(61))}]}`,
  'items that are null': `{"L":[${list(MOST_VALUES, () => 'null')}]}`,
  items: `{"L":[${list(16_000, () => '{"A":1}')}]}`,
  'wide objects': `{"X":[${list(24, wideObject)}]}`,
  'an object with many keys': `{"X":{${list(MOST_KEYS, (at) => `"k${at}":1`)}}}`,
  'an error at the end': `{"X":[${'1,'.repeat(24_000)}${' '.repeat(900_000)}x`,
  spaces: `{"X":1${' '.repeat(MOST_BYTES - 50)}}`,
  'one value too many': `{"X":[${'1,'.repeat(50_000)}1]}`,
};
