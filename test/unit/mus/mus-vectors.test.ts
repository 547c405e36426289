// Every case of the wire vectors that is MUS: values, typed values, frames and sessions.
import { describe, expect, it } from '@jest/globals';
import type { Codec } from '../../../lib/codec/codec.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { cuttings, readChunks, readEveryWay, readFrames, type Reading } from '../wire/cutting.js';
import { frameValue, greeter, streaming } from '../../support/greeter-contract.js';
import { kindOf, typedKind, type Kind } from './mus-kinds.js';
import { deviations, wireVectors, type WireVector } from '../wire/wire-vectors.js';

const maxCommandBytes = 1_048_576;
const isMus = ({ kind, name }: WireVector) =>
  /^(varint|raw|unsafe|ord|pm|struct|typed)\./.test(kind) ||
  kind.startsWith('frame.mus.') ||
  name.startsWith('session/mus-');
const vectors = wireVectors.filter(isMus);

/** What ours calls an error of the reference; `INCOMPLETE` where the bytes simply end. */
const failures: readonly (readonly [RegExp, string])[] = [
  [/EOF$/, 'INCOMPLETE'],
  [/mus: overflow$/, 'VARINT_OVERFLOW'],
  [/negative length$/, 'NEGATIVE_LENGTH'],
  [/makeslice|out of memory/, 'FRAME_TOO_LARGE'],
  [/unexpected DTM|wrong DTM/, 'UNKNOWN_TYPE'],
  [/unexpected .* type$/, 'COMMAND_NOT_IN_CONTRACT'],
  [/wrong format$|too large length$|own \w+ error$|^empty$|too large$/, 'BAD_PAYLOAD'],
];

function expectedFailure({ name, error = '' }: WireVector): string {
  const found = failures.find(([pattern]) => pattern.test(error));
  if (found === undefined) throw new Error(`${name}: no code for "${error}"`);
  return found[1];
}

const toBytes = (hex: string) => Buffer.from(hex, 'hex');

function write(writing: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter();
  writing(writer);
  return writer.take().toString('hex');
}

/**
 * The code, or `INCOMPLETE`, having read no more than the reference. In pieces it may not be tried: not before all is
 * there that a value must have.
 */
function expectFailure(vector: WireVector, decode: (reader: ByteReader) => unknown): void {
  const [whole, ...others] = cuttings(toBytes(vector.hex)).map((chunks) => readChunks(chunks, decode, maxCommandBytes));
  const expected = expectedFailure(vector);
  expect(codeOf(whole!)).toBe(expected);
  for (const other of others) expect([expected, 'INCOMPLETE']).toContain(codeOf(other));
  // The reference does not count a flag it refuses, sometimes.
  const { read = vector.hex.length / 2 } = vector;
  expect('consumed' in whole! ? whole.consumed : 0).toBeLessThanOrEqual(read + 1);
}

function codeOf(reading: Reading<unknown>): unknown {
  if ('incomplete' in reading) return 'INCOMPLETE';
  return 'error' in reading ? (reading.error as { code?: string }).code : reading.value;
}

function checkValue(vector: WireVector, { serializer, read, show }: Kind): void {
  const decode = (reader: ByteReader) => serializer.decode(reader);
  if (vector.dir === 'reject') return expectFailure(vector, decode);
  const reading = readEveryWay(toBytes(vector.hex), decode, maxCommandBytes);
  if (!('value' in reading)) throw new Error('error' in reading ? String(reading.error) : 'incomplete');
  expect(reading.consumed).toBe(vector.hex.length / 2);
  expect(show(reading.value)).toEqual(expectedValue(vector));
  if (vector.dir === 'roundtrip')
    expect(write((writer) => serializer.encode(read(expectedValue(vector)), writer))).toBe(vector.hex);
}

/** Long values are abbreviated. */
function expectedValue({ kind, value }: WireVector): unknown {
  if (kind.endsWith('.repeat')) return (value as Repeated).repeat.repeat((value as Repeated).count);
  if (kind.includes('.time')) return { count: (value as { count: string }).count };
  if (!kind.endsWith('.range')) return value;
  const { from, to } = value as { from: number; to: number };
  return Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
}

interface Repeated {
  readonly count: number;
  readonly repeat: string;
}

interface FrameValue extends Repeated {
  readonly seq: string;
  readonly type: string;
  readonly data?: unknown;
}

type Way = 'Command' | 'Result';

const decode = (codec: Codec, way: Way, reader: ByteReader) => ({
  seq: BigInt(reader.readPositive()),
  value: codec[`decode${way}`](reader),
});
const encode = (codec: Codec, way: Way, writer: ByteWriter, seq: bigint, value: unknown) => {
  writer.writeUvarint(seq);
  codec[`encode${way}`](value, writer);
};

function checkFrame(vector: WireVector): void {
  const codec = vector.kind.includes('.streaming.') ? streaming : greeter;
  const way = vector.kind.includes('.result') ? 'Result' : 'Command';
  if (vector.dir === 'reject') return expectFailure(vector, (reader) => decode(codec, way, reader));
  const { seq = '1', type, data, count, repeat } = vector.value as FrameValue;
  const value = frameValue(type, repeat === undefined ? data : { Str: repeat.repeat(count) });
  const writing = (writer: ByteWriter) => encode(codec, way, writer, BigInt(seq), value);
  if (vector.dir === 'rejectEncode')
    return expect(() => write(writing)).toThrow(expect.objectContaining({ code: expectedFailure(vector) }));
  expect(readEveryWay(toBytes(vector.hex), (reader) => decode(codec, way, reader), maxCommandBytes)).toEqual({
    value: { seq: BigInt(seq), value },
    consumed: vector.hex.length / 2,
  });
  expect(write(writing)).toBe(vector.hex);
}

function checkSession({ name, hex, extra }: WireVector): void {
  const codec = name.includes('streaming') ? streaming : greeter;
  const greeting = '0764656661756c74';
  const { serverToClient = '' } = extra ?? {};
  expect(serverToClient.startsWith(greeting)).toBe(true);
  for (const [way, sent] of [
    ['Command', hex],
    ['Result', serverToClient.slice(greeting.length)],
  ] as const) {
    for (const chunks of cuttings(toBytes(sent))) {
      const frames = readFrames(chunks, (reader) => decode(codec, way, reader));
      expect(frames.length).toBeGreaterThan(0);
      expect(write((writer) => frames.forEach(({ seq, value }) => encode(codec, way, writer, seq, value)))).toBe(sent);
    }
  }
}

function check(vector: WireVector): void {
  if (vector.kind === 'session') return checkSession(vector);
  if (vector.kind.startsWith('frame.mus.')) return checkFrame(vector);
  const { kind } = vector;
  if (!kind.startsWith('typed.')) return checkValue(vector, kindOf(kind.replace(/\.repeat$/, '')));
  const { dtm = '1' } = (vector.value ?? {}) as { dtm?: string };
  checkValue(vector, typedKind(kind, Number(dtm)));
}

/** Deviations that come in any number: the reference has no limit for varints of 8 bits, and loses bits. */
const isQuirk = ({ note = '' }: WireVector) => note.startsWith('Go quirk');

function expectOverflow(vector: WireVector): void {
  const { serializer } = kindOf(vector.kind);
  expectFailure({ ...vector, error: 'mus: overflow' }, (reader) => serializer.decode(reader));
}

describe('the wire vector', () => {
  it.each(vectors.map((vector) => [vector.name, vector] as const))(
    '%s is answered as by the reference, or deviates for a reason',
    (name, vector) => {
      if (isQuirk(vector)) return expectOverflow(vector);
      if (!Object.hasOwn(deviations, name)) return check(vector);
      expect(() => check(vector)).toThrow(/./);
    },
  );
});
