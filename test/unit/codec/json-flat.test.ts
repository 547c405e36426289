// Bodies that are written and read without a text of JSON in between are what they are with one: beside a codec that
// has seen no body yet, and so goes the long way, stands one that has seen a body of the same shape.
import { describe, expect, it } from '@jest/globals';
import { FlatReader, FlatWriter } from '../../../lib/codec/json/json-flat.js';
import { jsonCodecDefaults, type JsonCodecOptions } from '../../../lib/codec/json/json-codec-options.js';
import type { StructureLimits } from '../../../lib/codec/json/json-structure.js';
import { Command } from '../../../lib/contract/command.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { jsonBodies } from './json-bodies.js';

class Row extends Command {
  a: unknown = undefined;
  b: unknown = undefined;

  static of(a: unknown, b: unknown): Row {
    return Object.assign(new Row(), { a, b });
  }
}

/** What came of it, errors included. */
function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    const { name, message, code } = error as Error & { readonly code?: unknown };
    return { name, message, code };
  }
}

const SHAPE = '{"a":1,"b":"x"}';

function taughtReader(options?: JsonCodecOptions): (body: string | Uint8Array) => unknown {
  const { read } = jsonBodies(Row, options);
  // The first shows what is allowed, the second its shape, the third is read by it.
  for (let time = 0; time < 3; time++) read(SHAPE);
  return read;
}

function taughtWriter(options?: JsonCodecOptions): (value: unknown) => string {
  const { write } = jsonBodies(Row, options);
  for (let time = 0; time < 2; time++) write(Row.of(1, 'x'));
  return write;
}

function flatReader(
  shape: object,
  limits: StructureLimits = jsonCodecDefaults,
  type: new () => object = Row,
): FlatReader {
  const reader = new FlatReader(type as never, limits, 48_000);
  reader.learn(shape);
  return reader;
}

function readerOf(body: string): ByteReader {
  const reader = new ByteReader();
  // What stands behind it belongs to the next frame.
  reader.append(Buffer.concat([Buffer.from(body), Buffer.from('}"1')]));
  reader.beginFrame(1_000_000, 'maxCommandBytes');
  reader.delimit(Buffer.byteLength(body));
  return reader;
}

function flatWriter(shape: object, limits: StructureLimits = jsonCodecDefaults): FlatWriter {
  const writer = new FlatWriter(limits);
  writer.learn(shape, true);
  return writer;
}

/** The body, which is the same behind its length. */
function written(flat: FlatWriter, value: object): string | undefined {
  const [body, sized, framed] = [new ByteWriter(), new ByteWriter(), new ByteWriter()];
  for (const writer of [body, sized, framed]) writer.writeText('before ');
  const isWritten = flat.write(value, body);
  expect(flat.writeSized(value, sized)).toBe(isWritten);
  const text = body.take().toString('latin1').slice('before '.length);
  if (isWritten) framed.writeUtf8(text);
  expect(sized.take()).toEqual(framed.take());
  return isWritten ? text : undefined;
}

const plain: readonly unknown[] = [
  '',
  'x',
  '~ !#[]^_`{|}',
  'x'.repeat(48),
  'x'.repeat(49),
  'x'.repeat(200),
  'x'.repeat(500),
  0,
  7,
  -1,
  42,
  99,
  100,
  -2_147_483_648,
  2_147_483_647,
  2_147_483_648,
  999_999_999,
  1_000_000_000,
  1_000_000_001,
  -1_000_000_000,
  1_234_567_890_123,
  999_999_999_999_999,
  -999_999_999_999_999,
  0.5,
  -0.25,
  1.1,
  12.3456789012345,
  12_345.678,
  true,
  false,
  null,
];

const others: readonly unknown[] = [
  'a"b',
  'a\\b',
  'a\nb',
  '\u0000',
  '\u001f',
  '\u007f',
  'ä',
  '€',
  '😀',
  '\ud800',
  `${'x'.repeat(60)}"`,
  `${'x'.repeat(60)}ä`,
  -0,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  2 ** 53,
  1e21,
  1e-7,
  1.7976931348623157e308,
  5e-324,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  10n,
  2n ** 70n,
  undefined,
  Symbol('s'),
  () => 1,
  {},
  { inner: 1 },
  [],
  [1, 'x'],
  new Date(0),
  new Date(Number.NaN),
  new Map([[1, 2]]),
  Object('boxed'),
  { toJSON: () => 'given' },
];

describe('a value', () => {
  it.each([...plain, ...others].map((item) => ({ item })))('is written as it always is: $item', ({ item }) => {
    for (const value of [Row.of(item, 'x'), Row.of(1, item), Row.of(item, item)])
      expect(outcome(() => taughtWriter()(value))).toEqual(outcome(() => jsonBodies(Row).write(value)));
  });

  it.each(plain.map((item) => ({ item })))('needs no text: $item', ({ item }) => {
    const value = Row.of(item, item);
    expect(written(flatWriter(Row.of(1, 2)), value)).toBe(JSON.stringify(value));
  });

  it('has its fields in their own order, and without those that are undefined', () => {
    const flat = flatWriter(Row.of(1, 2));
    expect(written(flat, Row.of(undefined, 2))).toBe('{"b":2}');
    expect(written(flat, Row.of(1, undefined))).toBe('{"a":1}');
    for (const value of [Row.of(undefined, undefined), { b: 2, a: 1 }, { b: 2 }, { a: 1, b: 2, c: 3 }, {}])
      expect(written(flat, value)).toBeUndefined();
  });

  it('has fields of its own only', () => {
    const parent = { b: 3 };
    const child = (fields: object): object => Object.assign(Object.create(parent) as object, fields);
    const flat = flatWriter(child({ a: 1, b: 2 }));
    expect(written(flat, child({ a: 1, b: 2 }))).toBe('{"a":1,"b":2}');
    expect(written(flat, child({ a: 1 }))).toBe('{"a":1}');
  });

  it('of another class is not known', () => {
    const flat = flatWriter({ a: 1, b: 2 });
    expect(written(flat, { a: 3, b: 4 })).toBe('{"a":3,"b":4}');
    expect(written(flat, Row.of(3, 4))).toBeUndefined();
    expect(written(flat, Object.assign([], { a: 3, b: 4 }))).toBeUndefined();
  });

  it('is left to the exact way when its toJSON cannot be asked', () => {
    const broken = Object.defineProperty(Row.of(1, 'x'), 'toJSON', {
      get: () => {
        throw new Error('broken');
      },
    });
    expect(written(flatWriter(Row.of(1, 'x')), broken)).toBeUndefined();
  });

  it('is asked for its toJSON, also one that it did not have before', () => {
    const asked = Object.assign(Row.of(1, 'x'), { toJSON: () => ({ given: true }) });
    expect(taughtWriter()(asked)).toBe('{"given":true}');
    expect(written(flatWriter(asked), Row.of(1, 2))).toBeUndefined();
    expect(written(flatWriter(Row.of(1, 2)), asked)).toBeUndefined();
  });

  it('leaves nothing behind when a getter of it throws, and says so', () => {
    const failing = Object.defineProperty(Row.of(1, 'x'), 'b', {
      enumerable: true,
      get() {
        throw new Error('no b');
      },
    });
    expect(written(flatWriter(Row.of(1, 2)), failing)).toBeUndefined();
    expect(() => taughtWriter()(failing)).toThrow('Row.b cannot be written as JSON: no b');
  });

  it('has as many tokens as it may, and no more', () => {
    for (const maxTokens of [4, 5, 14, 15]) {
      const value = Row.of(1, 'x');
      const limited = { maxTokens };
      const always = outcome(() => jsonBodies(Row, limited).write(value));
      expect(outcome(() => taughtWriter(limited)(value))).toEqual(always);
    }
    expect(written(flatWriter(Row.of(1, 2), { ...jsonCodecDefaults, maxTokens: 8 }), Row.of(1, 2))).toBeUndefined();
  });

  it('of which something was doubted teaches nothing', () => {
    const flat = new FlatWriter(jsonCodecDefaults);
    expect(written(flat, Row.of(1, 2))).toBeUndefined();
    flat.learn(Row.of(1, 2), false);
    expect(written(flat, Row.of(1, 2))).toBeUndefined();
    flat.learn(Row.of({}, 2), true);
    expect(written(flat, Row.of(1, 2))).toBeUndefined();
    flat.learn(Row.of(3, 4), true);
    expect(written(flat, Row.of(1, 2))).toBe('{"a":1,"b":2}');
  });
});

const numbers = ['0', '-0', '00', '01', '-01', '-', '+1', '1.', '.5', '-.5', '1.50', '0.1', '00.1', '1.2.3', '1e3'];
const longNumbers = ['1E400', '123456789012345', '1234567890123456', '-9007199254740993', '1.23456789012345', '--1'];
const words = ['true', 'tru', 'truex', 'True', 'false', 'null', 'nul', 'undefined', 'NaN', ''];
const texts = ['"', '"x', '"x"', '"\\n"', '"\\u0041"', '"\\ud800"', '"a\nb"', '"\u007f"', '"ä"', '"x" '];
const inner = ['{}', '[]', '{"c":1}', '[1,"x"]'];
const bodies: readonly string[] = [
  ...[...numbers, ...longNumbers, ...words, ...texts, ...inner].flatMap((text) => [
    `{"a":${text},"b":"x"}`,
    `{"a":1,"b":${text}}`,
  ]),
  '',
  '{',
  '{}',
  '{"a"',
  '{"a":1',
  '{"a":1,',
  '{"a":1,"b":2',
  '{"a":1,"b":2}}',
  '{"a":1,"b":2} ',
  ' {"a":1,"b":2}',
  '{"a": 1,"b":2}',
  '{"b":2,"a":1}',
  '{"a":1}',
  '{"b":1}',
  '{"a":1,"b":2,"c":3}',
  '{"a":1,"a":2}',
  '{"a":1,"b":2,"a":3}',
  '{"\\u0061":1,"b":2}',
  '{"a":1,"__proto__":2}',
  '{"a":1,"toString":2}',
  '{"a":1,"exec":"x"}',
  'null',
  '[]',
  '"x"',
];

describe('a body', () => {
  it.each(bodies)('is read as it always is: %s', (body) => {
    expect(outcome(() => taughtReader()(body))).toEqual(outcome(() => jsonBodies(Row).read(body)));
  });

  it.each(plain.map((item) => ({ item })))('needs no text: $item', ({ item }) => {
    const made = flatReader({ a: 1, b: 2 }).read(readerOf(JSON.stringify({ a: item, b: item })));
    expect(made).toBeInstanceOf(Row);
    expect(made).toEqual(Row.of(item, item));
  });

  it('is read to its end, and not beyond', () => {
    const reader = readerOf('{"a":1,"b":"x"}');
    expect(flatReader({ a: 1, b: 2 }).read(reader)).toEqual(Row.of(1, 'x'));
    expect(reader.remaining).toBe(0);
    for (const cut of ['{"a":1,"b":"x"', '{"a":1,"b":"x', '{"a":1,"b":', '{"a":1,"', '{"a":1', '{"a":', '{']) {
      const untouched = readerOf(cut);
      expect(flatReader({ a: 1, b: 2 }).read(untouched)).toBeUndefined();
      expect(untouched.remaining).toBe(cut.length);
    }
  });

  it('of bytes that are no text is read as it always is', () => {
    for (const byte of [0x80, 0xc3, 0xff]) {
      const body = Buffer.concat([Buffer.from('{"a":1,"b":"'), Buffer.from([byte]), Buffer.from('"}')]);
      expect(taughtReader()(body)).toEqual(jsonBodies(Row).read(body));
    }
  });

  it('is not tried where it is longer than it may be complex', () => {
    const body = readerOf('{"a":1,"b":2}');
    expect(flatReader({ a: 1, b: 2 }).mayTry(body)).toBe(true);
    expect(flatReader({ a: 1, b: 2 }, { ...jsonCodecDefaults, maxTokens: 12 }).mayTry(body)).toBe(false);
    for (const maxComplexity of [12, 28]) {
      const reader = new FlatReader(Row as never, jsonCodecDefaults, maxComplexity);
      expect(reader.mayTry(body)).toBe(false);
    }
    for (const options of [{ maxTokens: 4 }, { maxComplexity: 1 }, { maxKeysPerObject: 1 }])
      expect(outcome(() => taughtReader({ ...options })(SHAPE))).toEqual(
        outcome(() => jsonBodies(Row, options).read(SHAPE)),
      );
  });

  it('that its class does not take is read otherwise', () => {
    class Frozen {
      a = 0;

      constructor() {
        Object.freeze(this);
      }
    }
    expect(flatReader({ a: 1 }, jsonCodecDefaults, Frozen).read(readerOf('{"a":1}'))).toBeUndefined();
  });

  it('makes an instance of its own each time', () => {
    const read = taughtReader();
    const [first, second] = [read('{"a":1,"b":"x"}'), read('{"a":2,"b":"y"}')];
    expect(first).toEqual(Row.of(1, 'x'));
    expect(second).toEqual(Row.of(2, 'y'));
  });

  it('goes by the letter case that its options say', () => {
    const read = taughtReader({ fieldCase: 'go' });
    for (let time = 0; time < 3; time++) expect(read('{"A":1,"B":"x"}')).toEqual(Row.of(1, 'x'));
  });
});

describe('bodies that are never flat', () => {
  it('are not tried for longer and longer', () => {
    const flat = new FlatWriter(jsonCodecDefaults);
    const pauses: number[] = [];
    for (let left = 0; pauses.length < 4; left++) {
      if (!flat.mayTry) continue;
      if (left > 0) pauses.push(left);
      left = -1;
      flat.learn({ a: {} }, true);
    }
    expect(pauses).toEqual([256, 512, 1024, 2048]);
  });

  it('do not keep others from being tried again', () => {
    const flat = new FlatWriter(jsonCodecDefaults);
    for (let body = 0; body < 10; body++) if (flat.mayTry) flat.learn({ a: {} }, true);
    expect(flat.mayTry).toBe(false);
    let tries = 0;
    for (let body = 0; body < 1000; body++) {
      if (!flat.mayTry) continue;
      tries++;
      if (written(flat, { a: body }) === undefined) flat.learn({ a: body }, true);
    }
    expect(tries).toBe(1000 - 249);
  });
});
