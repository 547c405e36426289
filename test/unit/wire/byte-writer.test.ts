// What codecs write: varints, text and blocks, whole or not at all.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ByteWriter, SpareBlocks, viewOf } from '../../../lib/wire/byte-writer.js';
import { anyCharacter } from '../../support/any-text.js';

const written = (write: (writer: ByteWriter) => void): string => {
  const writer = new ByteWriter();
  write(writer);
  return writer.take().toString('hex');
};

/** An unsigned varint of 64 bits by the book. */
function uvarint(value: bigint): Buffer {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...out, Number(rest)]);
}

describe('parts of JSON', () => {
  const text = (write: (writer: ByteWriter) => void): string => Buffer.from(written(write), 'hex').toString('latin1');

  it('are the digits of any safe integer', () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: -2000, max: 2000 })), (value) => {
        expect(text((writer) => writer.writeDigits(value))).toBe(String(value));
      }),
    );
    for (let power = 1; power < 1e16; power *= 10) {
      for (const value of [power - 1, power, power + 1, -power])
        expect(text((writer) => writer.writeDigits(value))).toBe(String(value));
    }
  });

  it('are texts in quotes, if JSON has them as they are and each letter is a byte', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100, unit: anyCharacter }), (value) => {
        const isPlain = JSON.stringify(value) === `"${value}"` && /^[\x20-\x7e]*$/.test(value);
        let isWritten: boolean | undefined;
        const all = text((writer) => (isWritten = writer.writeQuoted(value)));
        expect([isWritten, isWritten ? all : '']).toEqual([isPlain, isPlain ? `"${value}"` : '']);
      }),
    );
    for (const length of [0, 1, 47, 48, 49, 2000]) {
      const value = '~'.repeat(length);
      expect(text((writer) => writer.writeQuoted(value))).toBe(`"${value}"`);
      for (const special of ['"', '\\', '\n', '\u007f', '\u0080', 'é', '€'])
        expect(new ByteWriter().writeQuoted(value + special)).toBe(false);
    }
  });

  it('are a text, or what another writer has written', () => {
    for (const length of [0, 1, 191, 192, 193, 5000]) {
      const other = new ByteWriter();
      other.writeText('ä'.repeat(length));
      expect(written((writer) => [other, '7', other].forEach((json) => writer.writeJson(json)))).toBe(
        Buffer.from(`${'ä'.repeat(length)}7${'ä'.repeat(length)}`).toString('hex'),
      );
      expect(other.length).toBe(2 * length);
    }
  });

  it('are a few bytes as they are', () => {
    const given = Buffer.from([0, 1, 127, 128, 255]);
    expect(written((writer) => [given, Buffer.alloc(0), given].forEach((few) => writer.writeFew(few)))).toBe(
      '00017f80ff00017f80ff',
    );
  });
});

describe('a varint', () => {
  it.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [16_384, '808001'],
    [2 ** 31 - 1, 'ffffffff07'],
    [2 ** 31, '8080808008'],
    [2 ** 32, '8080808010'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
    [2n ** 53n, '8080808080808010'],
    [2n ** 64n - 1n, 'ffffffffffffffffff01'],
    [-1, 'ffffffffffffffffff01'],
    [-(2n ** 63n), '80808080808080808001'],
  ])('of %s is written in its shortest form', (value, hex) => {
    expect(written((writer) => writer.writeUvarint(value))).toBe(hex);
  });

  it('equals exact arithmetic for any number and bigint', () => {
    const number = fc.maxSafeInteger();
    const bigint = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(fc.oneof(number, bigint), (value) => {
        expect(written((writer) => writer.writeUvarint(value))).toBe(uvarint(BigInt(value)).toString('hex'));
      }),
    );
  });

  it.each([2n ** 64n, -(2n ** 63n) - 1n])('of %s, beyond 64 bits, is refused and leaves nothing', (value) => {
    const writer = new ByteWriter();
    expect(() => writer.writeUvarint(value)).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
    expect(writer.length).toBe(0);
  });
});

describe('text', () => {
  const lengths = [0, 1, 126, 127, 128, 129, 341, 342, 1_024, 1_025, 5_461, 5_462, 16_382, 16_383, 16_384, 16_385];
  const letters = ['y', 'é', '日', '😀', '\ud800'];

  it.each(lengths)('of around %s bytes has its length in bytes in front, whatever the letters', (length) => {
    for (const letter of letters) {
      const size = Buffer.byteLength(letter);
      for (const count of [Math.floor(length / size), Math.ceil(length / size), length]) {
        const text = letter.repeat(count);
        const expected = Buffer.concat([uvarint(BigInt(count * size)), Buffer.from(text)]);
        const writer = new ByteWriter();
        writer.writeByte(7);
        expect(writer.writeUtf8(text)).toBe(count * size);
        writer.writeByte(8);
        expect(writer.length).toBe(expected.length + 2);
        expect(writer.take().equals(Buffer.concat([Buffer.from([7]), expected, Buffer.from([8])]))).toBe(true);
      }
    }
  });

  it.each(lengths)('of around %s bytes is written whole without its length, too', (length) => {
    for (const letter of letters) {
      const writer = new ByteWriter();
      writer.writeText(letter.repeat(length));
      expect(writer.take().equals(Buffer.from(letter.repeat(length)))).toBe(true);
    }
  });

  it('that is long takes no more memory than it has bytes', () => {
    const [sized, bare] = [new ByteWriter(), new ByteWriter()];
    sized.writeUtf8('x'.repeat(1_000_000));
    bare.writeText('x'.repeat(1_000_000));
    for (const writer of [sized, bare]) expect(writer.capacity).toBeLessThan(1_000_100);
  });

  it('equals what Buffer makes of it, for any text', () => {
    const any = fc.string({ unit: anyCharacter, maxLength: 400 });
    fc.assert(
      fc.property(fc.array(any), (texts) => {
        const expected = texts.flatMap((text) => [uvarint(BigInt(Buffer.byteLength(text))), Buffer.from(text)]);
        expect(written((writer) => texts.forEach((text) => writer.writeUtf8(text)))).toBe(
          Buffer.concat(expected).toString('hex'),
        );
      }),
    );
  });
});

describe('a value that fails half-way', () => {
  it('is cut off again and leaves what was before it', () => {
    const writer = new ByteWriter();
    writer.writeUtf8('whole');
    const mark = writer.length;
    writer.writeUtf8('x'.repeat(100_000));
    writer.truncate(mark);
    writer.writeByte(9);
    expect(writer.take().toString('hex')).toBe('0577686f6c6509');
  });
});

describe('a copy of what was written', () => {
  it('has the bytes of any part, and nothing beside them, also of memory that was used before', () => {
    const writer = new ByteWriter(new SpareBlocks());
    for (const length of [0, 1, 3, 4, 5, 75, 191, 192, 193, 1000, 9000, 75]) {
      const bytes = Buffer.from(Array.from({ length: length + 3 }, (_, index) => (7 * index + length) & 0xff));
      writer.writeBytes(bytes);
      const whole = Buffer.alloc(length + 20, 0xee);
      writer.copyTo(viewOf(whole.subarray(8)), 2, 1, 1 + length);
      const around = Buffer.alloc(10, 0xee);
      expect(whole.equals(Buffer.concat([around, bytes.subarray(1, 1 + length), around]))).toBe(true);
      writer.recycle(writer.take());
    }
  });
});

describe('what was taken', () => {
  it('does not change while the next bytes are written', () => {
    const writer = new ByteWriter(new SpareBlocks());
    writer.writeBytes(Buffer.from('first'));
    const first = writer.take();
    expect(writer.length).toBe(0);
    writer.writeBytes(Buffer.from('second'));
    expect(first.toString()).toBe('first');
    expect(writer.take().toString()).toBe('second');
  });

  it('is memory for later bytes once it was given back', () => {
    const writer = new ByteWriter(new SpareBlocks());
    writer.writeByte(1);
    const first = writer.take();
    writer.recycle(first);
    writer.writeByte(2);
    expect(writer.take().buffer).toBe(first.buffer);
  });

  it('is not mixed up when it is given back while more is being written', () => {
    const writer = new ByteWriter(new SpareBlocks());
    writer.writeBytes(Buffer.from('first'));
    const first = writer.take();
    writer.writeBytes(Buffer.from('second'));
    writer.recycle(first);
    writer.writeBytes(Buffer.from(' and third'));
    const second = writer.take();
    writer.writeBytes(Buffer.from('fourth'));
    expect(second.toString()).toBe('second and third');
    expect(writer.take().toString()).toBe('fourth');
  });

  it('is let go when it is a part of other memory', () => {
    const writer = new ByteWriter(new SpareBlocks());
    const whole = Buffer.alloc(100);
    writer.recycle(whole.subarray(10));
    writer.writeByte(1);
    expect(writer.take().buffer).not.toBe(whole.buffer);
    expect(whole.equals(Buffer.alloc(100))).toBe(true);
  });

  it('is kept up to 64 KiB', () => {
    const writer = new ByteWriter(new SpareBlocks(), 64 * 1024);
    writer.writeByte(1);
    const first = writer.take();
    writer.recycle(first);
    writer.writeByte(2);
    expect(writer.take().buffer).toBe(first.buffer);
  });

  it('is let go instead of kept when it is large', () => {
    const writer = new ByteWriter(new SpareBlocks());
    writer.writeBytes(Buffer.alloc(1_000_000));
    const large = writer.take();
    writer.recycle(large);
    writer.writeByte(1);
    expect(writer.take().buffer).not.toBe(large.buffer);
  });

  it('is empty when nothing was written, and can be given back', () => {
    const writer = new ByteWriter(new SpareBlocks());
    const nothing = writer.take();
    expect(nothing).toHaveLength(0);
    writer.recycle(nothing);
    writer.writeByte(1);
    expect(writer.take().toString('hex')).toBe('01');
  });

  it('is all that was written, in order, for any sequence of takes of several writers with the same memory', () => {
    const step = fc.tuple(
      fc.nat({ max: 2 }),
      fc.oneof(fc.uint8Array({ maxLength: 9_000 }), fc.constant('take' as const)),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const spares = new SpareBlocks();
        const writers = [0, 1, 2].map(() => new ByteWriter(spares));
        const taken: Buffer[][] = [[], [], []];
        for (const [at, each] of steps) {
          if (each !== 'take') {
            writers[at]!.writeBytes(each);
            continue;
          }
          const block = writers[at]!.take();
          taken[at]!.push(Buffer.from(block));
          writers[at]!.recycle(block);
        }
        for (const [at, writer] of writers.entries()) {
          const expected = steps.flatMap(([of, each]) => (of === at && each !== 'take' ? [each] : []));
          expect(Buffer.concat([...taken[at]!, writer.take()]).equals(Buffer.concat(expected))).toBe(true);
        }
      }),
    );
  });
});

describe('memory that a writer gave back', () => {
  const blockOf = (writer: ByteWriter): ArrayBufferLike => {
    writer.writeByte(1);
    return writer.take().buffer;
  };

  it('is for whichever writes next, and no other has it meanwhile', () => {
    const spares = new SpareBlocks();
    const [first, second, third] = [new ByteWriter(spares), new ByteWriter(spares), new ByteWriter(spares)];
    first.writeBytes(Buffer.from('first'));
    const taken = first.take();
    first.recycle(taken);
    expect([first.capacity, blockOf(second)]).toEqual([0, taken.buffer]);
    expect(blockOf(third)).not.toBe(taken.buffer);
  });

  it('is that of bytes that were dropped, too', () => {
    const spares = new SpareBlocks();
    const [first, second] = [new ByteWriter(spares), new ByteWriter(spares)];
    first.writeBytes(Buffer.from('dropped'));
    const block = first.bytesFrom(0).buffer;
    first.release();
    expect([first.length, first.capacity, blockOf(second)]).toEqual([0, 0, block]);
    expect(blockOf(first)).not.toBe(block);
  });

  it('is left to others by who needs more', () => {
    const spares = new SpareBlocks();
    const small = Buffer.alloc(64);
    spares.give(small);
    const [first, second] = [new ByteWriter(spares), new ByteWriter(spares)];
    first.writeBytes(Buffer.alloc(65));
    expect(first.take().buffer).not.toBe(small.buffer);
    expect(blockOf(second)).toBe(small.buffer);
  });

  it('is kept up to 1 MiB in all', () => {
    const spares = new SpareBlocks();
    const blocks = Array.from({ length: 17 }, () => Buffer.alloc(64 * 1024));
    for (const block of blocks) spares.give(block);
    expect(blocks.map(() => spares.take(1))).toEqual([...blocks.slice(0, 16).toReversed(), undefined]);
    spares.give(blocks[16]!);
    expect(spares.take(1)).toBe(blocks[16]);
  });
});

describe('a number of fixed width', () => {
  it.each([
    ['writeUint16', 65_534, 'feff'],
    ['writeUint16', -1, 'ffff'],
    ['writeUint32', 4_294_967_294, 'feffffff'],
    ['writeUint32', -2, 'feffffff'],
    ['writeUint64', Number.MAX_SAFE_INTEGER, 'ffffffffffff1f00'],
    ['writeUint64', Number.MIN_SAFE_INTEGER, '010000000000e0ff'],
    ['writeUint64', -1, 'ffffffffffffffff'],
    ['writeFloat32', 1.5, '0000c03f'],
    ['writeFloat64', 1.5, '000000000000f83f'],
  ] as const)('is written by %s: %s', (method, value, hex) => {
    expect(written((writer) => writer[method](value))).toBe(hex);
  });

  it('of 64 bits may be a bigint', () => {
    expect(written((writer) => writer.writeUint64(2n ** 64n - 1n))).toBe('ffffffffffffffff');
    expect(written((writer) => writer.writeUint64(-(2n ** 63n)))).toBe('0000000000000080');
  });
});

describe('a ZigZag varint', () => {
  it('equals exact arithmetic for any number and bigint', () => {
    const zigzag = (value: bigint) => (value < 0n ? -2n * value - 1n : 2n * value);
    const bigint = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer(), bigint), (value) => {
        expect(written((writer) => writer.writeVarint(value))).toBe(uvarint(zigzag(BigInt(value))).toString('hex'));
      }),
    );
  });

  it.each([
    [0n, '00'],
    [-1n, '01'],
    [1n, '02'],
    [-64n, '7f'],
    [64n, '8001'],
  ])('is the same for a small bigint as for that number: %s', (value, hex) => {
    expect(written((writer) => writer.writeVarint(value))).toBe(hex);
    expect(written((writer) => writer.writeVarint(Number(value)))).toBe(hex);
  });
});

describe('memory', () => {
  it('stays when it is small, or when what is kept needs it', () => {
    const small = new ByteWriter();
    small.writeByte(1);
    small.truncate(0);
    expect(small.capacity).toBe(1024);
    const large = new ByteWriter();
    const text = 'x'.repeat(200_000);
    large.writeText(text);
    large.writeZeros(10_000_000);
    large.truncate(200_000);
    expect(large.take().toString()).toBe(text);
  });

  it('that only a value has needed which was cut off is let go, and what was there stays', () => {
    const writer = new ByteWriter();
    writer.writeText('kept');
    writer.writeZeros(50_000_000);
    writer.truncate(4);
    expect(writer.capacity).toBeLessThanOrEqual(128 * 1024);
    writer.writeText(' on');
    expect(writer.take().toString()).toBe('kept on');
  });
});
