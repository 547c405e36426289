// Bytes that are no Commands: each ends only its own connection, with a code that says why, and costs no memory.
import { describe, expect, it } from '@jest/globals';
import { jsonCodec } from '../../../lib/core.js';
import { ADD_2_3, addFrame, echoFrame, frame, GREETING, SUM_5, sumFrame, uvarint } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { SocketSpy } from '../../support/socket-spy.js';

const own = guardLeaks();
const MIB = 1024 * 1024;
const BIGGEST = 2n ** 63n - 1n;
const codec = jsonCodec({ maxTokens: 50_000 });

const refusals: [string, string, string][] = [
  ['10,000 bytes of 80', '80'.repeat(10_000), 'VARINT_OVERFLOW'],
  ['10,000 bytes of ff', 'ff'.repeat(10_000), 'VARINT_OVERFLOW'],
  ['an HTTP request', Buffer.from(`GET / HTTP/1.1\r\nHost: ${'x'.repeat(80)}\r\n\r\n`).toString('hex'), 'UNKNOWN_TYPE'],
  ['a TLS handshake', '160301020001fc', 'BAD_PAYLOAD'],
  ['a seq of more than 64 bits', '8080808080808080808000', 'VARINT_OVERFLOW'],
  ['a type number of more than 64 bits', '018080808080808080808000', 'VARINT_OVERFLOW'],
  ['a length of more than 64 bits', '01008080808080808080808000', 'VARINT_OVERFLOW'],
  ['an unknown type number', '0109027b7d', 'UNKNOWN_TYPE'],
  ['the type number after the last one', '0107027b7d', 'UNKNOWN_TYPE'],
  ['a negative type number', '01ffffffffffffffffff01027b7d', 'UNKNOWN_TYPE'],
  ['a type number of 2^63-1', `01${uvarint(BIGGEST)}027b7d`, 'UNKNOWN_TYPE'],
  ['a length of 2^63-1', `0100${uvarint(BIGGEST)}`, 'FRAME_TOO_LARGE'],
  ['a length of 2^53', `0100${uvarint(2n ** 53n)}`, 'FRAME_TOO_LARGE'],
  ['a length of 2^31', `0100${uvarint(2n ** 31n)}`, 'FRAME_TOO_LARGE'],
  ['a length of -1', `0100${uvarint(-1n)}`, 'NEGATIVE_LENGTH'],
  ['a length of -2^63', `0100${uvarint(-(2n ** 63n))}`, 'NEGATIVE_LENGTH'],
  ['a frame of one byte more than allowed', `0100${uvarint(MIB - 4)}`, 'FRAME_TOO_LARGE'],
  ['a body that is not JSON', '01000378797a', 'BAD_PAYLOAD'],
  ['a body without a byte', '010000', 'BAD_PAYLOAD'],
  ['a body that goes on after its value', frame(1, 0, '{"A":1}x'), 'BAD_PAYLOAD'],
  ['a body that is an array', frame(1, 0, '[1,2]'), 'BAD_PAYLOAD'],
  ['a body that is a number', frame(1, 0, '5'), 'BAD_PAYLOAD'],
  ['a body of invalid UTF-8 outside a string', '010003fffefd', 'BAD_PAYLOAD'],
  ['a body with an integer beyond 2^53', frame(1, 0, '{"A":9007199254740993}'), 'UNSAFE_INTEGER'],
  ['a body with the key __proto__', frame(1, 0, '{"__proto__":{"A":1}}'), 'BAD_PAYLOAD'],
  ['a body that replaces a method', frame(1, 0, '{"toString":1}'), 'BAD_PAYLOAD'],
  ['a body of 65 nested arrays', frame(1, 0, '['.repeat(65) + ']'.repeat(65)), 'JSON_LIMIT'],
  ['a body of 500,000 nested arrays', frame(1, 0, '['.repeat(500_000)), 'JSON_LIMIT'],
  ['a body of 500,000 nested objects', frame(1, 0, '{"":'.repeat(125_000)), 'JSON_LIMIT'],
  ['a body of 500,000 values', frame(1, 0, `[${'0,'.repeat(499_999)}0]`), 'JSON_LIMIT'],
];

describe('server', () => {
  it.each(refusals)('ends only the connection that sends %s', async (_what, bytes, code) => {
    const calc = own(await CalcServer.start({ codec }));
    const [bad, good] = [own(await calc.connect()), own(await calc.connect())];
    bad.write(bytes);
    await bad.ends();
    expect(bad.hex).toBe(GREETING);
    expect(await calc.lostCause()).toMatchObject({ code });
    good.write(ADD_2_3);
    await good.receives(GREETING + SUM_5);
    expect(calc.lost).toHaveLength(1);
    expect(calc.errors).toEqual([]);
  });

  it.each(refusals)('decides the same when it gets %s byte by byte', async (_what, bytes, code) => {
    const spy = own(new SocketSpy('server'));
    const calc = own(await CalcServer.start({ codec }));
    const bad = own(await calc.connect());
    await bad.receives(GREETING);
    await bad.dribble(bytes.slice(0, 400), () => spy.bytesRead);
    if (!bad.isEnded) bad.write(bytes.slice(400));
    await bad.ends();
    expect(await calc.lostCause()).toMatchObject({ code });
  });

  it.each([
    ['takes a frame of exactly', 0, GREETING + SUM_5],
    ['refuses a frame of one byte more than', 1, GREETING],
  ])('%s maxCommandBytes', async (_what, more, answer) => {
    const calc = own(await CalcServer.start({ maxCommandBytes: 100 }));
    const peer = own(await calc.connect());
    const body = '{"A":2,"B":3}'.padEnd(97 + more, ' ');
    peer.write(frame(1, 0, body));
    await peer.receives(answer);
    if (more > 0) await peer.ends();
    expect(peer.hex).toBe(answer);
    expect(calc.lost).toHaveLength(more);
  });

  it('refuses an unknown type number at once, not when its body has arrived', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write('0163ffff03');
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({
      code: 'UNKNOWN_TYPE',
      message: expect.stringContaining('is that a cmd-stream peer'),
    });
  });

  it('answers the frames before the bad one, whether they come together with it or not', async () => {
    const calc = own(await CalcServer.start());
    const bad = own(await calc.connect());
    bad.write(`${ADD_2_3}00${ADD_2_3}0109027b7d${ADD_2_3}`);
    await bad.receives(`${GREETING}${SUM_5}00${SUM_5}`);
    await bad.ends();
    expect(await calc.lostCause()).toMatchObject({ code: 'UNKNOWN_TYPE' });
  });

  it('takes no bytes after the bad ones, and lets go of a peer that keeps sending', async () => {
    const spy = own(new SocketSpy('server'));
    const calc = own(await CalcServer.start());
    const bad = own(await calc.connect());
    bad.write('0109027b7d');
    await bad.ends();
    const timer = setInterval(() => bad.write(addFrame(1, 2, 3)), 5);
    try {
      await until('the server lets go', () => spy.sockets[0]!.destroyed);
    } finally {
      clearInterval(timer);
    }
    expect(bad.hex).toBe(GREETING);
    expect(calc.lost).toHaveLength(1);
  });

  it('says in its error what was exceeded and which option changes it', async () => {
    const calc = own(await CalcServer.start({ maxCommandBytes: 100 }));
    const bad = own(await calc.connect());
    bad.write(echoFrame(1, 'x'.repeat(200)));
    expect((await calc.lostCause()).message).toMatch(/206.*maxCommandBytes.*100/);
  });

  it('accepts a frame of exactly maxCommandBytes', async () => {
    const calc = own(await CalcServer.start({ maxCommandBytes: 100 }));
    const peer = own(await calc.connect());
    const largest = echoFrame(1, 'x'.repeat(95));
    expect(largest).toHaveLength(200);
    peer.write(largest);
    await peer.receivesBytes(108);
  });

  it('reads integers beyond 2^53 where the codec is asked to', async () => {
    const calc = own(await CalcServer.start({ codec: jsonCodec({ unsafeIntegers: 'bigint' }) }));
    const peer = own(await calc.connect());
    peer.write(frame(1, 0, '{"A":9007199254740993,"B":-9007199254740993}'));
    await peer.receives(GREETING + sumFrame(1, 0));
  });

  it('lives through 500 connections of random bytes', async () => {
    const calc = own(await CalcServer.start({ frameTimeoutMs: 1, maxCommandBytes: 512 }));
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) % 256;
    for (let round = 0; round < 10; round++) {
      const peers = await Promise.all(Array.from({ length: 50 }, () => calc.connect()));
      for (const peer of peers) peer.write(Uint8Array.from({ length: 512 }, random));
      await Promise.all(peers.map((peer) => peer.ends()));
      await Promise.all(peers.map((peer) => peer.destroy()));
    }
    await until('all are lost', () => calc.lost.length === 500);
    const good = own(await calc.connect());
    good.write(ADD_2_3);
    await good.receives(GREETING + SUM_5);
  });
});

describe('memory', () => {
  function arrayBuffers(): number {
    return process.memoryUsage().arrayBuffers;
  }

  it('is not allocated by the lengths that 2,000 refused connections announce', async () => {
    const calc = own(await CalcServer.start());
    const before = arrayBuffers();
    let most = 0;
    for (let round = 0; round < 40; round++) {
      const peers = await Promise.all(Array.from({ length: 50 }, () => calc.connect()));
      for (const peer of peers) peer.write(`0100${uvarint(2n ** 40n)}`);
      await Promise.all(peers.map((peer) => peer.ends()));
      most = Math.max(most, arrayBuffers() - before);
      await Promise.all(peers.map((peer) => peer.destroy()));
    }
    await until('all are lost', () => calc.lost.length === 2000);
    expect(most).toBeLessThan(32 * MIB);
  });

  it('is not allocated by the lengths that 200 waiting connections announce', async () => {
    const spy = own(new SocketSpy('server'));
    const calc = own(await CalcServer.start());
    const peers = await Promise.all(Array.from({ length: 200 }, () => calc.connect()));
    await Promise.all(peers.map((peer) => own(peer).receives(GREETING)));
    const before = arrayBuffers();
    for (const peer of peers) peer.write(`0103${uvarint(1_000_000)}22`);
    await until('all have arrived', () => spy.bytesRead === 200 * 6);
    await turns();
    expect(calc.server.connections).toBe(200);
    expect(arrayBuffers() - before).toBeLessThan(32 * MIB);
  });
});
