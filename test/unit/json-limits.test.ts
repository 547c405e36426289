import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import 'reflect-metadata';
import { Expose, Type } from 'class-transformer';
import { checkStructure } from '../../lib/codec/json-scan.js';
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
    expect(() => box.read(nested(depth, objects, '1'))).toThrow(failing('JSON_DEPTH', /^Box: .*maxDepth \(64\)/));
    expect(() => box.read(`{"data":${nested(depth - 1)}}`)).toThrow(failing('JSON_DEPTH', 'maxDepth'));
  });

  it('refuses a million brackets that are never closed', () => {
    expect(() => box.read('['.repeat(1_000_000))).toThrow(failing('JSON_DEPTH', 'maxDepth'));
    expect(() => box.read('{"a":'.repeat(200_000))).toThrow(failing('JSON_DEPTH', 'maxDepth'));
  });

  it('counts how deep brackets are, not how many there are, and none in strings', () => {
    expect(box.read(`{"data":[${'[],{},'.repeat(500)}[]]}`)).toBeInstanceOf(Box);
    expect(box.read(`{"data":"${'[{'.repeat(500)}"}`)).toBeInstanceOf(Box);
    expect(box.read(`{"data":"${'\\"[{'.repeat(500)}"}`)).toBeInstanceOf(Box);
    expect(() => box.read(`{"data":["\\\\",${nested(63)}]}`)).toThrow(failing('JSON_DEPTH', 'maxDepth'));
  });

  it('can be set', () => {
    const flat = jsonBodies(Box, { maxDepth: 1 });
    expect(flat.read('{"data":1}').data).toBe(1);
    expect(() => flat.read('{"data":[]}')).toThrow(failing('JSON_DEPTH', /maxDepth \(1\)/));
    expect(jsonBodies(Box, { maxDepth: 1_000 }).read(nested(1_000, objects, '1'))).toBeInstanceOf(Box);
  });

  it('holds for the writer as well', () => {
    expect(box.write(new Box(nestedValue(63)))).toContain('[1]');
    expect(() => box.write(new Box(nestedValue(64)))).toThrow(failing('JSON_DEPTH', /^Box: .*maxDepth \(64\)/));
  });
});

describe('maxTokens', () => {
  it('counts keys and values, and lets exactly as many pass', () => {
    const box = jsonBodies(Box, { maxTokens: 10 });
    // The object, its key, the array, then seven values.
    expect(box.read('{"data":[1,"a",true,null,-1.5e3,[],{}]}')).toBeInstanceOf(Box);
    expect(() => box.read('{"data":[1,"a",true,null,-1.5e3,[],{},1]}')).toThrow(
      failing('JSON_TOKENS', /^Box: .*maxTokens \(10\)/),
    );
    expect(() => box.read('{"data":[1,"a",true,null,-1.5e3,[],{"":0}]}')).toThrow(failing('JSON_TOKENS', 'maxTokens'));
  });

  it('is 50,000 by default', () => {
    const box = jsonBodies(Box);
    const ones = (count: number) => `{"data":[${'1,'.repeat(count - 1)}1]}`;
    expect(box.read(ones(49_997))).toBeInstanceOf(Box);
    expect(() => box.read(ones(49_998))).toThrow(failing('JSON_TOKENS', /maxTokens \(50000\)/));
  });

  it.each([
    ['blanks', `{"data":${' '.repeat(60_000)}1}`],
    ['a long string', `{"data":"${'a,[:'.repeat(30_000)}"}`],
    ['a string of escapes', `{"data":"${'\\"'.repeat(60_000)}\\\\"}`],
    ['a long number', `{"data":0.${'1'.repeat(60_000)}}`],
  ])('does not count %s', (_, body) => {
    expect(jsonBodies(Box).read(body)).toBeInstanceOf(Box);
  });

  it('holds for the writer as well', () => {
    const box = jsonBodies(Box);
    expect(() => box.write(new Box(Array.from({ length: 50_000 }, () => 1)))).toThrow(
      failing('JSON_TOKENS', /^Box: .*maxTokens/),
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
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
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
    const box = jsonBodies(ExposedBox);
    expect(box.read(keys(1_024))).toBeInstanceOf(ExposedBox);
    expect(() => box.read(keys(1_025))).toThrow(
      failing('JSON_KEYS', /^ExposedBox: .*1025 keys.*maxKeysPerObject \(1024\)/),
    );
    expect(box.read(`{"data":[${keys(1_024)},${keys(1_024)}]}`)).toBeInstanceOf(ExposedBox);
    expect(() => box.read(`{"data":[${keys(1_025)}]}`)).toThrow(failing('JSON_KEYS', 'maxKeysPerObject'));
    expect(() => jsonBodies(Shelf).read(`{"boxes":[{"data":${keys(1_025)}}]}`)).toThrow(
      failing('JSON_KEYS', 'maxKeysPerObject'),
    );
  });

  it('can be set', () => {
    expect(() => jsonBodies(ExposedBox, { maxKeysPerObject: 1 }).read('{"a":1,"b":2}')).toThrow(
      failing('JSON_KEYS', /2 keys.*\(1\)/),
    );
  });

  it('does not hold where it does not run', () => {
    expect(Object.keys(jsonBodies(Box).read(keys(10_000)))).toHaveLength(10_001);
  });
});
