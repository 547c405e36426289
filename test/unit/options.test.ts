import { describe, expect, it } from '@jest/globals';
import {
  boolean,
  callback,
  integer,
  objectWith,
  oneOf,
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
  });
});
