// The limits of JSON bodies on depth, tokens and keys, read and written.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import 'reflect-metadata';
import { Expose, Type } from 'class-transformer';
import { DATA_COMPLEXITY } from '../../../lib/codec/json/json-codec-options.js';
import { checkReceived, checkStructure } from '../../../lib/codec/json/json-structure.js';
import { Result } from '../../../lib/contract/command.js';
import { dataOf, dataText, errorText, PatternMessage, plainData } from '../../../lib/codec/pattern-message.js';
import { anyCharacter } from '../../support/any-text.js';
import { jsonBodies } from './json-bodies.js';

class Box {
  constructor(readonly data: unknown = null) {}
}

class ExposedBox {
  @Expose() data: unknown = null;
}

class Shelf {
  @Type(() => Box) boxes: Box[] = [];
}

const failing = (code: string, message: string | RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });
const nested = (depth: number, [open, close]: readonly [string, string] = ['[', ']'], core = '') =>
  open.repeat(depth) + core + close.repeat(depth);
const objects = ['{"data":', '}'] as const;

function nestedValue(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
}

describe('maxDepth', () => {
  const box = jsonBodies(Box);

  it.each([1, 2, 63, 64])('lets %s levels pass', (depth) => {
    expect(box.read(nested(depth, objects, '1'))).toBeInstanceOf(Box);
    expect(box.read(`{"data":${nested(depth - 1) || '0'}}`)).toBeInstanceOf(Box);
  });

  it.each([65, 66, 100, 1_000, 10_000, 1_000_000])('refuses %s levels, however short the body', (depth) => {
    expect(() => box.read(nested(depth, objects, '1'))).toThrow(failing('JSON_LIMIT', /^Box: .*maxDepth \(64\)/));
    expect(() => box.read(`{"data":${nested(depth - 1)}}`)).toThrow(failing('JSON_LIMIT', 'maxDepth'));
  });

  it('refuses a million brackets that are never closed', () => {
    expect(() => box.read('['.repeat(1_000_000))).toThrow(failing('JSON_LIMIT', 'maxDepth'));
    expect(() => box.read('{"a":'.repeat(200_000))).toThrow(failing('JSON_LIMIT', 'maxDepth'));
  });

  it('counts how deep brackets are, not how many there are, and none in strings', () => {
    expect(box.read(`{"data":[${'[],{},'.repeat(500)}[]]}`)).toBeInstanceOf(Box);
    expect(box.read(`{"data":"${'[{'.repeat(500)}"}`)).toBeInstanceOf(Box);
    expect(box.read(`{"data":"${'\\"[{'.repeat(500)}"}`)).toBeInstanceOf(Box);
    expect(() => box.read(`{"data":["\\\\",${nested(63)}]}`)).toThrow(failing('JSON_LIMIT', 'maxDepth'));
  });

  it('can be set', () => {
    const flat = jsonBodies(Box, { maxDepth: 1 });
    expect(flat.read('{"data":1}').data).toBe(1);
    expect(() => flat.read('{"data":[]}')).toThrow(failing('JSON_LIMIT', /maxDepth \(1\)/));
    expect(jsonBodies(Box, { maxDepth: 1_000 }).read(nested(1_000, objects, '1'))).toBeInstanceOf(Box);
  });

  it('holds for the writer as well', () => {
    expect(box.write(new Box(nestedValue(63)))).toContain('[1]');
    expect(() => box.write(new Box(nestedValue(64)))).toThrow(failing('JSON_LIMIT', /^Box: .*maxDepth \(64\)/));
  });
});

describe('maxTokens', () => {
  it('counts keys and values, and lets exactly as many pass', () => {
    const box = jsonBodies(Box, { maxTokens: 10 });
    // The object, its key, the array, then seven values.
    expect(box.read('{"data":[1,"a",true,null,-1.5e3,[],{}]}')).toBeInstanceOf(Box);
    expect(() => box.read('{"data":[1,"a",true,null,-1.5e3,[],{},1]}')).toThrow(
      failing('JSON_LIMIT', /^Box: .*maxTokens \(10\)/),
    );
    expect(() => box.read('{"data":[1,"a",true,null,-1.5e3,[],{"":0}]}')).toThrow(failing('JSON_LIMIT', 'maxTokens'));
  });

  it('is 1,000,000 by default', () => {
    const box = jsonBodies(Box, { maxComplexity: 2_000_000 });
    const ones = (count: number) => `{"data":[${'1,'.repeat(count - 1)}1]}`;
    expect(box.read(ones(999_997))).toBeInstanceOf(Box);
    expect(() => box.read(ones(999_998))).toThrow(failing('JSON_LIMIT', /maxTokens \(1000000\)/));
  });

  it.each([
    ['blanks', `{"data":${' '.repeat(60_000)}1}`],
    ['a long string', `{"data":"${'a,[:'.repeat(30_000)}"}`],
    ['a string of escapes', `{"data":"${'\\"'.repeat(60_000)}\\\\"}`],
    ['a long number', `{"data":0.${'1'.repeat(60_000)}}`],
  ])('does not count %s', (_, body) => {
    expect(jsonBodies(Box, { maxTokens: 50_000 }).read(body)).toBeInstanceOf(Box);
  });

  it('holds for the writer as well', () => {
    const box = jsonBodies(Box, { maxTokens: 50_000 });
    expect(() => box.write(new Box(Array.from({ length: 50_000 }, () => 1)))).toThrow(
      failing('JSON_LIMIT', /^Box: .*maxTokens/),
    );
  });
});

describe('the scan', () => {
  /** Depth and tokens by walking what JSON.parse gives. */
  function measure(value: unknown): { depth: number; tokens: number } {
    if (typeof value !== 'object' || value === null) return { depth: 0, tokens: 1 };
    const children = Object.values(value).map(measure);
    const keys = Array.isArray(value) ? 0 : children.length;
    return {
      depth: 1 + Math.max(0, ...children.map(({ depth }) => depth)),
      tokens: 1 + keys + children.reduce((sum, { tokens }) => sum + tokens, 0),
    };
  }

  const passes = (text: string, maxDepth: number, maxTokens: number): boolean => {
    try {
      checkStructure(text, { maxDepth, maxTokens });
      return true;
    } catch {
      return false;
    }
  };

  it('agrees with JSON.parse on depth and tokens of any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: anyCharacter }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const { depth, tokens } = measure(JSON.parse(text));
        expect(passes(text, depth, tokens)).toBe(true);
        expect(passes(text, depth - 1, tokens)).toBe(depth === 0);
        expect(passes(text, depth, tokens - 1)).toBe(false);
      }),
    );
  });
});

describe('maxKeysPerObject', () => {
  const keys = (count: number) => `{${Array.from({ length: count }, (_, at) => `"k${at}":0`).join(',')}}`;

  it('holds where class-transformer runs, at any depth', () => {
    const box = jsonBodies(ExposedBox, { maxComplexity: 10_000 });
    expect(box.read(keys(1_024))).toBeInstanceOf(ExposedBox);
    expect(() => box.read(keys(1_025))).toThrow(
      failing('JSON_LIMIT', /^ExposedBox: .*1025 keys.*maxKeysPerObject \(1024\)/),
    );
    expect(box.read(`{"data":[${keys(1_024)},${keys(1_024)}]}`)).toBeInstanceOf(ExposedBox);
    expect(() => box.read(`{"data":[${keys(1_025)}]}`)).toThrow(failing('JSON_LIMIT', 'maxKeysPerObject'));
    expect(() => jsonBodies(Shelf).read(`{"boxes":[{"data":${keys(1_025)}}]}`)).toThrow(
      failing('JSON_LIMIT', 'maxKeysPerObject'),
    );
  });

  it('can be set', () => {
    expect(() => jsonBodies(ExposedBox, { maxKeysPerObject: 1 }).read('{"a":1,"b":2}')).toThrow(
      failing('JSON_LIMIT', /2 keys.*\(1\)/),
    );
  });

  it('is 10,000 for other Commands, which a pipe may give to class-transformer', () => {
    const box = jsonBodies(Box);
    expect(Object.keys(box.read(keys(10_000)))).toHaveLength(10_001);
    expect(() => box.read(keys(10_001))).toThrow(
      failing('JSON_LIMIT', /^Box: .*10001 keys.*maxKeysPerObject \(10000\)/),
    );
    expect(() => box.read(`{"data":[${keys(10_001)}]}`)).toThrow(failing('JSON_LIMIT', 'maxKeysPerObject'));
  });

  it('counts large objects together, as their cost adds up', () => {
    const box = jsonBodies(Box);
    expect(box.read(`{"data":[${keys(5_000)},${keys(5_000)},${keys(1_024)},${keys(1_024)}]}`)).toBeInstanceOf(Box);
    expect(() => box.read(`{"data":[${keys(5_000)},${keys(5_001)}]}`)).toThrow(
      failing('JSON_LIMIT', /10001 keys together .*maxKeysPerObject \(10000\)/),
    );
  });

  it('says which of the two is too much', () => {
    const box = jsonBodies(Box, { maxKeysPerObject: 5_000 });
    expect(() => box.read(`{"data":[${keys(5_000)},${keys(5_000)}]}`)).toThrow(
      failing('JSON_LIMIT', /large objects of 10000 keys together .*maxKeysPerObject \(5000\)/),
    );
    expect(() => box.read(keys(5_001))).toThrow(failing('JSON_LIMIT', /an object of 5001 keys/));
  });

  it('can be set for other Commands, too', () => {
    expect(() => jsonBodies(Box, { maxKeysPerObject: 1 }).read('{"a":1,"b":2}')).toThrow(
      failing('JSON_LIMIT', /2 keys.*\(1\)/),
    );
    expect(jsonBodies(Box, { maxKeysPerObject: 10_001 }).read(keys(10_001))).toBeInstanceOf(Box);
  });
});

describe('maxComplexity', () => {
  const isWithin = (text: string, maxComplexity: number): boolean => {
    try {
      checkReceived(text, { maxDepth: 64, maxTokens: 1_000_000 }, maxComplexity);
      return true;
    } catch (error) {
      expect(error).toEqual(failing('JSON_LIMIT', `more complex than maxComplexity \\(${maxComplexity}\\)`));
      return false;
    }
  };
  /** The least that lets a text pass. */
  const complexityOf = (text: string): number => {
    let most = 1;
    while (!isWithin(text, most)) most++;
    return most;
  };
  const list = (count: number, item: (at: number) => string) =>
    `[${Array.from({ length: count }, (_, at) => item(at)).join()}]`;

  it.each([
    [list(100, () => '{}'), 1.5 + 200],
    [list(100, () => '[]'), 1.5 + 150],
    // A key behind the one that it was behind before is a quarter, any other four, or nine if it may be an index.
    ['[{"a":[]},{"a":[]},{"a":[]},{"b":[]},{"a":[]},0]', 1.5 + 7 + 7 + 3.25 + 7 + 7 + 1],
    [`[${'{"a":[],"b":[]},'.repeat(9)}0]`, 1.5 + 9 * 4 + 3 * 4 + 15 / 4 + 1],
    ['[{"\\"":[]},{"b":[]}]', 1.5 + 7 + 7],
    ['[{"0":1},{"9":1},{"/":1},{":":1},{"-1":1}]', 1.5 + 2 * 11.5 + 3 * 6.5],
    ['[{"1234567890":1},{"12345678901":1},{"1700000000000":1}]', 1.5 + 11.5 + 2 * 6.5],
    ['[{"2026-11-30":1},{"1b9d6bcd-bbfd":1},{"1a":1},{"":1}]', 1.5 + 4 * 6.5],
    [String.raw`[{"\u0031":1},{"12\u0033":1},{"a\u0031":1},{"1\n":1}]`, 1.5 + 2 * 11.5 + 2 * 6.5],
    // The hundred first of an object.
    [
      list(2, () => `{${Array.from({ length: 102 }, (_, at) => `"k${at}":0`).join()}}`),
      1.5 + 2 * 2 + 102 * 4.5 + 4.5 + 99 * 0.75 + 2 * 4.5,
    ],
    // An object inside does not begin the count anew.
    [`{${'"a":0,'.repeat(99)}"b":{"c":0},"a":0,"a":0}`, 2 + 2 * 4 + 97 / 4 + 99 / 2 + 4 + 6 + 4.5 + 2 * 4.5],
    // An object behind a key is six.
    ['[{"a":{}},{"a": {}},0]', 1.5 + 12 + 12 + 1],
    ['[{"a":[{}]}]', 1.5 + 2 + 4 + 1 + 2],
    [list(80, () => '1'), 1.5 + 80],
    [list(40, () => '"[{:,[{:,[{:"'), 1.5 + 40],
    [`[ ${'"xxxxxxxxxxx",'.repeat(7)}"xxxxxxxxxxx"]`, 1.5 + 8],
    // In an object others are a half.
    ['[{"a":"xxxxxxxxxxx"},{"b":true}]', 1.5 + 2 * 6.5],
    // A text of ten letters is five eighths more.
    [list(40, () => '"xxxxxxxxxx"'), 1.5 + 65],
    ['[{"xxxxxxxxxx":"x"},{"b":""}]', 1.5 + 2 * 7.125],
    // A number of 17 digits is one more, one of further digits three more, and one for each 16 of these.
    [list(40, () => '1234567890123456'), 1.5 + 40],
    [list(40, () => '-0.001234567890123456e-100'), 1.5 + 40],
    [list(40, () => '12345678901234567'), 1.5 + 80],
    [list(40, () => '-0.0012345678901234567E-100'), 1.5 + 80],
    [list(40, () => '10000000000000000000'), 1.5 + 160],
    [list(40, () => `0.${'1'.repeat(30)}`), 1.5 + 160],
    [list(4, () => '1'.repeat(32)), 1.5 + 4 * 4],
    [list(4, () => '1'.repeat(33)), 1.5 + 4 * 5],
    [list(4, () => '1'.repeat(17 + 83)), 1.5 + 4 * 9],
    ['[{"a":1234567890123456789},{"a":1.2345678901234567}]', 1.5 + 2 + 4 + 3.5 + 2 + 4 + 1.5],
    // Of little text.
    [`${'{"0":'.repeat(9)}{}${'}'.repeat(9)}`, 2 + 9 + 9 + 7 * 0.25 + 9 * 6],
  ])('counts objects, lists, keys and other values: %#', (text, complexity) => {
    expect(complexityOf(text)).toBe(Math.ceil(complexity));
  });

  it.each([
    ['objects of their own shapes', list(60_000, (at) => `{"k${at}":1}`)],
    ['empty objects', list(300_000, () => '{}')],
    ['lists in lists', list(10_000, () => nested(40))],
    ['keys', list(500, (at) => `{${Array.from({ length: 100 }, (_, key) => `"${at}_${key}":1`).join()}}`)],
  ])('refuses a Command of a million letters with too many %s', (_, data) => {
    const body = `{"data":${data}}`;
    expect(body.length).toBeLessThan(1_048_576);
    expect(() => jsonBodies(Box).read(body)).toThrow(failing('JSON_LIMIT', /^Box: .*maxComplexity \(65536\)/));
    expect(jsonBodies(Box, { maxComplexity: 1_000_000 }).read(body)).toBeInstanceOf(Box);
  });

  it('lets 5,000 rows of 5 fields pass, as they are and as instances of their class', () => {
    const rows = list(5_000, (at) => `{"id":${at},"name":"n${at}","price":1.5,"tags":null,"data":true}`);
    expect(jsonBodies(Box).read(`{"data":${rows}}`).data).toHaveLength(5_000);
    const shelf = jsonBodies(Shelf).read(`{"boxes":${rows}}`);
    expect(shelf.boxes).toHaveLength(5_000);
    expect(shelf.boxes.every((box) => box instanceof Box && box.data === true)).toBe(true);
  });

  it('lets 60,000 numbers pass, in a Command and by pattern', () => {
    const numbers = list(60_000, String);
    expect(jsonBodies(Box).read(`{"data":${numbers}}`).data).toHaveLength(60_000);
    expect(dataOf(numbers, { maxDepth: 64, maxTokens: 1_000_000, maxComplexity: DATA_COMPLEXITY })).toHaveLength(
      60_000,
    );
  });

  it('lets rows of the same fields pass that fill a whole frame', () => {
    const row = (at: number) => `{"id":${100_000 + at},"name":"customer ${at}","city":"Springfield","total":${at}.25}`;
    const body = `{"data":${list(13_000, row)}}`;
    expect(body.length).toBeGreaterThan(950_000);
    expect(jsonBodies(Box).read(body).data).toHaveLength(13_000);
  });

  it('lets 10,000 rows of the same fields pass whose texts are short', () => {
    const rows = list(10_000, (at) => `{"id":${at},"name":"n${at}","city":"Oslo","total":${at}.25}`);
    expect(jsonBodies(Box).read(`{"data":${rows}}`).data).toHaveLength(10_000);
  });

  it('is less where @Type makes instances, and far less where class-transformer does', () => {
    const body = (count: number) => `{"data":${list(count, () => '0')}}`;
    expect(jsonBodies(Box).read(body(40_000))).toBeInstanceOf(Box);
    expect(() => jsonBodies(Shelf).read(body(40_000))).toThrow(failing('JSON_LIMIT', /^Shelf: .*\(40000\)/));
    expect(jsonBodies(Shelf).read(body(3_200))).toBeInstanceOf(Shelf);
    expect(() => jsonBodies(ExposedBox).read(body(3_200))).toThrow(failing('JSON_LIMIT', /^ExposedBox: .*\(3200\)/));
    expect(jsonBodies(ExposedBox, { maxComplexity: 3_207 }).read(body(3_200))).toBeInstanceOf(ExposedBox);
  });

  it('holds for Results only where it is set, and never for what is written', () => {
    class Rows extends Result {
      constructor(readonly data: unknown = null) {
        super();
      }
    }
    const body = `{"data":${list(100_000, () => '[]')}}`;
    expect(jsonBodies(Rows).read(body)).toBeInstanceOf(Rows);
    expect(() => jsonBodies(Rows, { maxComplexity: 10 }).read(body)).toThrow(failing('JSON_LIMIT', 'maxComplexity'));
    expect(jsonBodies(Rows, { maxComplexity: 10 }).write(new Rows([[], [], [], [], [], [], [], [], []]))).toContain(
      '[]',
    );
  });
});

describe('data that belongs to no contract', () => {
  const limits = { maxDepth: 3, maxTokens: 8, maxKeysPerObject: 2 };

  it.each([
    ['JSON_LIMIT', '[[[[]]]]', /maxDepth \(3\)/],
    ['JSON_LIMIT', '[1,2,3,4,5,6,7,8]', /maxTokens \(8\)/],
    ['JSON_LIMIT', '[{"a":1,"b":2,"c":3}]', /maxKeysPerObject \(2\)/],
    ['BAD_PAYLOAD', '[1e400]', /1e400/],
    ['BAD_PAYLOAD', `[-${'1'.repeat(310)}]`, /the number -1{9,}.* double/],
    ['BAD_PAYLOAD', '{"__proto__":1}', /__proto__/],
    ['BAD_PAYLOAD', '[', /no JSON/],
  ])('is refused with %s: %s', (code, text, message) => {
    expect(() => dataOf(text, limits)).toThrow(failing(code, message));
  });

  it.each(['{"__proto__":1}', String.raw`{"\u005f_proto__":1}`, '[{"a":{"__proto__":null}}]'])(
    'is refused for its prototype without a limit of keys, too: %s',
    (text) => {
      expect(() => dataOf(text, { maxDepth: 5, maxTokens: 20 })).toThrow(failing('BAD_PAYLOAD', /__proto__/));
    },
  );

  it('is refused where it is too complex', () => {
    const complex = { maxDepth: 3, maxTokens: 100, maxComplexity: 20 };
    expect(dataOf('[{"a":{}},{"a":0}]', complex)).toEqual([{ a: {} }, { a: 0 }]);
    expect(() => dataOf('[{"a":{}},{"b":{}},0]', complex)).toThrow(failing('JSON_LIMIT', /maxComplexity \(20\)/));
  });

  it('hides Errors where a caller would see them, whatever they say of themselves', () => {
    const talking = Object.assign(new Error('secret'), { toJSON: () => 'secret' });
    const payload = { status: 500, error: new Error('secret'), list: [talking], at: new Date(0), run: () => 1 };
    const shown = { status: 500, error: {}, list: [{}], at: '1970-01-01T00:00:00.000Z' };
    expect(plainData(payload)).toEqual(shown);
    expect(JSON.parse(errorText(payload, { maxDepth: 3, maxTokens: 20 }))).toEqual(shown);
    expect([plainData(undefined), plainData(() => 1), plainData(null)]).toEqual([undefined, undefined, null]);
    expect(errorText(undefined, limits)).toBe('');
  });

  it('has the error as its cause when it cannot be written', () => {
    const circle: unknown[] = [];
    circle.push(circle);
    expect(() => dataText(circle)).toThrow(
      expect.objectContaining({ code: 'ENCODE_FAILED', cause: expect.any(TypeError) as unknown }),
    );
  });

  it('is no packet unless that is said', () => {
    expect(new PatternMessage('event', 'r', 1)).toMatchObject({ kind: 'event', route: 'r', data: 1, isPacket: false });
    expect(new PatternMessage('message', '', 1, true).isPacket).toBe(true);
  });

  it('is read within its limits, integers rounded as everywhere in Nest', () => {
    expect(dataOf('[[[9007199254740993]],"1e400"]', limits)).toEqual([[[2 ** 53]], '1e400']);
    expect(dataOf('', limits)).toBeUndefined();
  });

  it('has no limit of keys unless one is given', () => {
    const text = `{${Array.from({ length: 20_000 }, (_, at) => `"k${at}":0`).join(',')}}`;
    expect(Object.keys(dataOf(text, { maxDepth: 1, maxTokens: 100_000 }) as object)).toHaveLength(20_000);
  });

  it('is written within the same limits', () => {
    expect(dataText([[[]], 1, 2, 3, 4, 5], limits)).toBe('[[[]],1,2,3,4,5]');
    expect(() => dataText([[[[]]]], limits)).toThrow(failing('JSON_LIMIT', /maxDepth \(3\)/));
    expect(() => dataText([1, 2, 3, 4, 5, 6, 7, 8], limits)).toThrow(failing('JSON_LIMIT', /maxTokens \(8\)/));
  });
});
