// Threats S1 to S7, S19, S20, S23 and S28: what bytes can do to a server.
import { describe, expect, it } from '@jest/globals';
import {
  ADD_2_3,
  addFrame,
  echoFrame,
  echoResultFrame,
  frame,
  GREETING,
  SUM_5,
  sumFrame,
  uvarint,
} from '../support/calc-frames.js';
import { until } from '../support/deadline.js';
import { EXTENDED_GREETING, hello, PROBE } from '../support/extension-frames.js';
import { guardInvariants } from '../support/invariants.js';
import { readLib } from '../support/project.js';

const { stand } = guardInvariants();
const powers = [21, 31, 32, 36, 40, 47, 52, 53, 62, 63];
const lengths = powers.flatMap((power) => [-1n, 0n, 1n].map((by) => 2n ** BigInt(power) + by));

describe('S1 a length that is only announced', () => {
  it('is refused before anything is kept, whatever it is', async () => {
    const server = await stand();
    for (const [at, length] of lengths.entries()) {
      await server.attack(`0103${uvarint(length)}`);
      await server.attack(`${PROBE}${hello()}800002${uvarint(length)}`);
      await server.reason(2 * at + 1);
    }
    const codes = new Set(server.reasons.map(({ code }) => code));
    expect(codes).toEqual(new Set(['FRAME_TOO_LARGE', 'NEGATIVE_LENGTH']));
  });
});

describe('S2 announced lengths of many that fall silent', () => {
  it('cost no memory but that of what came', async () => {
    const server = await stand();
    const before = process.memoryUsage().arrayBuffers;
    for (let peer = 0; peer < 200; peer++) await server.attack(`0103${uvarint(1_000_000)}`);
    await (await server.attack(ADD_2_3)).receives(GREETING + SUM_5);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('S3 a varint that is too long, too large or padded', () => {
  it.each([
    ['eleven bytes', '8080808080808080808000', 'VARINT_OVERFLOW'],
    ['more than 64 bits', 'ffffffffffffffffff02', 'VARINT_OVERFLOW'],
    ['a type beyond 2^53', `01${uvarint(2n ** 60n)}00`, 'UNKNOWN_TYPE'],
    ['a length beyond 2^53', `0103${uvarint(2n ** 60n)}`, 'FRAME_TOO_LARGE'],
  ])('is refused: %s', async (_what, bytes, code) => {
    const server = await stand();
    await server.attack(bytes);
    expect(await server.reason()).toMatchObject({ code });
  });

  it('is read where it is padded, as by the reference', async () => {
    const server = await stand();
    const peer = await server.attack(`818000${ADD_2_3.slice(2)}808000`);
    await peer.receives(`${GREETING}${SUM_5}00`);
  });
});

describe('S4 a type number without a type', () => {
  it.each([7, 99, 2 ** 31])('ends its connection, and no other: %d', async (type) => {
    const server = await stand();
    const peer = await server.attack(ADD_2_3 + frame(2, type, '{}'));
    await peer.ends();
    expect(peer.hex).toBe(GREETING + SUM_5);
    expect(await server.reason()).toMatchObject({ code: 'UNKNOWN_TYPE' });
  });
});

const halves = [
  '',
  ' ',
  '{',
  '}',
  'nul',
  '{"A":}',
  '{"A":1,}',
  '{"A":1}{"B":2}',
  '{"A":1 "B":2}',
  '{"A":1e}',
  '\ufeff{}',
];
const others = [
  '[]',
  '[1]',
  'true',
  '1',
  '"text"',
  "{'A':1}",
  '{A:1}',
  '\u0000',
  '{"A":"\u0001"}',
  '{"A":01}',
  '{"A":NaN}',
];
const noBodies = halves.concat(others);

describe('S5 a body that is no JSON of its type', () => {
  it('ends a plain connection, and costs an extended one the Command only', async () => {
    const server = await stand();
    for (const [at, body] of noBodies.entries()) {
      const bytes = frame(1, 0, body);
      await server.attack(bytes);
      expect([body, await server.reason(at)]).toMatchObject([body, { code: 'BAD_PAYLOAD' }]);
      const peer = await server.attack(PROBE + hello() + bytes + addFrame(2, 2, 3));
      await until(`the next Command is answered behind ${body}`, () => peer.hex.endsWith(sumFrame(2, 5)));
      expect(peer.hex).toContain(Buffer.from('BAD_PAYLOAD').toString('hex'));
    }
    expect(server.reasons).toHaveLength(noBodies.length);
  });
});

describe('S6 JSON that is deep', () => {
  const nested = (depth: number): string => `{"A":2,"B":3,"C":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;

  it.each([65, 1_000, 10_000, 100_000, 500_000])('is refused: %d levels', async (depth) => {
    const server = await stand();
    await server.attack(frame(1, 0, nested(depth)));
    expect(await server.reason()).toMatchObject({ code: 'JSON_LIMIT' });
  });

  it('is read up to the limit', async () => {
    const server = await stand();
    const peer = await server.attack(frame(1, 0, nested(64)));
    await peer.receives(GREETING + SUM_5);
  });
});

describe('S7 JSON that costs more time than its bytes', () => {
  const keys = Array.from({ length: 20_000 }, (_, at) => `"k${at}":0`).join();

  it.each([
    ['keys of one object', `{${keys}}`],
    ['values', `{"C":[${'0,'.repeat(1_000_000)}0]}`],
    ['empty objects', `{"C":[${'{},'.repeat(1_000_000)}{}]}`],
  ])('is refused: too many %s', async (_what, body) => {
    const server = await stand({ maxCommandBytes: 8_388_608 });
    await server.attack(frame(1, 0, body));
    expect(await server.reason()).toMatchObject({ code: 'JSON_LIMIT' });
  });
});

describe('S19 numbers of Commands that a plain peer chooses badly', () => {
  it.each([
    ['twice the same', [5, 5, 5]],
    ['falling', [3, 2, 1]],
    ['beyond 2^53', [2n ** 53n, 2n ** 62n, 2n ** 63n - 1n]],
    ['negative', [-1n, -5n, -(2n ** 62n)]],
  ])('are answered as they are: %s', async (_what, seqs) => {
    const server = await stand();
    const peer = await server.attack(seqs.map((seq) => echoFrame(seq, 'a')).join(''));
    await peer.receives(GREETING + seqs.map((seq) => echoResultFrame(seq, 'a')).join(''));
  });
});

describe('S20 keys that would reach a prototype', () => {
  it.each([
    '{"__proto__":{"polluted":1}}',
    String.raw`{"\u005f_proto__":{"polluted":1}}`,
    '{"A":{"__proto__":{"polluted":1}}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"prototype":{"polluted":1}}',
    '{"toString":1,"valueOf":1,"hasOwnProperty":1}',
    '{"toJSON":1}',
    '{"exec":1}',
  ])('reach none: %s', async (body) => {
    const server = await stand();
    const before = Object.getOwnPropertyNames(Object.prototype);
    const peer = await server.attack(PROBE + hello() + frame(1, 0, body) + addFrame(2, 2, 3));
    await peer.receivesBytes(EXTENDED_GREETING.length / 2 + 8);
    expect(peer.hex).toContain(sumFrame(2, 5));
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('S23 what unpacks to more than it is', () => {
  it('is not part of the protocol: nothing in lib decompresses', () => {
    const unpacks = /zlib|decompress|brotli/i;
    expect(readLib().filter(({ text }) => unpacks.test(text))).toEqual([]);
  });
});

describe('S28 an unasked pong', () => {
  it.each([0, 1, 2, 1_000])('is never sent: %d pings have as many pongs', async (count) => {
    const server = await stand();
    const pings = '00'.repeat(count);
    const peer = await server.attack(pings + ADD_2_3);
    await peer.receives(GREETING + pings + SUM_5);
    peer.write(pings + ADD_2_3);
    await peer.receives(GREETING + pings + SUM_5 + pings + SUM_5);
  });
});
