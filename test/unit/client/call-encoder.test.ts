// What a call's Command needs in front of it, however late it is written, and what is kept of it for a repetition.
import { describe, expect, it } from '@jest/globals';
import type { CallBytes } from '../../../lib/client/call/call-bytes.js';
import { CallEncoder, type CallEncoderConfig } from '../../../lib/client/call/call-encoder.js';
import type { KeptBytes } from '../../../lib/client/call/call-bytes.js';
import type { ClientCall } from '../../../lib/client/call/client-call.js';
import { DataCodec } from '../../../lib/codec/data-codec.js';
import { PatternMessage } from '../../../lib/codec/pattern-message.js';
import type { Connection } from '../../../lib/connection/connection.js';
import type { FrameWriter } from '../../../lib/connection/frame-writer.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { NO_METADATA } from '../../../lib/wire/control-frame.js';
import { readEvent, readMessage, readMeta } from '../../../lib/wire/control-reader.js';

const STANDARD_MS = 30_000;
const data = { maxDepth: 8, maxTokens: 100, maxKeysPerObject: undefined };

interface Copy {
  readonly call: ClientCall;
  readonly map: string;
  readonly text: string;
}

/** What is read of a message, and the data behind it. */
function withData(read: (reader: ByteReader) => object, reader: ByteReader): object {
  return { ...read(reader), data: reader.readUtf8(reader.remaining) };
}

/** Writes one call, and keeps what has left and what was copied. */
class Stage {
  readonly bytes = new ByteWriter();
  readonly copies: Copy[] = [];
  frame = '';
  hasMeta = false;
  isExtended = true;
  mayRepeat = true;
  defaultTimeoutMs = STANDARD_MS;

  write(given: Partial<ClientCall>, leftMs = STANDARD_MS): ClientCall {
    const { bytes, copies, isExtended } = this;
    const frames: Partial<FrameWriter> = {
      send: (write, { before } = {}) => {
        this.hasMeta = before !== undefined;
        before?.(bytes);
        const from = bytes.length;
        write(bytes);
        this.frame = textOf(bytes, from);
        return bytes.length - from;
      },
    };
    const connection = { writer: frames } as Connection;
    const keepWritten: CallBytes['keepWritten'] = (kept, writer, mapFrom, mapTo, from) =>
      void copies.push({ call: kept as ClientCall, map: textOf(writer, mapFrom, mapTo), text: textOf(writer, from) });
    const config = {
      timeoutMs: this.defaultTimeoutMs,
      direction: {
        encode: (command: unknown, writer: ByteWriter) => writer.writeText(command as string),
        dataCodec: new DataCodec(data),
      },
      callBytes: { keepWritten },
    } as unknown as CallEncoderConfig;
    const standard = { seq: 1, command: 'text', credit: 0, ambient: NO_METADATA, until: 'answered' };
    const call = { ...standard, hasMetadata: Boolean(given.metadata ?? given.ambient), ...given } as ClientCall;
    const encoder = new CallEncoder(connection, config);
    encoder.isExtended = isExtended;
    encoder.write(call, leftMs, call.kept === undefined && this.mayRepeat);
    return call;
  }

  /** Of the one control frame that was written, or is in front of the Command. */
  get payload(): ByteReader {
    const reader = new ByteReader();
    reader.append(this.bytes.take());
    reader.beginFrame(1024, 'a limit');
    reader.readBytes(3);
    reader.delimit(reader.readLength());
    return reader;
  }

  get meta(): ReturnType<typeof readMeta> | undefined {
    return this.hasMeta ? readMeta(this.payload) : undefined;
  }
}

function textOf(writer: ByteWriter, from: number, to = writer.length): string {
  const copy = Buffer.alloc(to - from);
  writer.copyTo(new DataView(copy.buffer, copy.byteOffset, copy.length), 0, from, to);
  return copy.toString('latin1');
}

function metaOf(call: Partial<ClientCall>, leftMs: number, defaultTimeoutMs = STANDARD_MS): Stage['meta'] {
  const stage = Object.assign(new Stage(), { defaultTimeoutMs });
  stage.write(call, leftMs);
  return stage.meta;
}

describe('the time that is left', () => {
  it.each([
    // the default, what is left, what is said
    [30_000, 7, 7],
    [30_000, 29_699, 29_699],
    [30_000, 29_700, undefined],
    [30_000, 30_000, undefined],
    [30_000, 30_300, undefined],
    [30_000, 30_301, 30_301],
    [100, 94, 94],
    [100, 95, undefined],
    [100, 105, undefined],
    [100, 106, 106],
    [30_000, 0, 0],
    [3, 0, 0],
    [0, 3, 3],
    [0, 0, undefined],
  ])('is said unless it is close to the default: of %s, %s are left', (standard, leftMs, said) => {
    const meta = metaOf({ credit: 1 }, leftMs, standard);
    expect(meta).toMatchObject({ remainingMs: said, credit: 1 });
    expect(metaOf({}, leftMs, standard)?.remainingMs).toBe(said);
  });

  it('is none of a call that is only to be written, which says that it wants no answer', () => {
    expect(metaOf({ until: 'written' }, 5)).toMatchObject({ noAnswer: true, remainingMs: undefined });
    expect(metaOf({}, 5)).toMatchObject({ noAnswer: false });
  });
});

describe('a Command', () => {
  it('has nothing in front of it when it needs nothing', () => {
    const stage = new Stage();
    const call = stage.write({});
    expect([stage.hasMeta, stage.frame, call.bytes]).toEqual([false, '\x01text', 5]);
  });

  it('has nothing in front of it towards a plain server', () => {
    const stage = Object.assign(new Stage(), { isExtended: false });
    const call = stage.write({ ambient: { a: 'b' }, credit: 3, until: 'written' }, 5);
    expect([stage.hasMeta, stage.frame, call.bytes]).toEqual([false, '\x01text', 5]);
    expect(stage.copies).toEqual([{ call, map: '', text: 'text' }]);
  });

  it.each<[string, Partial<ClientCall>, object]>([
    ['credit', { credit: 32 }, { credit: 32, metadata: {} }],
    ['metadata of its caller', { metadata: { a: 'b' } }, { credit: 0, metadata: { a: 'b' } }],
    ['metadata of a hook', { ambient: { a: 'b' } }, { credit: 0, metadata: { a: 'b' } }],
    [
      'both, of which that of its caller counts',
      { ambient: { a: 'x' }, metadata: { a: 'b' } },
      { metadata: { a: 'b' } },
    ],
    ['nothing but that no answer is wanted', { until: 'written', credit: 2 }, { noAnswer: true, credit: 2 }],
  ])('has in front of it what it needs: %s', (_what, given, expected) => {
    const stage = new Stage();
    stage.write(given);
    expect(stage.frame).toBe('\x01text');
    expect(stage.meta).toMatchObject({ seq: 1, remainingMs: undefined, ...expected });
  });

  it.each<[string, Partial<ClientCall>, string]>([
    ['without metadata', { credit: 1 }, ''],
    ['with metadata', { metadata: { a: 'b' } }, '\x01\x01a\x01b'],
    ['that needs nothing', {}, ''],
  ])('that may be repeated is copied on its way: one %s', (_what, given, map) => {
    const stage = new Stage();
    const call = stage.write(given);
    expect(stage.copies).toEqual([{ call, map, text: 'text' }]);
  });

  it('that may not be repeated is not copied', () => {
    const stage = Object.assign(new Stage(), { mayRepeat: false });
    stage.write({ metadata: { a: 'b' } });
    expect([stage.frame, stage.copies]).toEqual(['\x01text', []]);
  });

  it.each([
    ['with its metadata', '\x01\x01a\x01b', { a: 'b' }],
    ['without metadata', '', {}],
  ])('that was kept is written as it was kept, %s, and not copied again', (_what, map, metadata) => {
    const bytes = { map: Buffer.from(map, 'latin1'), mapLength: map.length, body: Buffer.from('kept') };
    const stage = new Stage();
    stage.write({ kept: bytes as unknown as KeptBytes, ambient: map ? { other: 'x' } : NO_METADATA, credit: 1 });
    expect([stage.frame, stage.copies]).toEqual(['\x01kept', []]);
    expect(stage.meta).toMatchObject({ metadata, credit: 1 });
  });
});

describe('a message by pattern', () => {
  const message = new PatternMessage('message', 'sum', { n: 1 });
  const event = new PatternMessage('event', 'sum', { n: 1 }, true);

  it('has all it needs in it, and is copied on its way', () => {
    const stage = new Stage();
    const call = stage.write({ command: message, credit: 3, ambient: { a: 'b' } }, 7);
    expect(stage.copies).toEqual([{ call, map: '', text: '\x01\x01a\x01b\x03sum{"n":1}' }]);
    expect(call.bytes).toBe(stage.bytes.length);
    expect(withData(readMessage, stage.payload)).toMatchObject({
      seq: 1,
      remainingMs: 7,
      credit: 3,
      metadata: { a: 'b' },
      route: 'sum',
      data: '{"n":1}',
      packet: false,
    });
  });

  it('that is an event has no number, and is not copied', () => {
    const stage = new Stage();
    stage.write({ command: event, ambient: { a: 'b' } }, 7);
    expect(stage.copies).toEqual([]);
    expect(withData(readEvent, stage.payload)).toMatchObject({
      metadata: { a: 'b' },
      route: 'sum',
      data: '{"n":1}',
      packet: true,
    });
  });

  it.each([message, event])('that was kept is written as it was kept, and not copied again: $kind', (command) => {
    const kept = { all: Buffer.from('\x01\x01c\x01d\x01p7', 'latin1') } as unknown as KeptBytes;
    const stage = new Stage();
    stage.write({ command, kept, ambient: { a: 'b' } }, 7);
    expect(stage.copies).toEqual([]);
    const read = command === event ? readEvent : readMessage;
    expect(withData(read, stage.payload)).toMatchObject({ metadata: { c: 'd' }, route: 'p', data: '7' });
  });
});

describe('what a plain server cannot take', () => {
  const check = (command: unknown, metadata?: Record<string, string>): void =>
    new CallEncoder({} as Connection, {} as CallEncoderConfig).checkPlain({ command, metadata } as ClientCall);
  const event = new PatternMessage('event', 'sum', []);

  it('is a message by pattern, and metadata', () => {
    const unavailable = (text: string): unknown =>
      expect.objectContaining({
        code: 'EXTENSION_UNAVAILABLE',
        message: expect.stringMatching(`cannot take .*${text}$`),
      });
    expect(() => check(event)).toThrow(unavailable('sum') as Error);
    expect(() => check({}, {})).toThrow(unavailable('metadata') as Error);
    expect(() => check({})).not.toThrow();
  });
});
