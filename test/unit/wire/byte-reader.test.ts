// What codecs read, from bytes that arrive in any pieces.
import { jest, describe, expect, it, afterEach } from '@jest/globals';
import * as fc from 'fast-check';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { INCOMPLETE } from '../../../lib/wire/decode-progress.js';
import { cuttings, readChunks, readEveryWay } from './cutting.js';

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const readUvarint = (reader: ByteReader) => reader.readUvarint();
const readPositive = (reader: ByteReader) => reader.readPositive();
const readBlock = (reader: ByteReader) => reader.readBytes(reader.readLength()).toString('hex');

afterEach(() => {
  jest.restoreAllMocks();
});

type Verdict = { value: bigint; consumed: number } | 'overflow' | 'incomplete';

/** An unsigned varint of 64 bits by the book, in exact arithmetic. */
function oracle(input: Uint8Array): Verdict {
  let value = 0n;
  for (const [at, byte] of input.entries()) {
    if (at === 9 && byte > 1) return 'overflow';
    value |= BigInt(byte & 0x7f) << BigInt(7 * at);
    if (byte < 0x80) return { value, consumed: at + 1 };
  }
  return 'incomplete';
}

function verdictOf(input: Uint8Array): Verdict {
  const reading = readEveryWay(input, readUvarint);
  if ('incomplete' in reading) return 'incomplete';
  if ('error' in reading)
    return (reading.error as { code: string }).code === 'VARINT_OVERFLOW' ? 'overflow' : 'incomplete';
  return { value: BigInt(reading.value), consumed: reading.consumed };
}

describe('an unsigned varint', () => {
  it.each([
    ['00', 0],
    ['7f', 127],
    ['8001', 128],
    ['ffffffff0f', 4_294_967_295],
    ['ffffffffffffff0f', Number.MAX_SAFE_INTEGER],
    ['8080808080808010', 9_007_199_254_740_992n],
    ['ffffffffffffffffff01', 18_446_744_073_709_551_615n],
  ])('of %s is %s, a bigint only beyond 2^53-1', (hex, value) => {
    expect(readEveryWay(bytes(hex), readUvarint)).toEqual({ value, consumed: hex.length / 2 });
  });

  it.each(['8000', '818000', '80808080808080808000'])('may be padded as in %s', (hex) => {
    expect(readEveryWay(bytes(hex), readUvarint)).toEqual({
      value: hex.startsWith('81') ? 1 : 0,
      consumed: hex.length / 2,
    });
  });

  it.each(['8080808080808080808000', 'ffffffffffffffffff02', 'ffffffffffffffffffff'])(
    'is refused at its tenth byte in %s',
    (hex) => {
      const code = 'VARINT_OVERFLOW';
      expect(readEveryWay(bytes(hex), readUvarint)).toMatchObject({ error: { code }, consumed: 10 });
    },
  );

  it('is refused after ten bytes when 10,000 bytes of 80 arrive', () => {
    const reading = readChunks([Buffer.alloc(10_000, 0x80)], readUvarint);
    expect(reading).toMatchObject({ error: { code: 'VARINT_OVERFLOW' }, consumed: 10 });
  });

  it('equals exact arithmetic for any bytes', () => {
    const continued = fc.array(fc.integer({ min: 0x80, max: 0xff }), { maxLength: 11 });
    const input = fc
      .tuple(continued, fc.array(fc.nat(255), { maxLength: 3 }))
      .map(([head, tail]) => Uint8Array.from([...head, ...tail]));
    fc.assert(
      fc.property(fc.oneof(input, fc.uint8Array({ maxLength: 12 })), (any) => {
        expect(verdictOf(any)).toEqual(oracle(any));
      }),
    );
  });
});

describe('a positive varint', () => {
  it.each([
    ['7f', 127],
    ['ffffffffffffffff7f', 2n ** 63n - 1n],
    ['ffffffffffffffffff01', -1],
    ['80808080808080f0ff01', -(2n ** 53n)],
    ['81808080808080f0ff01', -Number.MAX_SAFE_INTEGER],
    ['80808080808080808001', -(2n ** 63n)],
  ])('of %s is %s', (hex, value) => {
    expect(readEveryWay(bytes(hex), readPositive)).toEqual({ value, consumed: hex.length / 2 });
  });

  it('equals the two’s complement of 64 bits for any integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const reading = readEveryWay(uvarint(BigInt.asUintN(64, value)), readPositive);
        expect('value' in reading && BigInt(reading.value)).toBe(value);
        expect('value' in reading && typeof reading.value === 'number').toBe(
          value === BigInt(Number(value)) && Number.isSafeInteger(Number(value)),
        );
      }),
    );
  });
});

function uvarint(value: bigint): Uint8Array {
  const out: number[] = [];
  for (; value > 0x7fn; value >>= 7n) out.push(Number(value & 0x7fn) | 0x80);
  return Uint8Array.from([...out, Number(value)]);
}

describe('a length', () => {
  it.each(['ffffffffffffffffff01', '80808080808080808001'])('is refused when negative: %s', (hex) => {
    const reading = readEveryWay(bytes(hex), (reader) => reader.readLength());
    expect(reading).toMatchObject({ error: { code: 'NEGATIVE_LENGTH' } });
  });

  it.each([20, 31, 32, 36, 40, 47, 53, 62])('is refused around 2^%s before anything is allocated', (power) => {
    const spies = [
      jest.spyOn(Buffer, 'alloc'),
      jest.spyOn(Buffer, 'allocUnsafe'),
      jest.spyOn(Buffer, 'allocUnsafeSlow'),
    ];
    for (const length of [2n ** BigInt(power) - 1n, 2n ** BigInt(power), 2n ** BigInt(power) + 1n]) {
      const reading = readChunks([uvarint(length)], readBlock, 1_000_000);
      expect(reading).toMatchObject({ error: { code: 'FRAME_TOO_LARGE' } });
      expect('error' in reading && String(reading.error)).toMatch(/maxBytes \(1000000\)/);
    }
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  });

  it('counts what the frame has already consumed towards its limit', () => {
    const read = (reader: ByteReader) => [reader.readUvarint(), readBlock(reader)];
    expect(readEveryWay(bytes('0103aabbcc'), read, 5)).toEqual({ value: [1, 'aabbcc'], consumed: 5 });
    expect(readEveryWay(bytes('0103aabbcc'), read, 4)).toMatchObject({ error: { code: 'FRAME_TOO_LARGE' } });
  });

  it('of a frame without end is refused as soon as the limit is reached', () => {
    const endless = (reader: ByteReader): never => {
      for (;;) reader.readByte();
    };
    expect(readChunks([Buffer.alloc(100)], endless, 64)).toMatchObject({ error: { code: 'FRAME_TOO_LARGE' } });
  });
});

describe('blocks and text', () => {
  it('are the same however the bytes are cut', () => {
    const message = Buffer.from('één kind — 日本 😀');
    const input = Buffer.concat([Buffer.from([message.length]), message]);
    const read = (reader: ByteReader) => reader.readUtf8(reader.readLength());
    expect(readEveryWay(input, read)).toEqual({ value: message.toString(), consumed: input.length });
  });

  it('replace invalid UTF-8 by U+FFFD', () => {
    const reading = readEveryWay(bytes('0361ff62'), (reader) => reader.readUtf8(reader.readLength()));
    expect(reading).toMatchObject({ value: 'a\ufffdb' });
  });

  it('equal what was sent for any sequence and any cutting', () => {
    const blocks = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 20 });
    const cuts = fc.array(fc.nat(), { maxLength: 10 });
    fc.assert(
      fc.property(blocks, cuts, (sent, places) => {
        const stream = Buffer.concat(sent.flatMap((block) => [uvarint(BigInt(block.length)), block]));
        const at = [...new Set(places.map((place) => place % (stream.length + 1)))].toSorted((a, b) => a - b);
        const reader = new ByteReader();
        const received: string[] = [];
        [0, ...at].forEach((from, index) => {
          reader.append(Uint8Array.from(stream.subarray(from, at[index] ?? stream.length)));
          received.push(...readAll(reader));
        });
        expect(received).toEqual(sent.map((block) => Buffer.from(block).toString('hex')));
        expect(reader.unread).toBe(0);
      }),
    );
  });
});

function readAll(reader: ByteReader): string[] {
  const found: string[] = [];
  while (reader.unread > 0) {
    reader.beginFrame(1_000_000, 'maxBytes');
    try {
      found.push(readBlock(reader));
    } catch (error) {
      if (error !== INCOMPLETE) throw error;
      return found;
    }
    reader.endFrame();
  }
  return found;
}

describe('a name', () => {
  const read = (reader: ByteReader, name: Buffer): string => {
    reader.append(name);
    reader.beginFrame(1000, 'limit');
    const text = reader.readName(name.length);
    expect(reader.endFrame()).toBe(name.length);
    return text;
  };

  it('is the text of its bytes, whatever was read before', () => {
    const some = fc.constantFrom('', 'traceparent', 'tracestate', 'tracestatE', 'x'.repeat(33));
    const any = fc.oneof(some, fc.string({ unit: 'binary', maxLength: 12 }));
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            any.map((text) => Buffer.from(text)),
            fc.uint8Array({ maxLength: 3 }),
          ),
        ),
        (names) => {
          const reader = new ByteReader();
          for (const name of names) expect(read(reader, Buffer.from(name))).toBe(Buffer.from(name).toString());
        },
      ),
    );
  });

  it('is not taken for another one whose letters are no ASCII, but have the numbers of its bytes', () => {
    const [accented, broken] = [Buffer.from('é'), Buffer.from([0xe9, 0x61])];
    const [controls, letters] = [Buffer.from('é\x80\x80'), Buffer.from('\u9000abc')];
    const reader = new ByteReader();
    for (const name of [accented, broken, controls, letters]) expect(read(reader, name)).toBe(name.toString());
  });

  it('that has come before is not made again, unless it is long', () => {
    const reader = new ByteReader();
    const [short, long] = [Buffer.from('traceparent'), Buffer.from('x'.repeat(33))];
    for (const name of [short, long]) read(reader, name);
    const made = jest.spyOn(Buffer.prototype, 'toString');
    for (const name of [short, long, short]) read(reader, name);
    expect(made).toHaveBeenCalledTimes(1);
  });

  it('is not looked for beyond what has arrived', () => {
    const reader = new ByteReader();
    const name = Buffer.from('traceparent');
    read(reader, name);
    reader.append(name.subarray(0, 5));
    reader.beginFrame(1000, 'limit');
    expect(thrownBy(() => reader.readName(name.length))).toBe(INCOMPLETE);
  });
});

describe('a reader that waits', () => {
  it('asks for no more than the frame has for certain', () => {
    const reader = new ByteReader();
    reader.append(bytes('01'));
    reader.append(bytes('05'));
    reader.beginFrame(100, 'maxBytes');
    expect(reader.readByte()).toBe(1);
    expect(thrownBy(() => reader.delimit(reader.readLength()))).toBe(INCOMPLETE);
    expect(reader.needed).toBe(7);
  });

  it('holds at most what arrived and 64 KiB, whatever was announced', () => {
    const allocate = jest.spyOn(Buffer, 'allocUnsafeSlow');
    const header = fc.constantFrom('80808004', 'ffff3f', '05', '8080808080808040', '64');
    const chunks = fc.array(fc.nat(70_000), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(header, chunks, (announced, sizes) => {
        allocate.mockClear();
        const reader = new ByteReader();
        let received = 0;
        for (const size of [announced.length / 2, ...sizes]) {
          reader.append(received === 0 ? bytes(announced) : Buffer.alloc(size));
          received += size;
          reader.beginFrame(1_048_576, 'maxBytes');
          try {
            reader.readBytes(reader.readLength());
          } catch (error) {
            if (error !== INCOMPLETE) return;
          }
          const held = allocate.mock.lastCall?.[0] ?? 0;
          expect(held).toBeLessThanOrEqual(received + 65_536);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('copies a large frame that dribbles in a few times over, not once for each chunk', () => {
    const allocate = jest.spyOn(Buffer, 'allocUnsafeSlow');
    const reader = new ByteReader();
    for (let sent = 0; sent < 1_048_576; sent += 64) reader.append(Buffer.alloc(64));
    expect(allocate.mock.calls.length).toBeLessThan(40);
    expect(reader.unread).toBe(1_048_576);
  });

  it('copies a large frame once when it comes in large pieces, however small some of them are', () => {
    const allocate = jest.spyOn(Buffer, 'allocUnsafeSlow');
    const reader = new ByteReader();
    const sent = Buffer.from(Array.from({ length: 900_000 }, (_, at) => at % 251));
    reader.append(bytes('a0f736'));
    expect(readAll(reader)).toEqual([]);
    const sizes = [65_536, 1, 65_536, 3_000, 65_535, 65_536];
    for (let from = 0, turn = 0; from < sent.length; turn++) {
      const piece = sent.subarray(from, from + sizes[turn % sizes.length]!);
      from += piece.length;
      reader.append(Uint8Array.from(piece));
    }
    expect(readAll(reader)).toEqual([sent.toString('hex')]);
    expect(allocate).toHaveBeenCalledTimes(1);
  });

  it('does not keep a piece for which other memory would be kept, too', () => {
    const reader = new ByteReader();
    reader.append(bytes('a0f736'));
    expect(readAll(reader)).toEqual([]);
    reader.append(Buffer.alloc(1_000_000).subarray(0, 20_000));
    reader.append(Buffer.alloc(20_000));
    expect(reader.capacity).toBeLessThan(100_000);
    expect(reader.unread).toBe(40_003);
  });

  it('gives what was sent when small and large pieces of frames follow each other', () => {
    const piece = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 8_000, max: 70_000 }));
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 30 }), (sizes) => {
        const body = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 7) % 256));
        const frame = Buffer.concat([bytes('c09a0c'), body]);
        const sent = Buffer.concat([frame, frame, bytes('01ff')]);
        const reader = new ByteReader();
        const received: string[] = [];
        for (let from = 0, turn = 0; from < sent.length; turn++) {
          const next = sent.subarray(from, from + sizes[turn % sizes.length]!);
          from += next.length;
          reader.append(Uint8Array.from(next));
          if (reader.unread >= reader.needed) received.push(...readAll(reader));
        }
        expect(received).toEqual([body.toString('hex'), body.toString('hex'), 'ff']);
      }),
      { numRuns: 50 },
    );
  });

  it('reuses its memory for a stream of frames that are all cut', () => {
    const allocate = jest.spyOn(Buffer, 'allocUnsafeSlow');
    const reader = new ByteReader();
    const stream = Buffer.alloc(12_000, bytes('03aabbcc'));
    let frames = 0;
    // Chunks of 50 after the first byte never end where a frame of 4 does.
    for (let from = 0; from < stream.length; from = Math.min(from === 0 ? 1 : from + 50, stream.length)) {
      reader.append(Uint8Array.from(stream.subarray(from, from === 0 ? 1 : from + 50)));
      frames += readAll(reader).length;
    }
    expect(frames).toBe(3_000);
    expect(allocate.mock.calls.length).toBeLessThan(3);
  });

  it('never writes into the memory of a chunk', () => {
    const chunk = bytes('03aabbcc03dd');
    const reader = new ByteReader();
    reader.append(chunk);
    expect(readAll(reader)).toEqual(['aabbcc']);
    reader.append(bytes('ee'));
    reader.append(bytes('ff'));
    expect(readAll(reader)).toEqual(['ddeeff']);
    expect(chunk.toString('hex')).toBe('03aabbcc03dd');
  });

  it('takes memory anew when what it has is too small for the next chunk', () => {
    const reader = new ByteReader();
    const received: string[] = [];
    for (const chunk of ['03', 'aabbcc' + '03ddeeff'.repeat(100) + '82', `20${'11'.repeat(4_098)}`]) {
      reader.append(bytes(chunk));
      received.push(...readAll(reader));
    }
    expect(received).toEqual(['aabbcc', ...Array.from({ length: 100 }, () => 'ddeeff'), '11'.repeat(4_098)]);
  });

  it('takes pings in runs, up to what has arrived', () => {
    const reader = new ByteReader();
    reader.append(bytes('0000000100'));
    reader.beginFrame(100, 'maxBytes');
    expect([reader.readZeros(), reader.readZeros(), reader.readByte()]).toEqual([3, 0, 1]);
    expect([reader.readZeros(), reader.readZeros(), reader.consumed]).toEqual([1, 0, 5]);
  });

  it('forgets what it received when cleared', () => {
    const reader = new ByteReader();
    reader.append(bytes('0102'));
    reader.clear();
    expect(reader.unread).toBe(0);
    expect(reader.peek()).toBe(-1);
  });
});

function thrownBy(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a delimited frame', () => {
  it('can be looked at where it is, and is read if something is made of it', () => {
    const [first, second] = [bytes('99029a9b'), bytes('9c9d')];
    const reader = new ByteReader();
    reader.append(first);
    reader.append(second);
    reader.beginFrame(100, 'maxResultBytes');
    reader.readByte();
    reader.delimit(reader.readLength());
    const seen = (made: string | undefined) =>
      reader.readRest((buffer, from, to) => made && made + buffer.toString('hex', from, to));
    expect([seen(undefined), reader.remaining]).toEqual([undefined, 2]);
    expect([seen('it is '), reader.remaining, reader.consumed]).toEqual(['it is 9a9b', 0, 4]);
  });

  it('can be skipped to its end after its body was refused', () => {
    for (const chunks of cuttings(bytes('03aabbcc7f'))) {
      const reader = new ByteReader();
      for (const chunk of chunks) reader.append(chunk);
      reader.beginFrame(100, 'maxBytes');
      reader.delimit(reader.readLength());
      expect(reader.remaining).toBe(3);
      expect(reader.readByte()).toBe(0xaa);
      expect(reader.remaining).toBe(2);
      expect(reader.skipFrame()).toBe(true);
      expect(reader.endFrame()).toBe(4);
      reader.beginFrame(100, 'maxBytes');
      expect(reader.skipFrame()).toBe(false);
      expect(reader.readByte()).toBe(0x7f);
    }
  });

  it('lets nothing be read beyond its end', () => {
    const beyond = expect.objectContaining({ code: 'BAD_PAYLOAD' });
    const reads = [
      (reader: ByteReader) => reader.readBytes(3),
      (reader: ByteReader) => reader.readUvarint(),
      readBlock,
    ];
    for (const read of reads) {
      const reading = readEveryWay(bytes('028080017f'), (reader) => {
        reader.delimit(reader.readLength());
        return read(reader);
      });
      expect(reading).toMatchObject({ error: beyond });
    }
  });

  it('may have no bytes, even where the first one would be', () => {
    const reader = new ByteReader();
    reader.append(bytes('01'));
    reader.beginFrame(100, 'maxBytes');
    reader.readByte();
    expect(reader.remaining).toBe(0);
    reader.beginFrame(100, 'maxBytes');
    reader.delimit(0);
    expect(reader.remaining).toBe(0);
    expect(() => reader.readByte()).toThrow(expect.objectContaining({ code: 'BAD_PAYLOAD' }));
    expect([reader.skipFrame(), reader.endFrame()]).toEqual([true, 0]);
  });

  it('lets a codec look ahead without reading', () => {
    const reader = new ByteReader();
    reader.append(bytes('0102'));
    reader.beginFrame(100, 'maxBytes');
    expect([reader.peek(), reader.peek(1), reader.peek(2)]).toEqual([1, 2, -1]);
    expect(reader.consumed).toBe(0);
  });
});

describe('a number of fixed width', () => {
  it.each([
    ['readUint16', 'feff', 65_534],
    ['readUint32', 'feffffff', 4_294_967_294],
    ['readUint64', 'ffffffffffff1f00', Number.MAX_SAFE_INTEGER],
    ['readUint64', '0000000000002000', 2n ** 53n],
    ['readUint64', 'ffffffffffffffff', 2n ** 64n - 1n],
    ['readInt64', '010000000000e0ff', Number.MIN_SAFE_INTEGER],
    ['readInt64', '000000000000e0ff', -(2n ** 53n)],
    ['readInt64', 'ffffffffffffff7f', 2n ** 63n - 1n],
    ['readFloat32', '0000c03f', 1.5],
    ['readFloat64', '000000000000f83f', 1.5],
  ] as const)('is read by %s: %s', (method, hex, value) => {
    expect(readEveryWay(bytes(hex), (reader) => reader[method]())).toEqual({ value, consumed: hex.length / 2 });
  });
});

describe('text that must be valid', () => {
  it.each(['61fffe62', 'c328', 'eda080', 'efbfbdff'])('is refused when it is %s', (hex) => {
    const reading = readEveryWay(bytes(hex), (reader) => reader.readValidUtf8(hex.length / 2));
    expect(reading).toMatchObject({ error: { code: 'BAD_PAYLOAD' } });
  });

  it('may hold U+FFFD itself', () => {
    expect(readEveryWay(bytes('efbfbd'), (reader) => reader.readValidUtf8(3))).toMatchObject({ value: '\ufffd' });
  });
});

describe('a decoder that is cut', () => {
  it('goes on where it was, if it is the same one at the same place', () => {
    const [owner, other] = [{}, {}];
    const reader = new ByteReader();
    reader.append(bytes('0102'));
    reader.beginFrame(100, 'maxBytes');
    reader.readByte();
    const start = reader.consumed;
    reader.readByte();
    expect(() => reader.require(1)).toThrow(expect.anything());
    reader.expect(3);
    expect(reader.needed).toBe(6);
    reader.keep(owner, start, reader.consumed, 'so far');
    reader.append(bytes('03040506'));
    reader.beginFrame(100, 'maxBytes');
    expect(reader.resume(owner)).toBeUndefined();
    reader.readByte();
    expect(reader.resume(other)).toBeUndefined();
    expect(reader.resume(owner)).toBe('so far');
    expect(reader.readByte()).toBe(3);
    expect(reader.resume(owner)).toBeUndefined();
  });

  it('keeps nothing for the next frame', () => {
    const owner = {};
    const reader = new ByteReader();
    for (const isLast of [false, true]) {
      reader.append(bytes('0102'));
      reader.beginFrame(100, 'maxBytes');
      expect(reader.resume(owner)).toBeUndefined();
      reader.readByte();
      reader.keep(owner, 0, 1, 'so far');
      if (!isLast) reader.endFrame();
    }
    reader.clear();
    reader.append(bytes('0102'));
    reader.beginFrame(100, 'maxBytes');
    expect(reader.resume(owner)).toBeUndefined();
  });

  it('has its objects counted from the first byte on, in each frame', () => {
    const reader = new ByteReader();
    for (let frame = 0; frame < 2; frame++) {
      reader.append(bytes('0102'));
      reader.beginFrame(100, 'maxBytes');
      reader.limitValues(1, 'maxValues');
      reader.countValue();
      reader.readByte();
      expect(() => reader.countValue()).toThrow(/more objects than maxValues \(1\)/);
      reader.endFrame();
    }
  });

  it('is refused elements that its frame has no room for, by their size', () => {
    const reader = new ByteReader();
    reader.append(bytes('01'));
    reader.beginFrame(64, 'maxBytes');
    reader.allow(8, 8);
    expect(() => reader.allow(9, 8)).toThrow(/frame of 72 bytes/);
    expect(() => reader.allow(2n ** 60n, 8)).toThrow(`frame of ${2n ** 63n} bytes`);
  });

  it('says the limit as it was set, whatever was counted', () => {
    const reader = new ByteReader();
    reader.append(bytes('01'));
    reader.beginFrame(100, 'maxBytes');
    reader.allow(60, 0);
    expect(() => reader.allow(41, 0)).toThrow(/frame of 41 bytes exceeds maxBytes \(100\)/);
    expect(() => reader.require(41)).toThrow(/maxBytes \(100\)/);
  });
});
