// What a caller may say about a call: what is taken, and what the error says of everything else.
import { describe, expect, it } from '@jest/globals';
import { createContext, runInContext } from 'node:vm';
import { ambientMetadata, checkCallOptions, ownMetadata } from '../../../lib/client/call/call-rules.js';
import type { CallOptions } from '../../../lib/core.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { NO_METADATA, writeMap, type Metadata } from '../../../lib/wire/control-frame.js';
import { readMap } from '../../../lib/wire/control-reader.js';

const listening = { aborted: false, addEventListener: () => {}, removeEventListener: () => {} };
/** As it is read from the wire. */
function received(metadata: Record<string, string>): Metadata {
  const writer = new ByteWriter();
  writeMap(writer, metadata);
  const reader = new ByteReader();
  reader.append(writer.take());
  reader.beginFrame(1000, 'limit');
  reader.delimit(reader.unread);
  return readMap(reader);
}
const elsewhere = (code: string): never => runInContext(code, createContext()) as never;

class Own {}
class Odd {}
Object.defineProperty(Odd, 'name', { value: 7 });

describe('the options of a call', () => {
  it.each<[string, unknown]>([
    ['none', {}],
    ['no limit', { timeoutMs: 0 }],
    ['all of them', { timeoutMs: 5, signal: new AbortController().signal, metadata: {} }],
    ['what was left out', { timeoutMs: undefined, signal: undefined, metadata: undefined, other: undefined }],
    ['whatever behaves as a signal', { signal: listening }],
    ['a signal that has aborted', { signal: AbortSignal.abort() }],
  ])('may be %s', (_what, options) => {
    expect(() => checkCallOptions(options as CallOptions)).not.toThrow();
  });

  it.each<[unknown, string]>([
    [null, 'the options of a call must be an object with timeoutMs, signal, metadata, idempotent, got null'],
    [7, 'the options of a call must be an object with timeoutMs, signal, metadata, idempotent, got 7'],
    ['seven', 'the options of a call must be an object with timeoutMs, signal, metadata, idempotent, got a string'],
    [
      { timeout: 5 },
      'unknown call option "timeout": did you mean "timeoutMs"? Known here: timeoutMs, signal, metadata, idempotent',
    ],
    [
      { timeoutMs: 5, timeout: null },
      'unknown call option "timeout": did you mean "timeoutMs"? Known here: timeoutMs, signal, metadata, idempotent',
    ],
    [{ timeoutMs: -1 }, 'call option "timeoutMs" must be '],
    [{ timeoutMs: '5' }, ', got a string'],
    [{ timeoutMs: null }, ', got null'],
    [{ signal: null }, 'call option "signal" must be an AbortSignal, got null'],
    [{ signal: 7 }, 'call option "signal" must be an AbortSignal, got 7'],
    [{ signal: {} }, 'call option "signal" must be an AbortSignal, got an object'],
    [{ signal: Object.create(null) }, 'call option "signal" must be an AbortSignal, got an object'],
    [{ signal: new Own() }, 'call option "signal" must be an AbortSignal, got an instance of Own'],
    [{ signal: new Odd() }, 'call option "signal" must be an AbortSignal, got an object'],
    [{ signal: new (class {})() }, 'call option "signal" must be an AbortSignal, got an object'],
    [{ signal: { ...listening, aborted: undefined } }, 'must be an AbortSignal'],
    [{ signal: { ...listening, addEventListener: undefined } }, 'must be an AbortSignal'],
    [{ signal: { ...listening, removeEventListener: undefined } }, 'must be an AbortSignal'],
  ])('may not be %j', (options, message) => {
    expect(() => checkCallOptions(options as CallOptions)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) }),
    );
  });

  it('are those that this kind of call has', () => {
    expect(() => checkCallOptions({ metadata: {} }, ['metadata'])).not.toThrow();
    expect(() => checkCallOptions({ timeoutMs: 5 }, ['metadata'])).toThrow('unknown call option "timeoutMs"');
  });
});

describe('metadata', () => {
  it.each<[string, Record<string, string>]>([
    ['an object', { a: 'b', ü: '😀' }],
    ['an object without a prototype', Object.assign(Object.create(null) as Record<string, string>, { a: 'b' })],
    ['an object of another realm', elsewhere('({ a: "b" })')],
    ['an empty object', {}],
    ['what a handler was given', received({ a: 'b', toString: 'c' })],
    ['a key that names the prototype', JSON.parse('{"__proto__":"b"}') as Record<string, string>],
  ])('may be %s, and stays what it was', (_what, given) => {
    const own = ownMetadata('it', given);
    const before = JSON.stringify(given);
    expect(own).not.toBe(given);
    expect(JSON.stringify(own)).toBe(before);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'it must be a plain object of strings, got undefined'],
    ['null', null, 'it must be a plain object of strings, got null'],
    ['a text', 'a', 'it must be a plain object of strings, got a string'],
    ['a list', ['a'], 'it must be a plain object of strings, got an instance of Array'],
    ['a Map', new Map(), 'it must be a plain object of strings, got an instance of Map'],
    ['an instance', new Own(), 'it must be a plain object of strings, got an instance of Own'],
    ['what inherits from another object', Object.create({ a: 'b' }), 'it must be a plain object of strings'],
    ['what inherits from nothing much', Object.create(Object.create(null)), 'it must be a plain object of strings'],
    ['what looks like Object.prototype', Object.create({ hasOwnProperty: 1 }), 'it must be a plain object of strings'],
    ['a symbol for a key', { [Symbol('s')]: 'b' }, 'it must have strings for keys, got Symbol(s)'],
    ['a number', { a: 1 }, 'it: "a" must be a string, got 1'],
    ['a list for a value', { a: [] }, 'it: "a" must be a string, got an instance of Array'],
    ['half a pair in a key', { '\ud800': 'b' }, 'has half of a surrogate pair'],
    ['half a pair in a value', { a: 'b\udc00' }, 'it: "a" has half of a surrogate pair'],
  ])('may not be %s', (_what, given, message) => {
    expect(() => ownMetadata('it', given as Record<string, string>)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) }),
    );
  });

  it('of a hook may be left out', () => {
    expect(ambientMetadata('a hook', undefined)).toBe(NO_METADATA);
    expect(ambientMetadata('a hook', { a: 'b' })).toEqual({ a: 'b' });
    expect(() => ambientMetadata('a hook', null as never)).toThrow('the metadata of a hook must be a plain object');
  });
});
