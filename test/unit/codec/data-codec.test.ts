// The bytes of data by pattern: those of JSON.stringify, and what JSON.parse makes of them, whatever came before.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { DataCodec } from '../../../lib/codec/data-codec.js';
import { jsonCodecDefaults } from '../../../lib/codec/json/json-codec-options.js';
import { dataOf, dataText } from '../../../lib/codec/pattern-message.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { anyCharacter } from '../../support/any-text.js';

const limits = jsonCodecDefaults;

function textOf(json: string | ByteWriter): string {
  const writer = new ByteWriter();
  writer.writeText('>');
  writer.writeJson(json);
  return writer.take().toString().slice(1);
}

function read(codec: DataCodec, route: string, text: string): unknown {
  const reader = new ByteReader();
  // What stands behind it is the next frame's.
  reader.append(Buffer.from(`${text}}`));
  reader.beginFrame(10_000_000, 'a limit');
  reader.delimit(Buffer.byteLength(text));
  const data = codec.read(route, reader);
  expect(reader.remaining).toBe(0);
  return data;
}

function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return { message: (error as Error).message, code: (error as { readonly code?: unknown }).code };
  }
}

class Dto {
  constructor(
    readonly a: unknown,
    readonly b: unknown,
  ) {}
}

/** Data that looks like the one before it. */
const alike: readonly unknown[] = [
  { a: 1, b: 'x' },
  { a: 2, b: null },
  { a: 'x'.repeat(300), b: 'ä' },
  { b: 1, a: 2 },
  { a: 1 },
  { a: 1, b: Number.NaN },
  { a: -0, b: 1e300 },
  { a: new Date(0), b: undefined },
  { a: { c: 1 }, b: [1] },
  { a: 1n, b: 1 },
  new Dto(1, 'x'),
  new Dto(2, 'y'),
  Object.assign([], { a: 1, b: 2 }),
  Object.assign(Object('text') as object, { a: 1, b: 2 }),
  Object.assign(new Map([[1, 2]]), { a: 1, b: 2 }),
  Object.assign(Object.create(null) as object, { a: 1, b: 2 }),
  Object.assign({ a: 1, b: 2 }, { toJSON: () => 'given' }),
  { 0: 'a', 1: 'b' },
  'ab',
  Object('ab'),
  Object(7),
  ['a', 'b'],
  [],
  {},
  7,
  'text',
  true,
  null,
  undefined,
];

describe('data by pattern', () => {
  it('is written as JSON.stringify writes it, whatever came before', () => {
    for (const first of alike) {
      for (const data of alike) {
        const codec = new DataCodec(limits);
        for (const before of [first, first]) outcome(() => codec.write('sum', before));
        const always = outcome(() => dataText(data, limits));
        expect(outcome(() => textOf(codec.write('sum', data)))).toEqual(always);
        expect(outcome(() => textOf(codec.write('sum', data)))).toEqual(always);
      }
    }
  });

  it('is read as JSON.parse reads it, whatever came before', () => {
    const written = alike.flatMap((data) =>
      [outcome(() => dataText(data, limits))].filter((text) => typeof text === 'string'),
    );
    const texts = [...written, '{"a":1,"__proto__":2}', '{"a":1,"constructor":2}', '{"a":1,"a":2}', '{', '{"a":01}'];
    for (const first of texts) {
      for (const text of texts) {
        const codec = new DataCodec(limits);
        for (const before of [first, first]) outcome(() => read(codec, 'sum', before));
        const data = outcome(() => read(codec, 'sum', text));
        expect(data).toEqual(outcome(() => dataOf(text, limits)));
      }
    }
  });

  it('of any kind, one after the other, is what JSON makes of it', () => {
    const part = fc.oneof(
      fc.string({ maxLength: 60, unit: anyCharacter }),
      fc.string({ maxLength: 60 }),
      fc.double(),
      fc.maxSafeInteger(),
      fc.integer({ min: -1000, max: 1000 }),
      fc.boolean(),
      fc.constantFrom(null, undefined, [], { c: 1 }),
    );
    const object = fc.record({ a: part, b: part, 'c d': part, '\u00e9': part }, { requiredKeys: ['a'] });
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 20 }), (list) => {
        const codec = new DataCodec(limits);
        for (const data of list) {
          const text = JSON.stringify(data);
          expect(textOf(codec.write('sum', data))).toBe(text);
          expect(read(codec, 'sum', text)).toEqual(JSON.parse(text));
        }
      }),
    );
  });

  it('that is flat needs no text once its shape is known, and is a plain object', () => {
    const codec = new DataCodec(limits);
    expect(codec.write('sum', { a: 1 })).toBe('{"a":1}');
    expect(codec.write('sum', { a: 2 })).toBeInstanceOf(ByteWriter);
    expect(textOf(codec.write('sum', { a: 3 }))).toBe('{"a":3}');
    for (let n = 0; n < 3; n++) {
      const data = read(codec, 'sum', `{"a":${n},"toString":"x"}`);
      expect(data).toEqual({ a: n, toString: 'x' });
      expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
    }
  });

  it('has a shape for each pattern, and one for all that are too many or too long', () => {
    const codec = new DataCodec(limits);
    const isKnown = (route: string, data: object): boolean => {
      codec.write(route, data);
      codec.write('other', { other: 1 });
      return codec.write(route, data) instanceof ByteWriter;
    };
    expect([isKnown('a', { a: 1 }), isKnown('b', { b: 1 })]).toEqual([true, true]);
    const long = 'x'.repeat(257);
    codec.write(long, { a: 1 });
    codec.write(`${long}y`, { b: 1 });
    expect(codec.write(long, { a: 1 })).not.toBeInstanceOf(ByteWriter);
    for (let n = 0; n < 300; n++) codec.write(`route ${n}`, { n });
    expect(codec.write('route 0', { n: 0 })).toBeInstanceOf(ByteWriter);
    codec.write('one more', { a: 1 });
    codec.write('another', { b: 1 });
    expect(codec.write('one more', { a: 1 })).not.toBeInstanceOf(ByteWriter);
  });

  it('may write other data while it is written', () => {
    const codec = new DataCodec(limits);
    const asking = (a: unknown): object => ({
      a,
      get b(): string {
        return textOf(codec.write('inner', { c: 1 })).length > 0 ? 'x' : '';
      },
    });
    for (let n = 0; n < 4; n++) expect(textOf(codec.write('sum', asking(n)))).toBe(`{"a":${n},"b":"x"}`);
  });

  it('that is large leaves no large memory behind', () => {
    const codec = new DataCodec(limits);
    const write = (length: number): string | ByteWriter => codec.write('sum', { text: 'x'.repeat(length) });
    write(1);
    const small = write(1) as ByteWriter;
    expect(write(2)).toBe(small);
    expect(textOf(write(1_000_000))).toHaveLength(1_000_011);
    expect((write(1) as ByteWriter).capacity).toBeLessThanOrEqual(64 * 1024);
  });
});
