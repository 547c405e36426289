// The bytes of every control frame, held against vectors that were written down apart from the code.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import * as frameWriters from '../../../lib/wire/control-frame.js';
import * as frameReaders from '../../../lib/wire/control-reader.js';
import { control, map, text } from '../../support/extension-frames.js';
import { uvarint } from '../../support/calc-frames.js';
import { readEveryWay } from './cutting.js';

const frames = { ...frameWriters, ...frameReaders };

type Kind = keyof typeof frames.Control;

interface Vector {
  readonly name: string;
  readonly kind: Kind;
  readonly hex: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const file = new URL('../../fixtures/extension-vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[];

/** The fields of a vector as one kind of frame has them. */
const as = <T>(fields: Vector['fields']): T => fields as unknown as T;
interface Numbered {
  readonly seq: number;
}

/** Data is the rest of its frame. */
function withData(read: (reader: ByteReader) => object): (reader: ByteReader) => unknown {
  return (reader) => ({ ...read(reader), data: reader.readUtf8(reader.remaining) });
}

const readSeqOnly = (reader: ByteReader): unknown => ({ seq: reader.readPositive() });
const readers: Record<Kind, (reader: ByteReader) => unknown> = {
  HELLO: frames.readHello,
  META: frames.readMeta,
  MESSAGE: withData(frames.readMessage),
  EVENT: withData(frames.readEvent),
  STREAM: readSeqOnly,
  VALUE: withData(frames.readValue),
  END: readSeqOnly,
  ERROR: frames.readError,
  CANCEL: frames.readCancel,
  CREDIT: frames.readCredit,
  GOAWAY: (reader) => ({ reason: frames.readGoaway(reader) }),
  DONE: () => ({}),
};

const writers: Record<Kind, (writer: ByteWriter, fields: Vector['fields']) => void> = {
  HELLO: (writer, fields) => frames.writeHello(writer, as(fields)),
  META: (writer, fields) => frames.writeMeta(writer, as<Numbered>(fields).seq, as(fields)),
  MESSAGE: (writer, fields) => frames.writeMessage(writer, as<Numbered>(fields).seq, as(fields)),
  EVENT: (writer, fields) => frames.writeEvent(writer, as(fields)),
  STREAM: (writer, fields) => frames.writeSeqControl(writer, frames.Control.STREAM, as<Numbered>(fields).seq),
  VALUE: (writer, fields) => {
    const { seq, data, last, packet } = as<Numbered & { data: string; last: boolean; packet: boolean }>(fields);
    frames.writeValue(writer, seq, data, last, packet);
  },
  END: (writer, fields) => frames.writeSeqControl(writer, frames.Control.END, as<Numbered>(fields).seq),
  ERROR: (writer, fields) => {
    const { seq, code, data } = as<Numbered & { code: string; data: string }>(fields);
    frames.writeError(writer, seq, code, data);
  },
  CANCEL: (writer, fields) => {
    const { seq, code } = as<Numbered & { code: string }>(fields);
    frames.writeCancel(writer, seq, code);
  },
  CREDIT: (writer, fields) => {
    const { seq, credit } = as<Numbered & { credit: number }>(fields);
    frames.writeCredit(writer, seq, credit);
  },
  GOAWAY: (writer, fields) => frames.writeGoaway(writer, as<{ reason: string }>(fields).reason),
  DONE: (writer) => frames.writeControl(writer, frames.Control.DONE),
};

/** Reads what every control frame begins with, then its payload, as a connection does. */
function readControl(reader: ByteReader, kind: Kind): unknown {
  expect([reader.readByte(), reader.readByte()]).toEqual([0x80, 0]);
  expect(reader.readUvarint()).toBe(frames.Control[kind]);
  reader.delimit(reader.readLength());
  const fields = readers[kind](reader);
  reader.skipFrame();
  return fields;
}

const readHex = (kind: Kind, hex: string): unknown =>
  readEveryWay(Buffer.from(hex, 'hex'), (reader) => readControl(reader, kind));

describe('a control frame', () => {
  it('has a vector for each kind', () => {
    expect(new Set(vectors.map(({ kind }) => kind))).toEqual(new Set(Object.keys(frames.Control)));
  });

  it.each(vectors)('is written: $kind, $name', ({ kind, hex, fields }) => {
    const writer = new ByteWriter();
    writers[kind](writer, fields);
    expect(writer.take().toString('hex')).toBe(hex);
  });

  it.each(vectors)('is read however it is cut: $kind, $name', ({ kind, hex, fields }) => {
    expect(readHex(kind, hex)).toMatchObject({ value: fields, consumed: hex.length / 2 });
  });

  // Not those whose data goes on to the end.
  it.each(vectors.filter(({ kind }) => !['MESSAGE', 'EVENT', 'VALUE', 'ERROR'].includes(kind)))(
    'may end with fields of a later version: $kind, $name',
    ({ kind, hex, fields }) => {
      const longer = control(frames.Control[kind], `${hex.slice(8)}ff`);
      expect(readHex(kind, longer)).toMatchObject({ value: fields, consumed: longer.length / 2 });
    },
  );

  it('holds a payload whose length takes two bytes', () => {
    const writer = new ByteWriter();
    const data = JSON.stringify('x'.repeat(300));
    frames.writeValue(writer, 1, data, true, false);
    const hex = writer.take().toString('hex');
    expect(hex).toBe(control(6, `0101${Buffer.from(data).toString('hex')}`));
    expect(readHex('VALUE', hex)).toMatchObject({ value: { seq: 1, data } });
  });

  it('may have a largest frame of 64 bytes, and nothing else', () => {
    expect(readHex('HELLO', control(1, `0100400000${text('json')}0000`))).toMatchObject({
      value: { maxFrameBytes: 64, commands: [], results: [] },
    });
  });

  it('says what its flags say, each by itself', () => {
    const meta = (flags: string) => readHex('META', control(2, `01${flags}000000`)) as { value: unknown };
    const none = { remainingMs: undefined, packet: false, noAnswer: false, metadata: frames.NO_METADATA };
    expect(meta('00').value).toMatchObject(none);
    expect(meta('01').value).toMatchObject({ ...none, remainingMs: 0 });
    expect(meta('02').value).toMatchObject({ ...none, packet: true });
    expect(meta('04').value).toMatchObject({ ...none, noAnswer: true });
  });

  it('has at most 1,024 entries of metadata, and texts of 64 KiB in it', () => {
    const most = Object.fromEntries(Array.from({ length: 1_024 }, (_, at) => [`k${at}`, '']));
    for (const metadata of [most, { k: 'x'.repeat(65_536) }, { ['x'.repeat(65_536)]: 'v' }]) {
      const writer = new ByteWriter();
      frames.writeMeta(writer, 1, { remainingMs: undefined, credit: 0, metadata });
      const reader = new ByteReader();
      reader.append(writer.take());
      reader.beginFrame(1_000_000, 'maxBytes');
      expect(readControl(reader, 'META')).toEqual(expect.objectContaining({ metadata }));
    }
  });

  it('takes what was encoded before, and says how many bytes that is', () => {
    const meta = { remainingMs: undefined, credit: 0, metadata: { a: 'b' } };
    const message = { ...meta, route: 'r', data: 'data', packet: false };
    const saidBefore = Buffer.from(`${map({ c: 'dd' })}${text('other')}31`, 'hex');
    const written = (write: (writer: ByteWriter) => unknown) => {
      const writer = new ByteWriter();
      writer.writeByte(0xee);
      const length = write(writer);
      return [length, writer.take().toString('hex')];
    };
    const mapBefore = Buffer.from(map({ c: 'dd' }), 'hex');
    expect(written((writer) => frames.writeMeta(writer, 1, meta))).toEqual([
      map({ a: 'b' }).length / 2,
      `ee${control(2, `01000000${map({ a: 'b' })}`)}`,
    ]);
    expect(written((writer) => frames.writeMeta(writer, 1, meta, mapBefore))).toEqual([
      mapBefore.length,
      `ee${control(2, `01000000${map({ c: 'dd' })}`)}`,
    ]);
    const said = `${map({ a: 'b' })}${text('r')}64617461`;
    expect(written((writer) => frames.writeMessage(writer, 1, message))).toEqual([
      said.length / 2,
      `ee${control(3, `01000000${said}`)}`,
    ]);
    expect(written((writer) => frames.writeMessage(writer, 1, message, saidBefore))).toEqual([
      saidBefore.length,
      `ee${control(3, `01000000${saidBefore.toString('hex')}`)}`,
    ]);
    expect(written((writer) => frames.writeEvent(writer, message, saidBefore))).toEqual([
      undefined,
      `ee${control(4, `00${saidBefore.toString('hex')}`)}`,
    ]);
  });

  it('is counted by a window of credit that never changes: both sides must have the same', () => {
    expect([frames.CREDIT_WINDOW_BYTES, frames.MIN_FRAME_BYTES, frames.MAX_METADATA]).toEqual([1_048_576, 64, 1_024]);
    expect(frames.MAX_TEXT_BYTES).toBe(65_536);
  });

  it('keeps the key __proto__ of metadata as a key', () => {
    const read = readHex('META', control(2, `01000000${map({ ['__proto__']: 'x' })}`)) as {
      value: { metadata: object };
    };
    expect(Object.entries(read.value.metadata)).toEqual([['__proto__', 'x']]);
    expect('toString' in read.value.metadata).toBe(false);
  });
});

describe('a control frame that is wrong', () => {
  const big = uvarint(2n ** 53n);
  it.each<[string, Kind, string, string]>([
    ['credit of 2^53', 'CREDIT', `01${big}`, 'PROTOCOL_ERROR'],
    ['credit that is missing', 'CREDIT', '01', 'BAD_PAYLOAD'],
    ['no seq', 'CANCEL', '', 'BAD_PAYLOAD'],
    ['a text beyond its end', 'CANCEL', '010541', 'PROTOCOL_ERROR'],
    ['a text of 2^53 bytes', 'ERROR', `01${big}`, 'PROTOCOL_ERROR'],
    ['a code of more than 64 KiB', 'ERROR', `01${text('x'.repeat(65_537))}`, 'PROTOCOL_ERROR'],
    ['1,025 entries of metadata', 'META', `01000000${uvarint(1025)}`, 'PROTOCOL_ERROR'],
    ['entries of metadata that are missing', 'META', '0100000002', 'BAD_PAYLOAD'],
    ['a value of metadata above 64 KiB', 'META', `0100000001${text('k')}${text('x'.repeat(65_537))}`, 'PROTOCOL_ERROR'],
    ['a time of 2^53', 'META', `0101${big}`, 'PROTOCOL_ERROR'],
    ['hashes that are missing', 'HELLO', `0100400000${text('json')}02aabbccdd`, 'PROTOCOL_ERROR'],
    ['a largest frame of 63 bytes', 'HELLO', `01003f0000${text('json')}0000`, 'PROTOCOL_ERROR'],
    ['2^53 hashes', 'HELLO', `0100400000${text('json')}${big}`, 'PROTOCOL_ERROR'],
    ['a number of eleven bytes', 'CREDIT', `01${'ff'.repeat(11)}`, 'VARINT_OVERFLOW'],
    ['a route beyond its end', 'MESSAGE', '010000000005', 'PROTOCOL_ERROR'],
  ])('is refused: %s', (_what, kind, payload, code) => {
    expect(readHex(kind, control(frames.Control[kind], payload))).toMatchObject({ error: { code } });
  });

  it('is not written: metadata that no server would read', () => {
    const write = (metadata: Record<string, string>) => (): number =>
      frames.writeMeta(new ByteWriter(), 1, { remainingMs: undefined, credit: 0, metadata });
    const many = Object.fromEntries(Array.from({ length: 1025 }, (_, at) => [`k${at}`, '']));
    expect(write(many)).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
    expect(write({ k: 'x'.repeat(65_537) })).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
    expect(write({ ['y'.repeat(65_537)]: '' })).toThrow(
      expect.objectContaining({ code: 'ENCODE_FAILED', message: `metadata "${'y'.repeat(64)}" exceeds 65536 bytes` }),
    );
    expect(write({ k: 7 as unknown as string })).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
  });
});
