// Numbers, booleans, text, blocks and times of MUS: what is written, what is refused, and that 64 bits are never
// rounded.
import { describe, expect, it } from '@jest/globals';
import { mus, type MusSerializer } from 'nestjs-cmd-stream/mus';

const hex = <T, I>(serializer: MusSerializer<T, I>, value: I) => Buffer.from(serializer.toBytes(value)).toString('hex');
const from = <T, I>(serializer: MusSerializer<T, I>, text: string) => serializer.fromBytes(Buffer.from(text, 'hex'));
const refuse = (code: string, message?: string | RegExp) =>
  expect.objectContaining({ code, ...(message && { message: expect.stringMatching(message) as unknown }) });
/** What a caller without types may hand over. */
const misused = (value: unknown) => value as never;

const BIGGEST = 2n ** 63n - 1n;
const SMALLEST = -(2n ** 63n);

describe('an integer of 64 bits', () => {
  const safe = [0, 1, -1, 63, 64, -64, -65, 8_191, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 52, 2 ** 52 + 1];
  const numbers = [...safe, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -(2 ** 52) - 1];
  const signed = { varint: mus.varint.int64, raw: mus.raw.int64, positive: mus.varint.positiveInt64 };
  const unsigned = { varint: mus.varint.uint64, raw: mus.raw.uint64 };

  it.each(Object.entries(signed))('signed, %s, has the same bytes as a number and as a bigint', (_, serializer) => {
    for (const number of numbers) {
      const bytes = hex(serializer, number);
      expect(hex(serializer.bigint, BigInt(number))).toBe(bytes);
      expect(from(serializer, bytes)).toBe(number);
      expect(from(serializer.bigint, bytes)).toBe(BigInt(number));
    }
  });

  it.each(Object.entries(unsigned))('unsigned, %s, has the same bytes as a number and as a bigint', (_, serializer) => {
    for (const number of numbers.filter((each) => each >= 0)) {
      const bytes = hex(serializer, number);
      expect(hex(serializer.bigint, BigInt(number))).toBe(bytes);
      expect(from(serializer, bytes)).toBe(number);
      expect(from(serializer.bigint, bytes)).toBe(BigInt(number));
    }
  });

  it.each([...Object.entries(signed), ...Object.entries(unsigned)])(
    'beyond 2^53-1, %s, is no number but a bigint',
    (_, serializer) => {
      for (const value of [2n ** 53n, BIGGEST]) {
        const bytes = hex(serializer.bigint, value);
        expect(from(serializer.bigint, bytes)).toBe(value);
        expect(() => from(serializer, bytes)).toThrow(refuse('UNSAFE_INTEGER', `${value} .*bigint`));
      }
    },
  );

  it.each(Object.entries(signed))('signed, %s, goes down to -2^63', (_, serializer) => {
    for (const value of [SMALLEST, -(2n ** 53n)]) {
      const bytes = hex(serializer.bigint, value);
      expect(from(serializer.bigint, bytes)).toBe(value);
      expect(() => from(serializer, bytes)).toThrow(refuse('UNSAFE_INTEGER'));
    }
  });

  it('is refused as a bigint of more than 64 bits', () => {
    for (const value of [BIGGEST + 1n, SMALLEST - 1n])
      expect(() => mus.raw.int64.bigint.toBytes(value)).toThrow(refuse('ENCODE_FAILED', 'a bigint from -9223'));
    for (const value of [-1n, 2n ** 64n])
      expect(() => mus.varint.uint64.bigint.toBytes(value)).toThrow(refuse('ENCODE_FAILED', 'a bigint from 0'));
  });

  it.each(['5', 2 ** 53, -(2 ** 53), Number.NaN, Infinity, 1.5, undefined, null, 5n, true, {}, [5]])(
    'is refused as a number when it is %p',
    (value) => {
      for (const serializer of [...Object.values(signed), ...Object.values(unsigned)])
        expect(() => serializer.toBytes(misused(value))).toThrow(refuse('ENCODE_FAILED', 'expected an integer'));
    },
  );

  it('of -0 is 0', () => {
    for (const serializer of [...Object.values(signed), ...Object.values(unsigned)])
      expect(hex(serializer, -0)).toBe(hex(serializer, 0));
  });

  it('is refused as a bigint when it is a number', () => {
    expect(() => mus.varint.int.bigint.toBytes(misused(5))).toThrow(refuse('ENCODE_FAILED', 'expected a bigint'));
  });
});

describe('an integer of a width', () => {
  it.each([
    ['int8', -128, 127],
    ['int16', -32_768, 32_767],
    ['int32', -2_147_483_648, 2_147_483_647],
    ['uint8', 0, 255],
    ['uint16', 0, 65_535],
    ['uint32', 0, 4_294_967_295],
    ['byte', 0, 255],
  ] as const)('%s goes from %d to %d and no further', (type, min, max) => {
    for (const serializer of [mus.varint[type], mus.raw[type]]) {
      for (const value of [min, max, 0, 1]) expect(from(serializer, hex(serializer, value))).toBe(value);
      for (const value of [min - 1, max + 1])
        expect(() => serializer.toBytes(value)).toThrow(refuse('ENCODE_FAILED', `from ${min} to ${max}, got ${value}`));
    }
  });

  it.each([
    ['positiveInt8', -1, 'ff01'],
    ['positiveInt16', -1, 'ffff03'],
    ['positiveInt32', -1, 'ffffffff0f'],
    ['positiveInt8', 127, '7f'],
    ['positiveInt32', -(2 ** 31), '8080808008'],
  ] as const)('%s writes %d as %s', (type, value, bytes) => {
    expect(hex(mus.varint[type], value)).toBe(bytes);
    expect(from(mus.varint[type], bytes)).toBe(value);
  });

  it.each([
    ['uint8', '8002'],
    ['uint8', '808000'],
    ['int8', 'ff02'],
    ['byte', 'ffff'],
    ['positiveInt8', '8002'],
    ['uint16', 'ffff04'],
    ['int16', '80808000'],
    ['uint32', 'ffffffff10'],
    ['int64', '8080808080808080808002'],
    ['int', 'ffffffffffffffffffff'],
  ] as const)('%s refuses the varint %s', (type, bytes) => {
    expect(() => from(mus.varint[type], bytes)).toThrow(refuse('VARINT_OVERFLOW'));
  });

  it.each([
    ['uint8', '8000', 0],
    ['int8', 'ff01', -128],
    ['int16', 'ffff03', -32_768],
    ['uint32', '8180808000', 1],
    ['int64', '82808080808080808000', 1],
  ] as const)('%s accepts %s', (type, bytes, value) => {
    expect(from(mus.varint[type], bytes)).toBe(value);
  });
});

describe('a floating point number', () => {
  const all = [mus.raw.float64, mus.raw.float32, mus.varint.float64, mus.varint.float32];

  it.each([0, -0, 1.5, -2.25, Infinity, -Infinity, Number.NaN, 2 ** -149])('of %p comes back', (value) => {
    for (const serializer of all) expect(Object.is(from(serializer, hex(serializer, value)), value)).toBe(true);
  });

  it('is rounded to 32 bits, but becomes no infinity', () => {
    expect(from(mus.raw.float32, hex(mus.raw.float32, 0.1))).toBe(Math.fround(0.1));
    for (const serializer of [mus.raw.float32, mus.varint.float32])
      expect(() => serializer.toBytes(1e300)).toThrow(refuse('ENCODE_FAILED', '32 bits, got 1e.300'));
  });

  it.each(['1.5', 1n, undefined, null])('is refused when it is %p', (value) => {
    for (const serializer of all)
      expect(() => serializer.toBytes(misused(value))).toThrow(refuse('ENCODE_FAILED', 'expected a number'));
  });
});

describe('a boolean', () => {
  it('is 00 or 01', () => {
    expect([hex(mus.bool, false), hex(mus.bool, true)]).toEqual(['00', '01']);
    expect([from(mus.bool, '00'), from(mus.bool, '01')]).toEqual([false, true]);
  });

  it.each([0, 1, 'true', undefined, null])('is refused when it is %p', (value) => {
    expect(() => mus.bool.toBytes(misused(value))).toThrow(refuse('ENCODE_FAILED', 'expected a boolean'));
  });
});

describe('text', () => {
  it('is never replaced: neither invalid UTF-8 nor half a character goes through', () => {
    expect(() => from(mus.string, '0461fffe62')).toThrow(refuse('BAD_PAYLOAD', 'UTF-8'));
    for (const half of ['a\ud800b', '\udc00', '\ud800'.repeat(2_000)])
      expect(() => mus.string.toBytes(half)).toThrow(refuse('ENCODE_FAILED', 'whole characters'));
    expect(from(mus.string, hex(mus.string, '\ufffd'))).toBe('\ufffd');
  });

  it('is bytes of any kind where they are asked for', () => {
    expect(from(mus.string.bytes, '0461fffe62')).toEqual(Uint8Array.of(0x61, 0xff, 0xfe, 0x62));
    expect(hex(mus.string.bytes, Uint8Array.of(0xff))).toBe('01ff');
  });

  it.each([5, undefined, null, ['a']])('is refused when it is %p', (value) => {
    expect(() => mus.string.toBytes(misused(value))).toThrow(refuse('ENCODE_FAILED', 'expected a string'));
  });
});

describe('a block of bytes', () => {
  it('is a copy, whatever happens to the buffer it came from', () => {
    const bytes = Buffer.from('03010203', 'hex');
    const read = mus.bytes.fromBytes(bytes);
    bytes.fill(0);
    expect(read).toEqual(Uint8Array.of(1, 2, 3));
  });

  it.each(['0102', [1, 2], undefined, new DataView(new ArrayBuffer(2))])('is refused when it is %p', (value) => {
    expect(() => mus.bytes.toBytes(misused(value))).toThrow(refuse('ENCODE_FAILED', 'expected a Uint8Array'));
  });
});

describe('a time', () => {
  const { seconds, milliseconds, microseconds, nanoseconds } = mus.time;
  const beforeEpoch = new Date(-1_500);

  it.each([
    ['seconds', seconds, -2n, new Date(-2_000)],
    ['milliseconds', milliseconds, -1_500n, beforeEpoch],
    ['microseconds', microseconds, -1_500_000n, beforeEpoch],
    ['nanoseconds', nanoseconds, -1_500_000_000n, beforeEpoch],
  ] as const)('is rounded toward the past in %s', (_, serializer, count, read) => {
    const bytes = hex(serializer, beforeEpoch);
    expect(from(serializer.bigint, bytes)).toBe(count);
    expect(from(serializer, bytes)).toEqual(read);
  });

  it('finer than a Date is rounded toward the past, and exact as a bigint', () => {
    const bytes = hex(nanoseconds.bigint, -1n);
    expect(from(nanoseconds, bytes)).toEqual(new Date(-1));
    expect(from(nanoseconds.bigint, bytes)).toBe(-1n);
  });

  it('between two of its units is rounded toward the past after 1970, too', () => {
    expect(from(nanoseconds, hex(nanoseconds.bigint, 1n))).toEqual(new Date(0));
    expect(from(seconds.bigint, hex(seconds, new Date(1_500)))).toBe(1n);
    expect(from(seconds, hex(seconds, new Date(0)))).toEqual(new Date(0));
  });

  it.each([8_640_000_000_000_000n, -8_640_000_000_000_000n])('goes up to what a Date can hold: %d ms', (ms) => {
    expect(from(milliseconds, hex(milliseconds.bigint, ms))).toEqual(new Date(Number(ms)));
    const beyond = ms + (ms > 0n ? 1n : -1n);
    expect(() => from(milliseconds, hex(milliseconds.bigint, beyond))).toThrow(refuse('BAD_PAYLOAD', `^${beyond} is`));
  });

  it("can be Go's zero time", () => {
    expect(hex(seconds, new Date('0001-01-01T00:00:00Z'))).toBe('00096e88f1ffffff');
  });

  it('is refused when a Date, or 64 bits, cannot hold it', () => {
    expect(() => from(seconds, 'ffffffffffffff7f')).toThrow(refuse('BAD_PAYLOAD', 'no Date can hold'));
    expect(() => nanoseconds.toBytes(new Date('2263-01-01'))).toThrow(refuse('ENCODE_FAILED', 'a bigint from'));
    for (const value of [new Date(Number.NaN), 0, '1970-01-01', undefined])
      expect(() => seconds.toBytes(misused(value))).toThrow(refuse('ENCODE_FAILED', 'expected a valid Date'));
  });
});
