// The numbers of one extended connection: which may come, and of which of them a peer may speak.
import { describe, expect, it } from '@jest/globals';
import { SeqWindow } from '../../../lib/connection/seq-window.js';

const protocolError = expect.objectContaining({ code: 'PROTOCOL_ERROR' });

function windowOf(...seqs: number[]): SeqWindow {
  const window = new SeqWindow();
  for (const seq of seqs) expect(window.use(seq)).toBe(seq);
  return window;
}

describe('the numbers of Commands', () => {
  it('grow, with gaps or without', () => {
    const window = windowOf(5, 6, 9, 1000);
    for (const seq of [1000, 999, 7, 1, 0, -1]) expect(() => window.use(seq)).toThrow(protocolError);
    expect(window.use(1001)).toBe(1001);
  });

  it('begin above 0, and are never beyond what a number holds', () => {
    for (const seq of [0, -1, 2n ** 60n, 7n]) expect(() => windowOf().use(seq)).toThrow(protocolError);
    expect(() => windowOf(1).use(2n ** 60n)).toThrow(protocolError);
  });
});

describe('what is said of a number', () => {
  it('is a protocol error before any was used', () => {
    for (const seq of [0, 1, -1]) expect(() => windowOf().check(seq)).toThrow(`seq ${seq}, which was never used`);
  });

  it('is a protocol error outside those that were used, first and last included', () => {
    const window = windowOf(5, 6, 9);
    for (const seq of [5, 6, 7, 8, 9]) window.check(seq);
    for (const seq of [0, 4, 10, -5, 2n ** 60n]) expect(() => window.check(seq)).toThrow(protocolError);
    window.use(10);
    window.check(10);
    window.check(5);
    expect(() => window.check(4)).toThrow(protocolError);
  });

  it('is a protocol error behind its end, and says nothing of the others', () => {
    const window = windowOf(1, 2, 3);
    window.end(2);
    expect(() => window.check(2)).toThrow('a control frame for seq 2 behind its end');
    window.check(1);
    window.check(3);
    expect(() => window.check(4)).toThrow('which was never used');
  });

  it('is forgotten when 256 more have ended, and not before', () => {
    const window = windowOf(...Array.from({ length: 600 }, (_, n) => n + 1));
    for (let seq = 1; seq <= 256; seq++) window.end(seq);
    for (let seq = 1; seq <= 256; seq++) expect(() => window.check(seq)).toThrow(protocolError);
    window.end(257);
    window.check(1);
    for (let seq = 2; seq <= 257; seq++) expect(() => window.check(seq)).toThrow(protocolError);
    window.check(258);
  });
});
