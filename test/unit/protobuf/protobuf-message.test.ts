// Messages of another generator in a contract: ts-proto's, byte for byte those of protobuf-es.
import { describe, expect, it } from '@jest/globals';
import { defineContract, tablesOf } from '../../../lib/contract/contract.js';
import { protobufCodec } from '../../../lib/protobuf/protobuf-codec.js';
import { protobufMessage, type ProtobufMessageOptions } from '../../../lib/protobuf/protobuf-message.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { AddCmd, CalcResult, tsProtoContract } from '../../support/ts-proto-contract.js';
import { readEveryWay } from '../wire/cutting.js';

const codec = protobufCodec()(tsProtoContract);

class Blob {
  constructor(readonly bytes: Uint8Array) {}
}

/** A generator whose messages are their bodies. */
function blob(options: Partial<ProtobufMessageOptions<Blob>> = {}) {
  const type = protobufMessage<Blob>({
    typeName: 'blob.Blob',
    encode: ({ bytes }) => bytes,
    decode: (bytes) => new Blob(bytes),
    is: (value) => value instanceof Blob,
    ...options,
  });
  return protobufCodec({ maxBytes: 8 })(defineContract({ commands: [type] }));
}

function write(message: object, by = codec): string {
  const writer = new ByteWriter();
  by.encodeCommand(message, writer);
  return writer.take().toString('hex');
}

describe('a message of another generator', () => {
  it('is written and read like one of protobuf-es', () => {
    const command = AddCmd.create({ $type: 'vectors.AddCmd', A: 2n, B: 3n });
    const frame = Buffer.from('000408021003', 'hex');
    expect(write(command)).toBe(frame.toString('hex'));
    const reading = readEveryWay(frame, (reader) => codec.decodeCommand(reader));
    expect(reading).toEqual({ value: command, consumed: frame.length });
    const { commands, results } = tablesOf(tsProtoContract);
    expect(commands.indexOf(command)).toBe(0);
    expect(results.indexOf(CalcResult.create({ $type: 'vectors.CalcResult', R: 5n }))).toBe(0);
  });

  it('is refused with ENCODE_FAILED when its generator refuses it', () => {
    expect(() => write({ $type: 'vectors.AddCmd', A: 2n ** 64n, B: 0n })).toThrow(
      expect.objectContaining({
        code: 'ENCODE_FAILED',
        message: expect.stringMatching(/^vectors.AddCmd: .*message.A/),
      }),
    );
  });

  it('is refused with BAD_PAYLOAD when its generator cannot read it', () => {
    const reading = readEveryWay(Buffer.from('00020880', 'hex'), (reader) => codec.decodeCommand(reader));
    expect(reading).toMatchObject({
      error: { code: 'BAD_PAYLOAD', message: expect.stringContaining('vectors.AddCmd') },
    });
  });

  it('is refused when it is encoded as anything but bytes', () => {
    const wrong = blob({ encode: () => [1, 2] as never });
    expect(() => write(new Blob(Uint8Array.of()), wrong)).toThrow(
      expect.objectContaining({ code: 'ENCODE_FAILED', message: expect.stringContaining('Uint8Array') }),
    );
  });

  it('is kept to maxBytes', () => {
    expect(write(new Blob(new Uint8Array(8)), blob())).toBe(`0008${'00'.repeat(8)}`);
    const tooLarge = expect.objectContaining({ code: 'FRAME_TOO_LARGE' });
    expect(() => write(new Blob(new Uint8Array(9)), blob())).toThrow(tooLarge);
  });

  it('may keep the bytes it is read from', () => {
    const received = Buffer.from('0003010203', 'hex');
    const reader = new ByteReader();
    reader.append(received);
    reader.beginFrame(100, 'maxCommandBytes');
    const message = blob().decodeCommand(reader);
    received.fill(0xff);
    expect(message).toEqual(new Blob(Uint8Array.of(1, 2, 3)));
  });

  it('names the types of its Results, which a contract must list', () => {
    const answer = protobufMessage<Blob>({
      typeName: 'blob.Answer',
      encode: ({ bytes }) => bytes,
      decode: (bytes) => new Blob(bytes),
      is: () => false,
    });
    const ask = (result?: typeof answer | (typeof answer)[]) =>
      protobufMessage<Blob>({
        typeName: 'blob.Ask',
        encode: ({ bytes }) => bytes,
        decode: (bytes) => new Blob(bytes),
        is: () => true,
        ...(result && { result }),
      } as ProtobufMessageOptions<Blob>);
    expect([ask().answers, ask(answer).answers, ask([answer]).answers]).toEqual([[], ['blob.Answer'], ['blob.Answer']]);
  });

  it.each([
    { typeName: 5 },
    { encode: undefined },
    { decode: null },
    { is: 'Blob' },
    { lastOne: true },
    { idempotent: 1 },
    { deprecated: 1 },
  ])('is not let in with %p', (options) => {
    expect(() => blob(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_CONTRACT' }));
  });
});
