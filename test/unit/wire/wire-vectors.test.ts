// Every case of the wire vectors that bytes and the JSON codec can answer. Reactions need sockets and are tested there.
import { describe, expect, it } from '@jest/globals';
import type { Codec } from '../../../lib/codec/codec.js';
import { jsonCodec } from '../../../lib/codec/json/json-codec.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import type { ByteReader } from '../../../lib/wire/byte-reader.js';
import { readServerInfo, writeServerInfo } from '../../../lib/wire/server-info.js';
import { AddCmd, EchoCmd, FloatCmd, UnknownCmd, vectorContract } from '../../support/vector-contract.js';
import { cuttings, readEveryWay, readFrames, type Reading } from './cutting.js';
import { jsonBodies } from '../codec/json-bodies.js';
import { bareTextCodec, testkitCodec } from './vector-codecs.js';
import { deviations, exactJson, expectedFailure, wireVectors, type WireVector } from './wire-vectors.js';

/** Kinds that are answered elsewhere: by tests with sockets, or by codecs that come later. */
const answeredElsewhere = [
  /^(server|client)\.reaction$/,
  /^varint\.(uint(8|16|32)|byte|int\d*|float\d+|positiveInt(8|16|32))$/,
  /^(raw|unsafe|ord|pm|struct|typed)\./,
  /^frame\.(protobuf|mus)\./,
];
const sessionsAnsweredElsewhere = /^session\/(protobuf|mus)-/;

const maxCommandBytes = 1_048_576;
const options = { fieldCase: 'go', unsafeIntegers: 'bigint' } as const;
const json = jsonCodec(options)(vectorContract);

class AnyBody {
  constructor(readonly value: unknown = null) {}

  toJSON(): unknown {
    return this.value;
  }

  static fromJSON(value: unknown): AnyBody {
    return new AnyBody(value);
  }
}
const bodies = jsonBodies(AnyBody, options);

interface FrameValue {
  readonly seq: string;
  readonly dtm?: number;
  readonly type: string;
  readonly body?: unknown;
  readonly bodyText?: string;
  readonly count?: number;
  readonly repeat?: string;
  readonly data?: string;
}

const toBytes = (hex: string) => Buffer.from(hex, 'hex');
const read = <T>({ hex }: WireVector, reader: (from: ByteReader) => T) =>
  readEveryWay(toBytes(hex), reader, maxCommandBytes);

function write(writing: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter();
  writing(writer);
  return writer.take().toString('hex');
}

function expectFailure(vector: WireVector, reading: Reading<unknown>): void {
  const failure =
    'incomplete' in reading ? 'INCOMPLETE' : 'error' in reading && (reading.error as { code?: string }).code;
  expect(failure).toBe(expectedFailure(vector));
}

/** A value that is bytes and nothing else. */
function checkValue<T>(
  vector: WireVector,
  reading: (from: ByteReader) => T,
  value: T,
  writing: (writer: ByteWriter) => void,
): void {
  if (vector.dir === 'reject') return expectFailure(vector, read(vector, reading));
  expect(read(vector, reading)).toEqual({ value, consumed: vector.hex.length / 2 });
  if (vector.dir === 'roundtrip') expect(write(writing)).toBe(vector.hex);
}

const asBigint = (value: unknown) => BigInt((value ?? 0) as string);

function checkUnsigned(vector: WireVector): void {
  const value = asBigint(vector.value);
  checkValue(
    vector,
    (reader) => BigInt(reader.readUvarint()),
    value,
    (writer) => writer.writeUvarint(value),
  );
}

function checkPositive(vector: WireVector): void {
  const value = asBigint(vector.value);
  checkValue(
    vector,
    (reader) => BigInt(reader.readPositive()),
    value,
    (writer) => writer.writeUvarint(value),
  );
}

function checkServerInfo(vector: WireVector): void {
  const value = vector.value as string | undefined;
  checkValue(
    vector,
    (reader) => readServerInfo(reader).toString('hex'),
    value,
    (writer) => writeServerInfo(writer, toBytes(value ?? '')),
  );
}

function checkPing(vector: WireVector): void {
  checkValue<number | bigint>(
    vector,
    (reader) => reader.readPositive(),
    0,
    (writer) => writer.writeZeros(1),
  );
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

function decoded(codec: Codec, way: Way, vector: WireVector): { seq: bigint; value: unknown } {
  const reading = read(vector, (reader) => decode(codec, way, reader));
  if (!('value' in reading)) throw new Error('error' in reading ? String(reading.error) : 'incomplete');
  expect(reading.consumed).toBe(vector.hex.length / 2);
  return reading.value;
}

/** What a value holds: what its toJSON gives, or its fields. */
function held(value: unknown): unknown {
  const { toJSON } = value as { toJSON?: () => unknown };
  return toJSON ? toJSON.call(value) : { ...(value as object) };
}

function checkJsonFrame(way: Way, vector: WireVector): void {
  if (vector.dir === 'reject')
    return expectFailure(
      vector,
      read(vector, (reader) => decode(json, way, reader)),
    );
  if (vector.dir === 'rejectEncode') return expectEncodeFailure(vector);
  const { seq, type, dtm = 0, body, bodyText = JSON.stringify(body) } = vector.value as FrameValue;
  const frame = decoded(json, way, vector);
  expect(frame.seq).toBe(BigInt(seq));
  expect((frame.value as object).constructor.name).toBe(type.replace(/<.*/, ''));
  expect(held(frame.value)).toEqual(exactJson(bodyText));
  if (vector.dir === 'roundtrip')
    expectSameFrame(
      write((writer) => encode(json, way, writer, frame.seq, frame.value)),
      dtm,
      vector,
    );
}

/** The header is exact; the text is another one only if it says the same. */
function expectSameFrame(ours: string, dtm: number, vector: WireVector): void {
  const [own, theirs] = [ours, vector.hex].map((hex) => {
    const reading = readEveryWay(toBytes(hex), (reader) => {
      const header = [reader.readPositive(), reader.readUvarint()];
      return { header, text: reader.readUtf8(reader.readLength()) };
    });
    if (!('value' in reading)) throw new Error(`no frame: ${hex}`);
    expect(reading.consumed).toBe(hex.length / 2);
    return reading.value;
  });
  expect(own?.header).toEqual(theirs?.header);
  expect(own?.header[1]).toBe(dtm);
  expect(exactJson(own?.text ?? '')).toEqual(exactJson(theirs?.text ?? ''));
}

function checkRepeated(vector: WireVector): void {
  const { seq, count = 0, repeat = '' } = vector.value as FrameValue;
  const frame = decoded(json, 'Command', vector);
  expect(frame).toEqual({ seq: BigInt(seq), value: new EchoCmd(repeat.repeat(count)) });
  expect(write((writer) => encode(json, 'Command', writer, frame.seq, frame.value))).toBe(vector.hex);
}

function expectEncodeFailure(vector: WireVector): void {
  const commands: Record<string, unknown> = { UnknownCmd: new UnknownCmd(), FloatCmd: new FloatCmd(Number.NaN) };
  const command = commands[(vector.value as FrameValue).type];
  expect(() => json.encodeCommand(command, new ByteWriter())).toThrow(
    expect.objectContaining({ code: expectedFailure(vector) }),
  );
}

/** A frame of a codec that a user wrote: the same bytes exactly. */
function checkUserCodec(codec: Codec, way: Way, vector: WireVector): void {
  const { seq, data, body } = vector.value as FrameValue;
  const frame = decoded(codec, way, vector);
  expect(frame.seq).toBe(BigInt(seq));
  expect(frame.value).toMatchObject(data === undefined ? { body } : { text: data });
  expect(write((writer) => encode(codec, way, writer, frame.seq, frame.value))).toBe(vector.hex);
}

function checkJsonBody({ value, hex }: WireVector): void {
  const expected = exactJson(value as string);
  const body = bodies.read(toBytes(hex));
  expect(body.value).toEqual(expected);
  expect(exactJson(bodies.write(body))).toEqual(expected);
}

function checkSession({ hex, extra }: WireVector): void {
  const greeting = '0764656661756c74';
  const { serverToClient = '' } = extra ?? {};
  expect(serverToClient.startsWith(greeting)).toBe(true);
  for (const [way, sent] of [
    ['Command', hex],
    ['Result', serverToClient.slice(greeting.length)],
  ] as const) {
    for (const chunks of cuttings(toBytes(sent))) {
      const frames = readFrames(chunks, (reader) => decode(json, way, reader));
      expect(frames.length).toBeGreaterThan(0);
      expect(write((writer) => frames.forEach(({ seq, value }) => encode(json, way, writer, seq, value)))).toBe(sent);
    }
  }
}

const checks: Readonly<Record<string, (vector: WireVector) => void>> = {
  'varint.uint64': checkUnsigned,
  'varint.uint': checkUnsigned,
  'varint.positiveInt64': checkPositive,
  'varint.positiveInt': checkPositive,
  dtm: checkPositive,
  seq: checkPositive,
  serverInfo: checkServerInfo,
  ping: checkPing,
  pong: checkPing,
  'frame.json.cmd': (vector) => checkJsonFrame('Command', vector),
  'frame.json.result': (vector) => checkJsonFrame('Result', vector),
  'frame.json.cmd.repeat': checkRepeated,
  'frame.custom.echo.cmd': (vector) => checkUserCodec(bareTextCodec, 'Command', vector),
  'frame.custom.echo.result': (vector) => checkUserCodec(bareTextCodec, 'Result', vector),
  'frame.custom.testkit.cmd': (vector) => checkUserCodec(testkitCodec, 'Command', vector),
  'frame.custom.testkit.result': (vector) => checkUserCodec(testkitCodec, 'Result', vector),
  'json.body': checkJsonBody,
  session: checkSession,
};

const isElsewhere = ({ kind, name }: WireVector) =>
  answeredElsewhere.some((pattern) => pattern.test(kind)) || sessionsAnsweredElsewhere.test(name);

describe('the wire vector', () => {
  const here = wireVectors.filter((vector) => !isElsewhere(vector));

  it.each(here.map((vector) => [vector.name, vector] as const))(
    '%s is answered as by the reference, or deviates for a reason',
    (name, vector) => {
      const check = checks[vector.kind];
      if (check === undefined) throw new Error(`nothing answers the kind ${vector.kind}`);
      if (!Object.hasOwn(deviations, name)) return check(vector);
      expect(() => check(vector)).toThrow(/./);
    },
  );
});

/** Deviations that no vector shows. */
const withoutVector: Readonly<Record<string, () => void>> = {
  'json.cmd/unknown-key': () => {
    const command = jsonBodies(AddCmd).read('{"A":2,"C":3}');
    expect(command).toEqual(Object.assign(new AddCmd(2), { C: 3 }));
  },
};

describe('the deviations', () => {
  it.each(Object.keys(withoutVector))('are what happens where no vector shows it: %s', (name) => {
    withoutVector[name]!();
    expect(deviations).toHaveProperty([name]);
  });

  it('are of vectors there are, each with a reason', () => {
    const names = new Set(wireVectors.map(({ name }) => name));
    for (const [name, reason] of Object.entries(deviations)) {
      expect(names.has(name) || Object.hasOwn(withoutVector, name)).toBe(true);
      expect(reason).toMatch(/\w+ \w+ \w+/);
    }
  });
});
