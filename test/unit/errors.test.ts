// The one error class, and what is said of whatever was thrown, which may be anything.
import { runInNewContext } from 'node:vm';
import { describe, expect, it, jest } from '@jest/globals';
import * as fc from 'fast-check';
import {
  CmdStreamError,
  codeOf,
  decodeError,
  encodeError,
  isCmdStreamError,
  isError,
  isRemoteError,
  messageOf,
  peerText,
  stackOf,
  visibleText,
} from '../../lib/errors.js';
import { fromSocketError } from '../../lib/connection/socket-error.js';
import { anyCharacter } from '../support/any-text.js';

const hostile = {
  get code(): string {
    throw new Error('no code for you');
  },
  get message(): string {
    throw new Error('no message for you');
  },
  toString(): string {
    throw new Error('no text for you');
  },
};
const thrown: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a string', 'text'],
  ['a symbol', Symbol('s')],
  ['a bigint', 1n],
  ['an object without a prototype', Object.create(null)],
  ['an object that throws at every touch', hostile],
  [
    'an Error whose message throws',
    Object.defineProperty(new Error('x'), 'message', Object.getOwnPropertyDescriptor(hostile, 'message')!),
  ],
  ['an Error whose message is no string', Object.assign(new Error('x'), { message: { a: 1 } })],
  ['a revoked proxy', revoked()],
];

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('a CmdStreamError', () => {
  it('tells its code, name and message and was not sent unless it says so', () => {
    const error = new CmdStreamError('TIMEOUT', 'too late');
    expect(error).toMatchObject({ name: 'CmdStreamError', code: 'TIMEOUT', message: 'too late', sent: false });
    expect(error).toBeInstanceOf(Error);
    expect('cause' in error).toBe(false);
  });

  it.each([undefined, null, 'text'])('keeps the cause %p', (cause) => {
    const error = new CmdStreamError('CONNECTION_LOST', 'gone', { cause, sent: true });
    expect(error).toMatchObject({ cause, sent: true });
    expect('cause' in error).toBe(true);
  });

  it.each([
    ['INVALID_OPTION', 'setup'],
    ['JSON_LIMIT', 'value'],
    ['CONNECTION_LOST', 'connection'],
    ['TIMEOUT', 'call'],
    ['REMOTE', 'remote'],
  ] as const)('%s is of the kind %s', (code, kind) => {
    expect(new CmdStreamError(code, 'x').kind).toBe(kind);
  });
});

describe('an error of this package', () => {
  const made = new CmdStreamError('REMOTE', 'failed', { payload: { a: 1 }, cause: 'why', sent: true });

  it('is known by what its constructor has made, whatever became of its prototype', () => {
    const adopted = new CmdStreamError('CANCELLED', 'left');
    Object.setPrototypeOf(adopted, {});
    for (const error of [made, adopted]) {
      expect(error instanceof CmdStreamError).toBe(true);
      expect(isCmdStreamError(error)).toBe(true);
    }
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'CLOSED'],
    ['a function', () => {}],
    ['another Error', new Error('x')],
    ['what looks like it', { ...made, name: 'CmdStreamError' }],
    ['what only inherits from it', Object.create(CmdStreamError.prototype)],
    ['the prototype', CmdStreamError.prototype],
  ])('is not %s', (_, value) => {
    expect((value as object) instanceof CmdStreamError).toBe(false);
    expect(isCmdStreamError(value)).toBe(false);
  });

  it('of a class that extends it is one of both', () => {
    class Own extends CmdStreamError {}
    const own = new Own('CLOSED', 'closed');
    expect([own instanceof Own, own instanceof CmdStreamError, made instanceof Own]).toEqual([true, true, false]);
  });

  it.each(['code', 'kind', 'message', 'sent', 'payload', 'cause'])(
    'is none that fails when it is asked for %s',
    (field) => {
      const error = new CmdStreamError('CLOSED', 'closed');
      Object.defineProperty(error, field, Object.getOwnPropertyDescriptor(hostile, 'code')!);
      expect(error instanceof CmdStreamError).toBe(true);
      expect(isCmdStreamError(error)).toBe(false);
    },
  );

  it('stays as it is, whatever has thrown it', () => {
    expect([encodeError(made), decodeError(made), fromSocketError(made)]).toEqual([made, made, made]);
    expect([encodeError(made) === made, decodeError(made) === made]).toEqual([true, true]);
  });
});

describe('an error of another copy of this package', () => {
  type Errors = typeof import('../../lib/errors.js');

  async function anotherCopy(): Promise<Errors> {
    let copy: Errors | undefined;
    await jest.isolateModulesAsync(async () => {
      copy = await import('../../lib/errors.js');
    });
    return copy!;
  }

  it('is one of this package, with its code and payload, although it is of another class', async () => {
    const copy = await anotherCopy();
    const other: unknown = copy.CmdStreamError.remote({ reason: 'no' });
    expect(copy.CmdStreamError).not.toBe(CmdStreamError);
    expect(other).toBeInstanceOf(CmdStreamError);
    expect([
      isCmdStreamError(other),
      isRemoteError(other),
      copy.isCmdStreamError(new CmdStreamError('CLOSED', 'x')),
    ]).toEqual([true, true, true]);
    expect(encodeError(other)).toBe(other);
  });

  it('is none where its code is not known here, or where it fails when it is asked', async () => {
    const { CmdStreamError: Other } = await anotherCopy();
    expect(isCmdStreamError(new Other('NEVER_KNOWN' as 'CLOSED', 'x'))).toBe(false);
    const failing = new Other('CLOSED', 'x');
    Object.defineProperty(failing, 'sent', Object.getOwnPropertyDescriptor(hostile, 'code')!);
    expect(isCmdStreamError(failing)).toBe(false);
  });

  it('is none where it only inherits from one', async () => {
    const { CmdStreamError: Other } = await anotherCopy();
    for (const value of [Other.prototype, Object.create(new Other('CLOSED', 'x'))])
      expect(isCmdStreamError(value)).toBe(false);
  });
});

describe('an error with a payload for the caller', () => {
  const isReason = (payload: unknown): payload is { reason: string } =>
    typeof (payload as { reason?: unknown } | null | undefined)?.reason === 'string';

  it('is REMOTE, not sent, with the payload and its message', () => {
    const cause = new Error('why');
    expect(CmdStreamError.remote({ message: 'sold out', item: 7 }, { cause })).toMatchObject({
      code: 'REMOTE',
      kind: 'remote',
      sent: false,
      message: 'sold out',
      payload: { message: 'sold out', item: 7 },
      cause,
    });
    expect(CmdStreamError.remote('no')).toMatchObject({ message: 'no', payload: 'no' });
    expect('cause' in CmdStreamError.remote(undefined)).toBe(false);
  });

  it('says one visible line of a large payload', () => {
    const { message } = CmdStreamError.remote(`a\n${'x'.repeat(10_000)}`);
    expect(message).toMatch(/^a\\u\{a\}x+…$/);
  });

  it('is recognized by its code, and by what the guard says of the payload', () => {
    expect(isRemoteError(CmdStreamError.remote({ reason: 'no' }))).toBe(true);
    expect(isRemoteError(CmdStreamError.remote({ reason: 'no' }), isReason)).toBe(true);
    for (const payload of [{ reason: 7 }, null, undefined, 'no'])
      expect([isRemoteError(CmdStreamError.remote(payload), isReason), payload]).toEqual([false, payload]);
  });

  it('is no other one, whatever its payload is', () => {
    const seen: unknown[] = [];
    const guard = (payload: unknown): payload is object => seen.push(payload) > 0;
    const others = ['INTERNAL', 'OVERLOADED', 'TIMEOUT'] as const;
    for (const error of others.map((code) => new CmdStreamError(code, 'x', { payload: { reason: 'no' } })))
      expect(isRemoteError(error, guard)).toBe(false);
    for (const [, value] of thrown) expect(isRemoteError(value, guard)).toBe(false);
    expect(seen).toEqual([]);
  });
});

describe('whatever was thrown', () => {
  it.each(thrown)('has a text and perhaps a code: %s', (_, value) => {
    expect(typeof messageOf(value)).toBe('string');
    expect(codeOf(value)).toBeUndefined();
    expect(isCmdStreamError(value)).toBe(false);
  });

  it.each(thrown)('fails as what a codec or socket has thrown, with its cause: %s', (_, cause) => {
    for (const [error, code] of [
      [encodeError(cause), 'ENCODE_FAILED'],
      [decodeError(cause), 'BAD_PAYLOAD'],
      [fromSocketError(cause), 'CONNECT_FAILED'],
    ] as const) {
      expect(error).toMatchObject({ code, sent: false });
      expect(peerText(error.message, 1_024)).toContain(peerText(messageOf(cause)).slice(0, 64));
      expect(Object.is(error.cause, cause)).toBe(true);
    }
  });

  it.each([
    ['a string', 'text', 'text'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 7, '7'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['an object', { a: { b: { c: 1 } } }, '{ a: { b: [Object] } }'],
    ['an object that has a message', { message: 'said' }, 'said'],
    ['an object whose message is none', { message: 7 }, '{ message: 7 }'],
    [
      'an object that is wide',
      { a: 'x'.repeat(50), b: 'y'.repeat(50) },
      expect.stringMatching(/^\{ a: .x+., b: .y+. \}$/),
    ],
    ['what fails when it is asked', hostile, 'a value that cannot be shown'],
  ])('has the text of %s', (_, value, expected) => {
    expect(messageOf(value)).toEqual(expected);
  });

  it('has a stack only where that is text', () => {
    const error = new Error('x');
    expect(stackOf(error)).toBe(error.stack);
    expect(stackOf({ stack: 'a stack' })).toBe('a stack');
    for (const none of [undefined, null, 7, 'text', {}, { stack: [] }, { stack: 7 }, revoked()])
      expect(stackOf(none)).toBeUndefined();
  });

  it('is an Error in any realm', () => {
    const foreign: unknown = runInNewContext('new TypeError("x")');
    for (const error of [new Error('x'), foreign, new CmdStreamError('CLOSED', 'x'), Object.create(Error.prototype)])
      expect(isError(error)).toBe(true);
    for (const other of [undefined, null, 7, 'text', {}, { message: 'x', stack: 'x' }, revoked()])
      expect(isError(other)).toBe(false);
  });

  it('tells the message and the string code of an Error', () => {
    expect(messageOf(new TypeError('bad'))).toBe('bad');
    expect(codeOf(Object.assign(new Error('x'), { code: 'ECONNRESET' }))).toBe('ECONNRESET');
    expect(codeOf(Object.assign(new Error('x'), { code: 7 }))).toBeUndefined();
  });
});

describe('text of a peer', () => {
  it('stays as it is when it is short and visible', () => {
    expect(peerText('héllo "日本" 😀')).toBe('héllo "日本" 😀');
  });

  it.each([
    ['a forged\nline', 'a forged\\u{a}line'],
    ['\u001b[31mred', '\\u{1b}[31mred'],
    ['\u202eright to left', '\\u{202e}right to left'],
    ['\u2028\u0085', '\\u{2028}\\u{85}'],
    ['\ud800', '\\u{d800}'],
  ])('has what is invisible escaped: %j', (text, expected) => {
    expect(peerText(text)).toBe(expected);
  });

  it('is one visible line of at most 128 bytes, for any text', () => {
    const any = fc.string({ unit: anyCharacter, maxLength: 400 });
    fc.assert(
      fc.property(any, (text) => {
        const shown = peerText(text);
        expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(128);
        expect(shown).not.toMatch(/[\p{Control}\p{Line_Separator}\p{Paragraph_Separator}\p{Surrogate}]/u);
      }),
    );
  });

  it('ends with an ellipsis, not with half a character, when it is cut', () => {
    const shown = peerText('é'.repeat(1_000));
    expect(shown).toBe(`${'é'.repeat(62)}…`);
  });

  it.each([
    [127, 127],
    [128, 128],
    [129, 128],
  ])('is cut behind 128 bytes: of %d are shown %d', (length, expected) => {
    const shown = peerText('x'.repeat(length));
    expect(Buffer.byteLength(shown)).toBe(expected);
    expect(shown.endsWith('…')).toBe(length > 128);
  });

  it('may have another length', () => {
    expect(peerText('x'.repeat(20), 10)).toBe(`${'x'.repeat(7)}…`);
  });

  it.each([
    ['two', 'é', 2],
    ['three', '日', 3],
    ['four', '😀', 4],
  ])('has no part of a character of %s bytes at its cut', (_, character, bytes) => {
    for (let before = 0; before < bytes; before++) {
      const shown = peerText('x'.repeat(before) + character.repeat(100));
      expect(shown).toBe(`${'x'.repeat(before)}${character.repeat(Math.floor((125 - before) / bytes))}…`);
    }
  });

  it('keeps a replacement character that was sent, but none at the cut', () => {
    expect(peerText('a\ufffdb')).toBe('a\ufffdb');
    expect(peerText(`a\ufffdb${'x'.repeat(200)}`)).toBe(`a\ufffdb${'x'.repeat(120)}…`);
  });

  it('without a bound is escaped alike', () => {
    expect(visibleText(`${'x'.repeat(200)}\u200b\u2029\n`)).toBe(`${'x'.repeat(200)}\\u{200b}\\u{2029}\\u{a}`);
  });
});
