// Integers of JSON bodies that a double does not hold exactly.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { hasLongDigitRun } from '../../../lib/codec/json/json-parse.js';
import { codeOf } from '../../../lib/errors.js';
import { anyCharacter } from '../../support/any-text.js';
import { jsonBodies } from './json-bodies.js';

class Sum {
  constructor(
    readonly n: unknown = 0,
    readonly label = '',
  ) {}
}

/** A double would round them. */
const unsafe = [
  '9007199254740993',
  '-9007199254740993',
  '9223372036854775807',
  '-9223372036854775809',
  '18446744073709551615',
  '100000000000000000001',
  '1'.repeat(400),
];
/** A double holds them, or writes them with the same digits. */
const exact = [
  '9007199254740992',
  '-9007199254740992',
  '100000000000000000',
  '-9223372036854775808',
  '1152921504606846976',
  '1152921504606847000',
  '-1152921504606847000',
  '18446744073709551616',
  '100000000000000000000',
];
const around = (integer: string) => [
  `${integer}`,
  ` ${integer} `,
  `[1,${integer}]`,
  `{"a":[{"b":${integer}}]}`,
  `["\\\\",${integer}]`,
  `["\\"",${integer},"\\u0041"]`,
];
const digits = (text: string) => /\d{16}/.test(text);

describe('an integer beyond 2^53-1', () => {
  const sum = jsonBodies(Sum);

  it.each(unsafe)('is refused wherever it stands: %s', (integer) => {
    const refused = expect.objectContaining({
      code: 'UNSAFE_INTEGER',
      message: expect.stringMatching(`^Sum: the integer ${integer.slice(0, 100)}.*unsafeIntegers`),
    });
    for (const value of around(integer)) expect(() => sum.read(`{"n":${value}}`)).toThrow(refused);
  });

  it.each(exact)('is a number if a double holds it: %s', (integer) => {
    for (const value of around(integer)) {
      expect(sum.read(`{"n":${value}}`).n).toEqual(JSON.parse(value));
    }
  });

  it('is a number if JavaScript has written it', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }).map(Math.trunc), (n) => {
        expect(sum.read(sum.write(new Sum(n))).n).toBe(n + 0);
      }),
    );
  });

  it('is not one that is rounded by exact arithmetic, whatever its bits', () => {
    // The last of 53 bits, of more, and of fewer, with zeros behind.
    const bits = fc.oneof(
      fc.bigInt({ min: 2n ** 53n - 8n, max: 2n ** 53n + 8n }),
      fc.bigInt({ min: 1n, max: 2n ** 56n }),
      fc.bigInt({ min: 1n, max: 2n ** 12n }),
    );
    const integer = fc.tuple(bits, fc.integer({ min: 0, max: 70 }), fc.constantFrom(1n, -1n, 10n));
    fc.assert(
      fc.property(integer, ([odd, zeros, factor]) => {
        const text = `${(odd << BigInt(zeros)) * factor}`;
        const value = Number(text);
        const isKept = Number.isSafeInteger(value) || BigInt(value) === BigInt(text) || String(value) === text;
        const read = (): unknown => {
          try {
            return sum.read(`{"n":[${text}]}`).n;
          } catch (error) {
            return codeOf(error);
          }
        };
        expect(read()).toEqual(isKept ? [value] : 'UNSAFE_INTEGER');
      }),
      { numRuns: 1_000 },
    );
  });

  it('is shown shortened in the error when it is long', () => {
    const refused = expect.objectContaining({ code: 'UNSAFE_INTEGER', message: expect.stringMatching(/^.{0,250}$/) });
    expect(() => sum.read(`{"n":${'9'.repeat(100_000)}}`)).toThrow(refused);
  });

  it.each([
    '9007199254740991',
    '-9007199254740991',
    '1234567890123456',
    '0.1234567890123456789',
    '1234567890123456.5',
    '1e20',
    '1234567890123456789e2',
  ])('is not what %s is', (number) => {
    expect(sum.read(`{"n":${number}}`).n).toBe(Number(number));
  });

  it.each([
    '"12345678901234567890"',
    '"a:12345678901234567890,"',
    '"\\"12345678901234567890"',
    '"\\\\","12345678901234567890"',
  ])('is not what stands in the string %s', (string) => {
    expect(sum.read(`{"n":[${string}]}`).n).toEqual(JSON.parse(`[${string}]`));
  });

  it('as a key is a key', () => {
    expect(sum.read('{"n":{"12345678901234567890":1}}').n).toEqual({ '12345678901234567890': 1 });
  });

  it.each([
    '{"n":012345678901234567890}',
    '{12345678901234567890:1}',
    '{"n":12345678901234567890',
    '12345678901234567890 12345678901234567890',
    '{"n":--12345678901234567890}',
  ])('does not make %s valid JSON', (body) => {
    for (const unsafeIntegers of ['reject', 'bigint'] as const) {
      expect(() => jsonBodies(Sum, { unsafeIntegers }).read(body)).toThrow(
        expect.objectContaining({ code: 'BAD_PAYLOAD' }),
      );
    }
  });
});

describe("unsafeIntegers: 'bigint'", () => {
  const sum = jsonBodies(Sum, { unsafeIntegers: 'bigint' });

  it.each([...unsafe, ...exact])('reads %s exactly', (integer) => {
    expect(sum.read(`{"n":${integer}}`).n).toBe(BigInt(integer));
    expect(sum.read(`{"n":[1,{"a":${integer}}],"label":"${integer}"}`)).toEqual(
      new Sum([1, { a: BigInt(integer) }], integer),
    );
  });

  it('leaves all other numbers and strings alone', () => {
    const body =
      '{"n":[9007199254740993,9007199254740991,1,1.5,1e20,"9007199254740993","𐀀","\\ud800\\udc00"],"label":"x"}';
    expect(sum.read(body).n).toEqual([
      9007199254740993n,
      Number.MAX_SAFE_INTEGER,
      1,
      1.5,
      1e20,
      '9007199254740993',
      '𐀀',
      '𐀀',
    ]);
  });

  it.each(['\\ud8009007199254740993', '\\uD800-1', '\\\\ud8001', '\ufffd1'])(
    'cannot be imitated by the string "%s"',
    (string) => {
      const [read] = sum.read(`{"n":["${string}",9007199254740993]}`).n as unknown[];
      expect(read).toBe((JSON.parse(`"${string}"`) as string).replace('\ud800', '\ufffd'));
    },
  );

  it('reads a whole body that is an integer', () => {
    class Id {
      constructor(readonly id: unknown = 0) {}

      static fromJSON(value: unknown): Id {
        return new Id(value);
      }
    }
    expect(jsonBodies(Id, { unsafeIntegers: 'bigint' }).read('-9223372036854775808').id).toBe(-(2n ** 63n));
  });

  it('refuses integers of more than 1,024 digits, whose reading would take long', () => {
    expect(sum.read(`{"n":${'9'.repeat(1_024)}}`).n).toBe(10n ** 1_024n - 1n);
    expect(() => sum.read(`{"n":${'9'.repeat(1_025)}}`)).toThrow(
      expect.objectContaining({ code: 'UNSAFE_INTEGER', message: expect.stringContaining('1025 digits') }),
    );
  });

  it('agrees with exact arithmetic for any integers anywhere', () => {
    const tree = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }),
        fc.string({ unit: anyCharacter }),
        fc.array(tie('tree'), { maxLength: 4 }),
      ),
    })).tree;
    fc.assert(
      fc.property(tree, (value) => {
        expect(sum.read(`{"n":${textOf(value)}}`).n).toEqual(expected(value));
      }),
    );
  });
});

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`;
  return typeof value === 'bigint' ? `${value}` : JSON.stringify(value);
}

function expected(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expected);
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

describe('a number beyond what a double can hold', () => {
  const overflow = ['1e400', '1E400', '-1e+400', '1.5e309', '12345e307', '1e0400', `1${'0'.repeat(400)}.5`, '1e999999'];

  it.each(overflow)('is refused wherever it stands: %s', (number) => {
    const refused = expect.objectContaining({
      code: 'BAD_PAYLOAD',
      message: expect.stringMatching(/^Sum: the number .* larger than a double/),
    });
    for (const unsafeIntegers of ['reject', 'bigint'] as const) {
      const sum = jsonBodies(Sum, { unsafeIntegers });
      for (const value of around(number)) expect(() => sum.read(`{"n":${value}}`)).toThrow(refused);
    }
  });

  // Short text is looked through in another way than long text.
  it.each(overflow.flatMap((number) => [0, 600].map((spaces) => [number, spaces] as const)))(
    'is refused behind many letters: %s, in text with %d spaces',
    (number, spaces) => {
      const gap = ' '.repeat(spaces);
      for (const word of ['e', 'E', 'eE', '1e', 'ee ee', 'eeeeeeeee'])
        for (const times of [1, 3, 4, 5, 9])
          expect(() => jsonBodies(Sum).read(`{"n":["${`${word} `.repeat(times)}",${gap}${number}]}`)).toThrow(
            expect.objectContaining({ code: 'BAD_PAYLOAD' }),
          );
    },
  );

  it.each(['1.7976931348623157e308', '1e-400', '1e0001', '"1e400"', '{"1e400":1}', '["\\"",1e308]'])(
    'is not what %s is',
    (text) => {
      expect(jsonBodies(Sum).read(`{"n":${text}}`).n).toEqual(JSON.parse(text));
    },
  );
});

describe('a bigint that is written', () => {
  const sum = jsonBodies(Sum);

  it.each([0n, 5n, -5n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n])('is plain digits: %s', (integer) => {
    expect(sum.write(new Sum(integer))).toBe(`{"n":${integer},"label":""}`);
    expect(sum.write(new Sum([{ a: [integer] }, null, integer]))).toBe(
      `{"n":[{"a":[${integer}]},null,${integer}],"label":""}`,
    );
  });

  it.each(['5', '5n', '"5', '\ud8005', 'x"\ud8005', '\\ud8005', '\\"\\ud8005', '\\\ud8005'])(
    'cannot be imitated by the string %j',
    (string) => {
      const text = sum.write(new Sum([string, 5n], string));
      const plain = string.replace(/\p{Surrogate}/gu, '\ufffd');
      expect(JSON.parse(text)).toEqual({ n: [plain, 5], label: plain });
    },
  );

  it('cannot be imitated by a key', () => {
    for (const key of ['\ud8005', '"\ud8005', '5']) {
      expect(JSON.parse(sum.write(new Sum({ [key]: 1n, other: key })))).toMatchObject({ n: { [key]: 1 } });
    }
  });

  it('does not hide a number that JSON lacks', () => {
    expect(() => sum.write(new Sum([5n, Number.NaN]))).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
  });

  it('may come from a toJSON', () => {
    expect(sum.write(new Sum({ toJSON: () => 7n }))).toBe('{"n":7,"label":""}');
  });
});

describe('the test for a run of 16 digits', () => {
  it('finds it at any place', () => {
    for (let before = 0; before < 40; before++) {
      for (let after = 0; after < 20; after++) {
        for (const length of [15, 16, 17, 40]) {
          const text = 'x'.repeat(before) + '7'.repeat(length) + 'x'.repeat(after);
          expect(hasLongDigitRun(text)).toBe(digits(text));
        }
      }
    }
  });

  it('agrees with a regular expression on any text', () => {
    const parts = fc.array(fc.oneof(fc.stringMatching(/^\d{0,20}$/), fc.string({ maxLength: 20 })));
    fc.assert(
      fc.property(parts, (texts) => {
        const text = texts.join('');
        expect(hasLongDigitRun(text)).toBe(digits(text));
      }),
    );
  });
});
