// The one resolver of options: what each rule takes, and what it says of the rest.
import { describe, expect, it } from '@jest/globals';
import {
  boolean,
  callback,
  cap,
  integer,
  objectWith,
  oneOf,
  port,
  renamedTo,
  resolveOptions,
  text,
  type OptionRules,
} from '../../lib/options.js';

interface KettleOptions {
  litres?: number;
  timeoutMs?: number;
  mode?: 'slow' | 'fast';
  lid?: boolean;
  label?: string;
  onBoil?: () => void;
  source?: { pour(): void };
}

const defaults = Object.freeze({ litres: 2, timeoutMs: 1_000, mode: 'slow' as 'slow' | 'fast' });
const rules: OptionRules<KettleOptions> = {
  litres: integer(1, 10, 'litres'),
  timeoutMs: integer(1, 5_000, 'milliseconds', 'no limit'),
  mode: oneOf('slow', 'fast'),
  lid: boolean,
  label: text,
  onBoil: callback,
  source: objectWith('a source of water', 'pour'),
};
const resolve = (given?: unknown) =>
  resolveOptions<KettleOptions, typeof defaults>('kettle', given as KettleOptions, defaults, rules);

describe('options', () => {
  it('are the defaults, frozen, when none are given', () => {
    const resolved = resolve();
    expect(resolved).toEqual({ litres: 2, timeoutMs: 1_000, mode: 'slow' });
    expect(Object.isFrozen(resolved)).toBe(true);
    expect(resolved).not.toBe(defaults);
  });

  it('take the default where undefined is given', () => {
    expect(resolve({ litres: undefined, lid: undefined })).toEqual(resolve());
  });

  it('take what is given and leave the given object alone', () => {
    const given = Object.freeze({ litres: 3, lid: true, label: 'blue', onBoil: () => {}, source: { pour() {} } });
    expect(resolve(given)).toEqual({ ...defaults, ...given });
  });

  it.each([
    ['litres', 0],
    ['litres', 11],
    ['litres', 1.5],
    ['litres', Number.NaN],
    ['litres', '3'],
    ['litres', 3n],
    ['timeoutMs', -1],
    ['timeoutMs', 5_001],
    ['mode', 'medium'],
    ['lid', 1],
    ['label', ''],
    ['label', 5],
    ['onBoil', {}],
    ['source', {}],
    ['source', { pour: true }],
    ['source', () => {}],
  ])('refuse %s = %p and say what is allowed', (key, value) => {
    const { expected } = rules[key as keyof KettleOptions];
    expect(() => resolve({ [key]: value })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`kettle: option "${key}" must be ${expected}`),
      }),
    );
  });

  it.each(Object.keys(rules))('refuse null for %s', (key) => {
    expect(() => resolve({ [key]: null })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it.each(['liters', 'constructor', 'toString', '__proto__'])(
    'refuse the unknown key %s and name the known ones',
    (key) => {
      const given = JSON.parse(`{"${key}":1}`) as object;
      const known = /unknown option .*litres, timeoutMs, mode/;
      expect(() => resolve(given)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(known) }),
      );
    },
  );

  it('name what an option of former times is called now, or what to do without it', () => {
    const oldNames = Object.freeze({
      liters: renamedTo('litres'),
      volume: renamedTo('litres', 'lid'),
      whistle: 'it was removed: use onBoil',
    });
    const given = (key: string) => () =>
      resolveOptions<KettleOptions, typeof defaults>('kettle', { [key]: 1 }, defaults, rules, oldNames);
    for (const [key, said] of [
      ['liters', 'it is called "litres"'],
      ['volume', 'it is called "litres" and "lid"'],
      ['whistle', 'it was removed: use onBoil'],
    ] as const)
      expect(given(key)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', message: `kettle: unknown option "${key}": ${said}` }),
      );
    expect(given('toString')).toThrow('kettle: unknown option "toString"; known are litres');
  });

  it.each([
    ['timeout', 'timeoutMs'],
    ['TIMEOUTMS', 'timeoutMs'],
    ['tiemoutMs', 'timeoutMs'],
    ['liters', 'litres'],
    ['modes', 'mode'],
    ['labelText', 'label'],
  ])('name what %s is meant to be', (key, meant) => {
    const said = `kettle: unknown option "${key}": did you mean "${meant}"? Known are litres, timeoutMs, mode`;
    expect(() => resolve({ [key]: 1 })).toThrow(said);
  });

  it.each([null, 5, 'options', [], () => {}])('refuse %p instead of an object', (given) => {
    expect(() => resolve(given)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it('allow 0 only where it has a meaning', () => {
    expect(resolve({ timeoutMs: 0 }).timeoutMs).toBe(0);
    expect(integer(1, 5, 'cups').accepts(0)).toBe(false);
  });

  it('show a long value shortened', () => {
    expect(() => resolve({ mode: 'x'.repeat(10_000) })).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{0,250}$/) }),
    );
    expect(() => resolve({ mode: 'x'.repeat(65) })).toThrow(`got "${'x'.repeat(64)}…"`);
    expect(() => resolve({ mode: 'x'.repeat(64) })).toThrow(`got "${'x'.repeat(64)}"`);
  });

  it.each([
    ['text', '"text"'],
    [() => {}, 'a function'],
    [[1], 'an array'],
    [{ a: 1 }, 'an object'],
    [null, 'null'],
    [7, '7'],
    [true, 'true'],
  ])('say that they got %p', (value, shown) => {
    expect(() => resolve({ source: value })).toThrow(`kettle: option "source" must be a source of water, got ${shown}`);
  });

  it('say what they got instead of an object', () => {
    for (const [given, shown] of [
      [null, 'null'],
      [7, '7'],
      [[], 'an array'],
      [() => {}, 'a function'],
    ] as const)
      expect(() => resolve(given)).toThrow(`kettle: options must be an object, got ${shown}`);
  });

  it('are missed only where they are required and have no default', () => {
    const needed = { ...rules, label: { ...text, required: true }, litres: { ...rules.litres, required: true } };
    const resolveNeeded = (given?: object) =>
      resolveOptions<KettleOptions, typeof defaults>('kettle', given, defaults, needed);
    for (const given of [undefined, {}, { label: undefined }])
      expect(() => resolveNeeded(given)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', message: 'kettle: option "label" is required' }),
      );
    expect(resolveNeeded({ label: 'blue' })).toEqual({ ...defaults, label: 'blue' });
  });
});

describe('a rule', () => {
  it.each([
    ['a number from 1 to 10', integer(1, 10, 'cups'), [1, 2, 10], [0, 11, -1, 1.5, '1', Number.NaN, Infinity, 1n, [1]]],
    ['a number or 0', integer(5, 10, 'cups', 'none'), [0, 5, 10], [1, 4, 11, false, '', null]],
    ['a number without 0', integer(5, 10, 'cups'), [5, 10], [0, 4, 11]],
    ['a number as large as any', integer(0, Infinity, 'cups'), [0, 2 ** 53 - 1], [2 ** 53, -1]],
    [
      'a number or no limit',
      cap(1, 10, 'cups'),
      [1, 10, Infinity],
      [0, 11, 1.5, -Infinity, Number.NaN, 'Infinity', null],
    ],
    [
      'a port',
      port(1),
      [1, 80, '80', '1', '65535', 65_535, '00080'],
      [0, '0', 65_536, '65536', '', ' 80', '80 ', 'a80', '80a', '8.0', 8.5, null, [80], true, '000080', 'abc', '1e3'],
    ],
    ['a port that may be chosen', port(0), [0, '0', 65_535], [-1, '-1', 65_536, '']],
    ['one of some', oneOf('a', 1, false), ['a', 1, false], ['b', 2, true, '1', undefined]],
    ['a boolean', boolean, [true, false], [0, 1, 'true', null]],
    ['a text', text, ['a', ' '], ['', 7, null, ['a'], { length: 1 }]],
    ['a function', callback, [() => {}, class {}], [{}, 'f', null]],
    ['an object', objectWith('an object'), [{}, [], new Map()], [null, 7, 'text', () => {}]],
    [
      'an object with methods',
      objectWith('both', 'a', 'b'),
      [{ a() {}, b() {} }],
      [{}, { a() {} }, { b() {} }, { a: 1, b: 2 }, null],
    ],
  ])('of %s takes what it says', (_, rule, good, bad) => {
    for (const value of good) expect([value, rule.accepts(value)]).toEqual([value, true]);
    for (const value of bad) expect([value, rule.accepts(value)]).toEqual([value, false]);
  });

  it.each([
    [integer(1, 10, 'cups'), 'a whole number of cups from 1 to 10'],
    [integer(1, 10, 'cups', 'no limit'), 'a whole number of cups from 1 to 10, or 0 (no limit)'],
    [cap(1, 10, 'cups'), 'a whole number of cups from 1 to 10, or Infinity (no limit)'],
    [port(0), 'a whole number from 0 to 65535'],
    [oneOf('a', 1), '"a" or 1'],
    [boolean, 'true or false'],
    [text, 'a string that is not empty'],
    [callback, 'a function'],
    [objectWith('a kettle', 'boil'), 'a kettle'],
  ])('says what it takes: %o', ({ expected }, saying) => {
    expect(expected).toBe(saying);
  });
});
