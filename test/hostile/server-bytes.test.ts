// Threats S1 to S7, S19, S20, S23 and S28: what bytes can do to a server.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
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
import { hello, PROBE } from '../support/extension-frames.js';
import { guardInvariants } from '../support/invariants.js';
import { readLib } from '../support/project.js';
import { AddCmd, CalcResult } from '../support/vector-contract.js';

const { stand } = guardInvariants();
const LIMIT = 1_048_576n;
const powers = Array.from({ length: 44 }, (_, at) => 2n ** BigInt(20 + at));
const lengths = powers.flatMap((power) => [power - 1n, power, power + 1n]).filter((length) => length >= LIMIT);
lengths.push(2n ** 64n - 1n);

describe('S1 a length that is only announced', () => {
  it('is refused before anything is kept, whatever it is beyond the limit', async () => {
    const server = await stand();
    for (const [at, length] of lengths.entries()) {
      await server.attack(`0103${uvarint(length)}`);
      await server.attack(`${PROBE}${hello()}800002${uvarint(length)}`);
      await server.reason(2 * at + 1);
    }
    expect(server.reasons).toHaveLength(2 * lengths.length);
    const codes = new Set(server.reasons.map(({ code }) => code));
    expect(codes).toEqual(new Set(['FRAME_TOO_LARGE', 'NEGATIVE_LENGTH']));
  });

  it('is waited for within the limit, and nothing is held but what came', async () => {
    const server = await stand();
    const before = server.calc.server.bufferedBytes;
    const peer = await server.attack(`0103${uvarint(LIMIT - 100n)}22`);
    await (await server.attack(ADD_2_3)).receives(GREETING + SUM_5);
    expect(peer.isEnded).toBe(false);
    expect(server.calc.server.bufferedBytes - before).toBeLessThan(4096);
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

const noJson = [
  ['', ' ', '{', '}', '[', '[[]', '"', '"\\', '\\', 'nul', 'tru', 'undefined'],
  ['NaN', 'Infinity', '-', '+1', '0x1', '.5', '1.', '01', '/**/{}', '{}//', '\ufeff{}', '\u2028{}', '\u0000'],
  ['{,}', '{"A"}', '{"A":}', '{"A" 1}', '{A:1}', "{'A':1}", '{"A":1,}', '{"A":1,,"B":2}', '{"A":1 "B":2}'],
  ['{"A":1}{"B":2}', '{"A":1}\u0000', '{"A":\u00a01}', '{"A":1e}', '{"A":1.}', '{"A":.5}', '{"A":+1}', '{"A":-}'],
  ['{"A":01}', '{"A":NaN}', '{"A":nulll}', '{"A":"\u0001"}', '{"A":"a\nb"}', String.raw`{"A":"\x"}`],
  [String.raw`{"A":"\u12"}`],
].flat();
const noObjects = ['[]', '[1]', '[{}]', '[null]', 'true', 'false', '0', '1', '-1', '""', '"text"'];

describe('S5 a body that is no JSON of its type', () => {
  it('ends a plain connection, and costs an extended one the Command only', async () => {
    const server = await stand();
    for (const [at, body] of [...noJson, ...noObjects].entries()) {
      const bytes = frame(1, 0, body);
      await server.attack(bytes);
      expect([body, await server.reason(at)]).toMatchObject([body, { code: 'BAD_PAYLOAD' }]);
      const peer = await server.attack(PROBE + hello() + bytes + addFrame(2, 2, 3));
      await until(`the next Command is answered behind ${body}`, () => peer.hex.endsWith(sumFrame(2, 5)));
      expect(peer.hex).toContain(Buffer.from('BAD_PAYLOAD').toString('hex'));
    }
    expect(server.reasons).toHaveLength(noJson.length + noObjects.length);
  });

  it('is refused where it is no text', async () => {
    const server = await stand();
    for (const [at, bytes] of ['ff', 'c3', '7b22ff', '7bff7d', 'fffe7b007d00'].entries()) {
      await server.attack(`0100${uvarint(bytes.length / 2)}${bytes}`);
      expect([bytes, await server.reason(at)]).toMatchObject([bytes, { code: 'BAD_PAYLOAD' }]);
    }
  });

  it.each([
    ['null', 0],
    ['{}', 0],
    ['{"A":null}', 0],
    ['{"A":1}', 1],
    ['{"A":-0}', 0],
    ['{"A":1,"A":2}', 2],
    ['{"A":1,"C":[{}]}', 1],
    [' \t\r\n{ "A" : 1 } \n', 1],
    [String.raw`{"\u0041":7}`, 7],
  ])('is read where it is JSON all the same: %j', async (body, sum) => {
    const server = await stand();
    const peer = await server.attack(frame(1, 0, body));
    await peer.receives(GREETING + sumFrame(1, sum));
  });
});

describe('S6 JSON that is deep', () => {
  const nested = (depth: number): string => `{"A":2,"B":3,"C":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;

  it.each([65, 1_000, 10_000, 100_000, 1_000_000])('is refused: %d levels', async (depth) => {
    const server = await stand({ maxCommandBytes: 4_194_304 });
    await server.attack(frame(1, 0, nested(depth)));
    expect(await server.reason()).toMatchObject({ code: 'JSON_LIMIT' });
    const peer = await server.attack(PROBE + hello() + frame(1, 0, nested(depth)) + addFrame(2, 2, 3));
    await until('the next Command is answered', () => peer.hex.endsWith(sumFrame(2, 5)));
    expect(peer.hex).toContain(Buffer.from('JSON_LIMIT').toString('hex'));
    expect(server.reasons).toHaveLength(1);
  });

  it.each([63, 64])('is read up to the limit: %d levels', async (depth) => {
    const server = await stand();
    const peer = await server.attack(frame(1, 0, nested(depth)));
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

  it('are answered as they are, whatever they are', async () => {
    const server = await stand();
    const seq = fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-3n, 3n)).filter((one) => one !== 0n);
    await fc.assert(
      fc.asyncProperty(fc.array(seq, { minLength: 1, maxLength: 20 }), async (seqs) => {
        const peer = await server.attack(seqs.map((one) => echoFrame(one, 'a')).join(''));
        await peer.receives(GREETING + seqs.map((one) => echoResultFrame(one, 'a')).join(''));
        await peer.destroy();
      }),
    );
  });
});

const refused = ['__proto__', String.raw`\u005f_proto__`, String.raw`__proto\u005f\u005f`];
const reaching = [...refused, 'constructor', 'prototype'];
const wrappings: ((member: string) => string)[] = [
  (member) => `{${member}}`,
  (member) => `{"A":{${member}}}`,
  (member) => `{"A":[{${member}}],"B":1}`,
  (member) => `{"X":{"Y":{"Z":{${member}}}}}`,
  (member) => `{${member},${member}}`,
  (member) => `{"A":1,${member}}`,
];
const values = ['{"polluted":1}', '{"prototype":{"polluted":1}}'];
const certain = refused.length * wrappings.length * values.length;
const known = ['toString', 'valueOf', 'hasOwnProperty', 'toJSON', 'exec', 'then', 'lastOne', 'fromJSON'];
const pollutions = [
  ...reaching.flatMap((key) => wrappings.flatMap((wrap) => values.map((value) => wrap(`"${key}":${value}`)))),
  ...known.map((key) => `{"${key}":{"polluted":1}}`),
];

/** All that is on the prototypes which a key could reach. */
function prototypes(): unknown {
  const shared = [Object, Array, Function, AddCmd, CalcResult].map(({ prototype }) => prototype as object);
  return shared.map((one) => Object.entries(Object.getOwnPropertyDescriptors(one)));
}

describe('S20 keys that would reach a prototype', () => {
  it(`reach none, in ${pollutions.length} bodies`, async () => {
    const server = await stand();
    const before = prototypes();
    for (const [at, body] of pollutions.entries()) {
      const peer = await server.attack(PROBE + hello() + frame(1, 0, body) + addFrame(2, 2, 3));
      await until(`the Command behind ${body} is answered`, () => peer.hex.includes(sumFrame(2, 5)));
      const refusal = peer.hex.includes(Buffer.from('BAD_PAYLOAD').toString('hex'));
      expect([body, refusal || at >= certain]).toEqual([body, true]);
      expect(prototypes()).toEqual(before);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    }
    expect(server.reasons).toEqual([]);
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
