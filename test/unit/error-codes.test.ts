// The codes of errors: their meanings, their kinds, and what an editor shows of each, which is in their comments.
import { describe, expect, it } from '@jest/globals';
import { CmdStreamErrorCode, errorKinds, errorMeanings, isErrorCode } from '../../lib/error-codes.js';
import { codeComments } from '../support/code-comments.js';
import { readLib } from '../support/project.js';

const codes = Object.keys(CmdStreamErrorCode) as CmdStreamErrorCode[];

describe('a code', () => {
  it('is the value of its name', () => {
    expect(Object.values(CmdStreamErrorCode)).toEqual(codes);
    expect(Object.isFrozen(CmdStreamErrorCode)).toBe(true);
  });

  it('has one line of meaning, and one kind', () => {
    expect(Object.keys(errorMeanings)).toEqual(codes);
    expect(Object.keys(errorKinds)).toEqual(codes);
    expect(new Set(Object.values(errorKinds))).toEqual(new Set(['setup', 'value', 'connection', 'call', 'remote']));
    for (const code of codes) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(errorMeanings[code]).toMatch(/^\S.{10,}[^.\s]$/);
    }
    expect(Object.isFrozen(errorMeanings) && Object.isFrozen(errorKinds)).toBe(true);
  });

  it('has its meaning as its comment', () => {
    const expected = codes.map((code) => {
      const meaning = errorMeanings[code];
      return [code, `${meaning[0]!.toUpperCase()}${meaning.slice(1)}.`];
    });
    expect(codeComments().map(({ code, meaning }) => [code, meaning])).toEqual(expected);
  });

  it('of a time limit that has an option ends in TIMEOUT', () => {
    const late = codes.filter((code) => /`[a-z.]+(?:TimeoutMs|timeoutMs)`/i.test(errorMeanings[code]));
    expect(late.length).toBeGreaterThan(5);
    for (const code of late) expect(code).toMatch(/_TIMEOUT$/);
  });

  it('that only servers report is made at servers alone', () => {
    const marked = codeComments().flatMap(({ code, serversOnly }) => (serversOnly ? code : []));
    expect(marked.length).toBeGreaterThan(5);
    const elsewhere = readLib().filter(
      ({ path }) => !/^lib\/(server|nest)\/|^lib\/(error-codes|error-status|client\/failure)\.ts$/.test(path),
    );
    for (const code of marked) {
      const places = elsewhere.filter(({ text }) => text.includes(`'${code}'`)).map(({ path }) => path);
      expect([code, places]).toEqual([code, []]);
    }
  });

  it('is distinguished from any other value', () => {
    for (const code of codes) expect(isErrorCode(code)).toBe(true);
    for (const other of ['', 'closed', 'toString', 'constructor', '__proto__', 7, undefined, ['CLOSED']])
      expect(isErrorCode(other)).toBe(false);
  });
});
