// Every case of the wire vectors that the Protobuf codec answers.
import { describe, expect, it } from '@jest/globals';
import { defineContract, tablesOf } from '../../../lib/contract/contract.js';
import { protobufCodec } from '../../../lib/protobuf/protobuf-codec.js';
import { protobufType } from '../../../lib/protobuf/protobuf-type.js';
import type { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import * as schemas from '../../fixtures/protobuf/gen/vectors_pb.js';
import { cuttings, readEveryWay, readFrames } from '../wire/cutting.js';
import { expectedFailure, wireVectors, type WireVector } from '../wire/wire-vectors.js';

const commands = [schemas.AddCmdSchema, schemas.SubCmdSchema, schemas.EchoCmdSchema].map((schema) =>
  protobufType(schema),
);
const results = [schemas.CalcResultSchema, schemas.EchoResultSchema].map((schema) => protobufType(schema));
const contract = defineContract({ commands, results });

type Way = 'Command' | 'Result';

interface FrameValue {
  readonly seq: string;
  readonly dtm: number;
  readonly type: string;
  readonly message: Readonly<Record<string, unknown>>;
  readonly bodyHex?: string;
}

const toBytes = (hex: string) => Buffer.from(hex, 'hex');

function codecOf({ kind }: WireVector) {
  const maxBytes = /\{maxLen:(\d+)\}$/.exec(kind)?.[1];
  return protobufCodec(maxBytes ? { maxBytes: Number(maxBytes) } : {})(contract);
}

function decode(codec: ReturnType<typeof codecOf>, way: Way, reader: ByteReader) {
  return { seq: BigInt(reader.readPositive()), value: codec[`decode${way}`](reader) };
}

function encode(codec: ReturnType<typeof codecOf>, way: Way, seq: bigint, value: unknown): string {
  const writer = new ByteWriter();
  writer.writeUvarint(seq);
  codec[`encode${way}`](value, writer);
  return writer.take().toString('hex');
}

/**
 * A message as the vectors write it: 64-bit integers and what JSON has no number for as text, fields by their names.
 */
function written(message: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields = Object.entries(message).filter(([key]) => !key.startsWith('$'));
  return Object.fromEntries(fields.map(([key, value]) => [key === 'protoData' ? 'proto_data' : key, shown(value)]));
}

function shown(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : shownNumber(value);
  return typeof value === 'object' && value !== null ? written(value as Record<string, unknown>) : value;
}

const shownNumber = (value: number) => (Object.is(value, -0) ? '-0' : String(value));

const wayOf = ({ kind }: WireVector): Way => (kind.startsWith('frame.protobuf.cmd') ? 'Command' : 'Result');

function readFrame(vector: WireVector) {
  const codec = codecOf(vector);
  return readEveryWay(toBytes(vector.hex), (reader) => decode(codec, wayOf(vector), reader), 1_048_576);
}

function acceptedFrame(vector: WireVector) {
  const reading = readFrame(vector);
  if (!('value' in reading)) throw new Error('error' in reading ? String(reading.error) : 'incomplete');
  const { seq, value } = reading.value;
  const types = tablesOf(contract)[wayOf(vector) === 'Command' ? 'commands' : 'results'];
  const type = types.nameFor(value).replace('vectors.', '');
  return { consumed: reading.consumed, seq, type, dtm: types.indexOf(value), value };
}

function sentAgain(vector: WireVector, way: Way, bytes: string): readonly string[] {
  const codec = codecOf(vector);
  return cuttings(toBytes(bytes)).map((chunks) => {
    const frames = readFrames(chunks, (reader) => decode(codec, way, reader));
    return frames.map(({ seq, value }) => encode(codec, way, seq, value)).join('');
  });
}

const vectors = wireVectors.filter(
  ({ kind, name }) => kind.startsWith('frame.protobuf.') || name.startsWith('session/protobuf-'),
);
const cases = (...dirs: readonly WireVector['dir'][]) =>
  vectors.filter(({ dir }) => dirs.includes(dir)).map((vector) => [vector.name, vector] as const);

describe('the wire vector', () => {
  it.each(cases('roundtrip', 'decode'))('%s is read as by the reference', (_, vector) => {
    const { seq, type, dtm, message } = vector.value as FrameValue;
    const { value, ...frame } = acceptedFrame(vector);
    expect(frame).toEqual({ consumed: vector.hex.length / 2, seq: BigInt(seq), type, dtm });
    expect(written(value as Record<string, unknown>)).toEqual(message);
  });

  it.each(cases('roundtrip'))('%s is written as by the reference', (_, vector) => {
    const { seq, value } = acceptedFrame(vector);
    expect(encode(codecOf(vector), wayOf(vector), seq, value)).toBe(vector.hex);
  });

  it.each(cases('reject'))('%s is refused as by the reference', (_, vector) => {
    const reading = readFrame(vector);
    const failure = 'error' in reading ? (reading.error as { code?: string }).code : 'INCOMPLETE';
    expect(failure).toBe(expectedFailure(vector));
    // Where the length is known the whole frame has been read, so that it can be skipped.
    expect([vector.read, vector.hex.length / 2]).toContain('consumed' in reading && reading.consumed);
  });

  it.each(cases('rejectEncode'))('%s is not written', (_, vector) => {
    const unlisted = { $typeName: 'vectors.Unlisted' };
    expect(() => encode(codecOf(vector), wayOf(vector), 1n, unlisted)).toThrow(
      expect.objectContaining({ code: expectedFailure(vector) }),
    );
  });

  it.each(cases('encode'))('%s is a session whose frames are read and written', (_, vector) => {
    const greeting = '0764656661756c74';
    const { serverToClient = '' } = vector.extra ?? {};
    expect(serverToClient.startsWith(greeting)).toBe(true);
    const answers = serverToClient.slice(greeting.length);
    expect(new Set(sentAgain(vector, 'Command', vector.hex))).toEqual(new Set([vector.hex]));
    expect(new Set(sentAgain(vector, 'Result', answers))).toEqual(new Set([answers]));
  });

  it('is answered whatever it is about', () => {
    const answered = cases('roundtrip', 'decode', 'reject', 'rejectEncode', 'encode');
    expect(answered).toHaveLength(vectors.length);
    expect(cases('encode').every(([, { kind }]) => kind === 'session')).toBe(true);
  });
});
