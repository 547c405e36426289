// The bytes of calls that wait or may be sent again: what was given, packed, bounded, and freed when it is not needed.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { CallBytes } from '../../../lib/client/call/call-bytes.js';
import { ClientCall, type CallNeeds, type CallOptions } from '../../../lib/client/call/client-call.js';
import { DataCodec } from '../../../lib/codec/data-codec.js';
import { PatternMessage } from '../../../lib/codec/pattern-message.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { RecordingSink } from '../../support/recording-sink.js';

const KIB = 1024;
const data = { maxDepth: 8, maxTokens: 100, maxKeysPerObject: undefined };
const holder = { remove: () => {}, waitsFor: () => ({ text: '' }) };

function callOf(command: unknown, options?: CallOptions, needs?: CallNeeds): ClientCall {
  return new ClientCall(command, new RecordingSink(), holder, options, needs);
}

/** Commands are texts, or functions that give one. */
function bytesOf(maxQueuedBytes: number, maxCommandBytes = 64 * KIB * KIB): CallBytes {
  return new CallBytes({
    maxQueuedBytes,
    direction: {
      encode: (command, writer) => writer.writeText(typeof command === 'function' ? command() : (command as string)),
      decode: () => undefined,
      send: { bytes: maxCommandBytes, option: 'maxCommandBytes' },
      receive: { bytes: 0, option: 'none' },
      data,
      dataCodec: new DataCodec(data),
    },
  });
}

function textOf({ kept }: ClientCall): string {
  const writer = new ByteWriter();
  writer.writeBytes(kept!.body);
  return writer.take().toString();
}

function failureOf(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

let bytes: CallBytes;
const wait = (command: unknown, options?: CallOptions, needs?: CallNeeds): ClientCall => {
  const call = callOf(command, options, needs);
  bytes.keepUnwritten(call);
  return call;
};

beforeEach(() => {
  bytes = bytesOf(1024 * KIB);
});

describe('what a call says', () => {
  it('is kept as it was given, each call apart', () => {
    const calls = ['', 'a', 'ü', 'x'.repeat(3000), 'y'.repeat(20_000), 'last'].map((text) => wait(text));
    expect(calls.map(textOf)).toEqual(['', 'a', 'ü', 'x'.repeat(3000), 'y'.repeat(20_000), 'last']);
  });

  it('is encoded once', () => {
    let encoded = 0;
    const call = wait(() => String(++encoded));
    bytes.keepUnwritten(call);
    expect([encoded, textOf(call)]).toEqual([1, '1']);
  });

  it('has its metadata apart from its body', () => {
    const call = wait('body', { metadata: { a: 'b' } }, { ambient: { c: 'd' } });
    expect(textOf(call)).toBe('body');
    expect(Buffer.from(call.kept!.map).toString('latin1')).toBe('\x02\x01c\x01d\x01a\x01b');
    expect(wait('body').kept!.mapLength).toBe(0);
  });

  it('is all of a message behind its number and time', () => {
    const call = wait(new PatternMessage('message', 'p', { n: 1 }), { metadata: { a: 'b' } });
    expect(Buffer.from(call.kept!.all).toString('latin1')).toBe('\x01\x01a\x01b\x01p{"n":1}');
  });

  it('is not mixed up when encoding it makes another call that waits', () => {
    const inner: ClientCall[] = [];
    const outer = wait(() => {
      inner.push(wait('inner'));
      return 'outer';
    });
    expect([outer, ...inner].map(textOf)).toEqual(['outer', 'inner']);
  });

  it('is not kept of a call that was cancelled while it was encoded', () => {
    const call = callOf(() => {
      call.cancel();
      return 'text';
    });
    const before = bytes.held;
    bytes.keepUnwritten(call);
    expect(call.kept).toBeUndefined();
    expect(bytes.held).toBe(before);
  });

  it('leaves nothing when it cannot be encoded', () => {
    wait('before');
    const before = bytes.held;
    const broken = (): never => {
      throw new Error('broken');
    };
    expect(failureOf(() => wait(broken))).toMatchObject({ code: 'ENCODE_FAILED' });
    expect(failureOf(() => wait(new PatternMessage('event', 'p', 1n)))).toMatchObject({ code: 'ENCODE_FAILED' });
    expect(bytes.held).toBe(before);
    expect(textOf(wait('after'))).toBe('after');
  });

  it('is refused at once when no frame may be so large: with its number it has one byte more', () => {
    bytes = bytesOf(1024 * KIB, 100);
    expect(textOf(wait('x'.repeat(99), { metadata: { a: 'b'.repeat(50) } }))).toHaveLength(99);
    const error = failureOf(() => wait('x'.repeat(100)));
    expect(error).toMatchObject({
      code: 'FRAME_TOO_LARGE',
      message: 'frame of 101 bytes exceeds maxCommandBytes (100)',
    });
  });
});

describe('the memory of what is kept', () => {
  it('is that of the blocks, and 64 bytes for each', () => {
    wait('a');
    expect(bytes.held).toBe(8 * KIB + 64);
    wait('b');
    expect(bytes.held).toBe(8 * KIB + 128);
    wait('x'.repeat(10_000));
    expect(bytes.held).toBe(8 * KIB + 10_000 + 192);
  });

  it('is let go when the call is over, but for two blocks', () => {
    for (let round = 0; round < 3; round++) {
      const calls = Array.from({ length: 500 }, () => wait('x'.repeat(1000)));
      const large = wait('x'.repeat(100_000));
      expect(bytes.held).toBeGreaterThan(600_000);
      for (const call of [...calls, large]) call.cancel();
      expect(bytes.held).toBe(16 * KIB);
    }
  });

  it('of a large one is let go at once: only a block of the common size is used again', () => {
    wait('small');
    const before = bytes.held;
    for (const length of [9000, 100_000]) {
      const large = wait('x'.repeat(length));
      expect(bytes.held).toBe(before + length + 64);
      large.cancel();
      expect(bytes.held).toBe(before);
    }
  });

  it('is let go with the first Result, once', () => {
    const [first, second] = [wait('first'), wait('second')];
    const before = bytes.held;
    first.next('a', 1, false);
    expect([first.kept, bytes.held]).toEqual([undefined, before - 64]);
    first.next('b', 1, false);
    first.complete();
    expect(bytes.held).toBe(before - 64);
    expect(textOf(second)).toBe('second');
  });

  it('of one that lives long is a block, however many come and go', () => {
    const long = wait('long');
    for (let n = 0; n < 10_000; n++) wait(`short ${n}`).cancel();
    expect(bytes.held).toBeLessThanOrEqual(3 * 8 * KIB + 64);
    expect(textOf(long)).toBe('long');
  });

  it('is at most maxQueuedBytes: what does not fit fails with QUEUE_FULL and the numbers, and may come later', () => {
    bytes = bytesOf(64 * KIB);
    const calls: ClientCall[] = [];
    const error = failureOf(() => {
      for (;;) calls.push(wait('x'.repeat(1000)));
    });
    expect(error).toBeInstanceOf(CmdStreamError);
    expect(error).toMatchObject({
      code: 'QUEUE_FULL',
      sent: false,
      message: expect.stringMatching(/Command of 1000 bytes .* maxQueuedBytes \(65536\) .*: \d+ are held/),
    });
    expect(calls.length).toBeGreaterThan(50);
    expect(bytes.held).toBeLessThanOrEqual(64 * KIB);
    for (const call of calls.slice(0, 10)) call.cancel();
    expect(textOf(wait('y'.repeat(1000)))).toBe('y'.repeat(1000));
  });

  it('is at most maxQueuedBytes where a block has room for more, to the last byte, again and again', () => {
    bytes = bytesOf(64 * KIB);
    const calls = Array.from({ length: (64 * KIB - 4 * KIB) / 64 }, () => wait(''));
    for (let round = 0; round < 3; round++) {
      expect(bytes.held).toBe(64 * KIB);
      expect(failureOf(() => wait(''))).toMatchObject({ code: 'QUEUE_FULL' });
      calls[round]!.cancel();
      wait('');
    }
  });

  it('has room for one Command of nearly all of it, and for none that is larger', () => {
    bytes = bytesOf(1 * KIB);
    expect(failureOf(() => wait('x'.repeat(1 * KIB)))).toMatchObject({ code: 'QUEUE_FULL' });
    expect(textOf(wait('x'.repeat(1 * KIB - 64)))).toHaveLength(1 * KIB - 64);
    expect(failureOf(() => wait(''))).toMatchObject({ code: 'QUEUE_FULL' });
  });
});

describe('what was written', () => {
  function write(text: string): ClientCall {
    const writer = new ByteWriter();
    writer.writeText('map');
    writer.writeText('between');
    const from = writer.length;
    writer.writeText(text);
    const call = callOf(text);
    bytes.keepWritten(call, writer, 0, 3, from);
    return call;
  }

  it('is copied with its map', () => {
    const call = write('body');
    expect(textOf(call)).toBe('body');
    expect(Buffer.from(call.kept!.map).toString()).toBe('map');
  });

  it('is kept in half of the room at most, so that others can wait', () => {
    bytes = bytesOf(64 * KIB);
    const calls = Array.from({ length: 100 }, () => write('x'.repeat(1000)));
    const kept = calls.filter((call) => call.kept !== undefined);
    expect(kept.length).toBeGreaterThan(25);
    expect(bytes.held).toBeLessThanOrEqual(32 * KIB);
    for (let n = 0; n < 20; n++) expect(textOf(wait(`waits ${n}`))).toBe(`waits ${n}`);
    expect(kept.every((call) => textOf(call) === 'x'.repeat(1000))).toBe(true);
  });
});
