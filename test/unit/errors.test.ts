import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { CmdStreamError, codeOf, errorMeanings, fromSocketError, messageOf, peerText } from '../../lib/errors.js';

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
  it('tells its code, name and message and was not sent unless told so', () => {
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

  it('has one line of meaning for each code', () => {
    for (const [code, meaning] of Object.entries(errorMeanings)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(meaning).toMatch(/^\S.{10,}[^.\s]$/);
    }
    expect(Object.isFrozen(errorMeanings)).toBe(true);
  });
});

describe('whatever was thrown', () => {
  it.each(thrown)('has a text and perhaps a code: %s', (_, value) => {
    expect(typeof messageOf(value)).toBe('string');
    expect(codeOf(value)).toBeUndefined();
  });

  it('tells the message and the string code of an Error', () => {
    expect(messageOf(new TypeError('bad'))).toBe('bad');
    expect(codeOf(Object.assign(new Error('x'), { code: 'ECONNRESET' }))).toBe('ECONNRESET');
    expect(codeOf(Object.assign(new Error('x'), { code: 7 }))).toBeUndefined();
  });
});

describe('an error of a socket', () => {
  const socketError = (code: string) => Object.assign(new Error(`read ${code}`), { code });

  it.each([
    ['ECONNRESET', 'PEER_RESET'],
    ['EPIPE', 'PEER_RESET'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS_ERROR'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS_ERROR'],
    ['CERT_HAS_EXPIRED', 'TLS_ERROR'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS_ERROR'],
    ['ECONNREFUSED', 'CONNECT_FAILED'],
    ['ENOTFOUND', 'CONNECT_FAILED'],
  ])('%s becomes %s with the cause kept', (from, to) => {
    const cause = socketError(from);
    const error = fromSocketError(cause);
    expect(error).toMatchObject({ code: to, cause });
    expect(error.message).toContain(from);
  });

  it('that is already ours stays as it is', () => {
    const error = new CmdStreamError('CLOSED', 'closed');
    expect(fromSocketError(error)).toBe(error);
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
    const any = fc.string({ unit: 'binary', maxLength: 400 });
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
});
