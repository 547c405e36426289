// What each side writes and reads: by which methods of the codec, and within which limits.
import { describe, expect, it } from '@jest/globals';
import type { Codec } from '../../../lib/codec/codec.js';
import { clientDirection, frameTooLarge, serverDirection } from '../../../lib/connection/codec-direction.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';

const limits = { maxCommandBytes: 100, maxResultBytes: 200 };

function codecOf(parts: Record<string, unknown> = {}): Codec {
  const writing = (what: string) => (value: unknown, writer: ByteWriter) =>
    writer.writeText(`${what} ${String(value)}`);
  return {
    encodeCommand: writing('Command'),
    encodeResult: writing('Result'),
    decodeCommand: () => 'a Command',
    decodeResult: () => 'a Result',
    ...parts,
  } as unknown as Codec;
}

function written(direction: ReturnType<typeof clientDirection>, value: unknown): string {
  const writer = new ByteWriter();
  direction.encode(value, writer);
  return writer.take().toString();
}

describe('a client', () => {
  it('writes Commands and reads Results', () => {
    const direction = clientDirection(codecOf(), limits);
    expect(written(direction, 5)).toBe('Command 5');
    expect(direction.decode(new ByteReader())).toBe('a Result');
    expect(direction.send).toEqual({ bytes: 100, option: 'maxCommandBytes' });
    expect(direction.receive).toEqual({ bytes: 200, option: 'maxResultBytes' });
  });

  it('counts no keys of data, nor how complex it is', () => {
    const own = { maxDepth: 3, maxTokens: 4, maxKeysPerObject: 5, maxComplexity: 6 };
    expect(clientDirection(codecOf({ dataLimits: own }), limits).data).toEqual({ maxDepth: 3, maxTokens: 4 });
    expect(clientDirection(codecOf(), limits).data).toMatchObject({ maxDepth: 64, maxTokens: 1_000_000 });
    expect(clientDirection(codecOf(), limits).data.maxKeysPerObject).toBeUndefined();
    expect(clientDirection(codecOf(), limits).data.maxComplexity).toBeUndefined();
  });
});

describe('a server', () => {
  it('writes Results and reads Commands', () => {
    const direction = serverDirection(codecOf(), limits);
    expect(written(direction, 5)).toBe('Result 5');
    expect(direction.decode(new ByteReader())).toBe('a Command');
    expect(direction.send).toEqual({ bytes: 200, option: 'maxResultBytes' });
    expect(direction.receive).toEqual({ bytes: 100, option: 'maxCommandBytes' });
  });

  it('counts the keys of data and how complex it is, as the codec allows', () => {
    const own = { maxDepth: 3, maxTokens: 4, maxKeysPerObject: 5, maxComplexity: 6 };
    expect(serverDirection(codecOf({ dataLimits: own }), limits).data).toEqual(own);
    const standard = { maxDepth: 64, maxTokens: 1_000_000, maxKeysPerObject: 10_000, maxComplexity: 61_440 };
    expect(serverDirection(codecOf(), limits).data).toEqual(standard);
  });
});

describe('a frame that is too large', () => {
  it('is refused with the option that says so', () => {
    expect(frameTooLarge(101, { bytes: 100, option: 'maxCommandBytes' })).toMatchObject({
      code: 'FRAME_TOO_LARGE',
      message: 'frame of 101 bytes exceeds maxCommandBytes (100)',
    });
  });
});
