// How connections share the event loop while they read: one that has much waits for its turns, behind the others.
import { describe, expect, it, jest } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { DataCodec } from '../../../lib/codec/data-codec.js';
import { jsonCodecDefaults } from '../../../lib/codec/json/json-codec-options.js';
import { FrameReader } from '../../../lib/connection/frame-reader.js';
import { MOST_FRAMES, MOST_TAKERS, nextShare, ReadingTurns } from '../../../lib/connection/reading-turns.js';
import type { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ConnectionStage } from '../../support/connection-stage.js';
import { turns, until } from '../../support/deadline.js';

const frames = (count: number, value = 7): Buffer =>
  Buffer.from([1, value].concat(...Array.from({ length: count - 1 }, () => [1, value])));

const BODY_BYTES = 3 * 2048;
const direction = {
  decode: (reader: ByteReader) => reader.readBytes(BODY_BYTES),
  encode: () => {},
  data: jsonCodecDefaults,
  dataCodec: new DataCodec(jsonCodecDefaults),
  send: { bytes: 1, option: 'maxResultBytes' },
  receive: { bytes: 2 * BODY_BYTES, option: 'maxCommandBytes' },
};
let handedOn = 0;
const listener = {
  onPing: () => {},
  onControl: () => {},
  onRefused: () => {},
  onValue: () => void handedOn++,
};

/** As a socket would, within this turn. */
function arrive({ socket }: ConnectionStage, bytes: Buffer): void {
  socket.emit('data', bytes);
}

function pair(): [ConnectionStage, ConnectionStage, ReadingTurns] {
  const readingTurns = new ReadingTurns(new AsyncScope());
  const stage = (): ConnectionStage => new ConnectionStage('server', {}, readingTurns);
  return [stage(), stage(), readingTurns];
}

describe('a connection that has much to read', () => {
  it('hands on its share at once and the rest in later turns, all of it in order', async () => {
    const [busy, other] = pair();
    const values = Array.from({ length: 200 }, (_, index) => index);
    arrive(busy, Buffer.from(values.flatMap((value) => [1, value])));
    expect(busy.values).toEqual(values.slice(0, MOST_FRAMES));
    arrive(other, frames(1));
    expect(other.values).toEqual([7]);
    await until('all is handed on', () => busy.values.length === values.length);
    expect(busy.values).toEqual(values);
  });

  it('has the next share behind all others that wait', async () => {
    const [first, second] = pair();
    const order: string[] = [];
    first.onReadEnd = () => void order.push('first');
    second.onReadEnd = () => void order.push('second');
    arrive(first, frames(MOST_FRAMES * 3));
    arrive(second, frames(MOST_FRAMES * 2));
    await until('all is handed on', () => first.values.length === MOST_FRAMES * 3);
    expect(order.slice(0, 4)).toEqual(['first', 'second', 'first', 'second']);
  });

  it('is one of few that read on in one turn of the event loop, each with more from its socket', async () => {
    const readingTurns = new ReadingTurns(new AsyncScope());
    const order: number[] = [];
    const again = new Set([3, 70]);
    const takers = Array.from({ length: 100 }, (_, at) => ({
      takeTurn() {
        order.push(at);
        if (again.delete(at)) readingTurns.wait(this);
      },
    }));
    for (const taker of takers) readingTurns.wait(taker);
    while (order.length < 102) {
      const before = order.length;
      await turns(1);
      expect(order.length - before).toBeLessThanOrEqual(MOST_TAKERS);
    }
    expect(order).toEqual([...takers.keys(), 3, 70]);
    await turns(3);
    expect(order).toHaveLength(102);
  });

  it('does not wait while it is the only one that is open', async () => {
    const [busy, other] = pair();
    other.connection.destroy(new Error('enough') as never);
    arrive(busy, frames(500));
    expect(busy.values).toHaveLength(500);
    // One that has ended in order is not counted twice when it is destroyed.
    const [alone, third] = pair();
    third.connection.end(new Error('enough') as never);
    await turns(2);
    third.connection.destroy(new Error('enough') as never);
    arrive(alone, frames(500));
    expect(alone.values).toHaveLength(500);
  });

  it('counts a frame once more for every 2 KiB', () => {
    const owner = { onInvalid() {}, onHeld() {} };
    const reader = new FrameReader({ side: 'server', direction, ticker: { now: 0 } }, listener, owner);
    const large = Buffer.concat([Buffer.from([1]), Buffer.alloc(BODY_BYTES)]);
    reader.share = 12;
    reader.receive(Buffer.concat(Array(9).fill(large)));
    expect(handedOn).toBe(3);
    expect(reader.isSpent).toBe(true);
    reader.readOn(Infinity);
    expect(handedOn).toBe(9);
    expect(reader.isSpent).toBe(false);
  });

  it('has one share in a turn of the event loop, in however many pieces the bytes come', async () => {
    const [busy] = pair();
    for (let piece = 0; piece < 8; piece++) arrive(busy, frames(20));
    expect(busy.values).toHaveLength(MOST_FRAMES);
    await until('all is handed on', () => busy.values.length === 160);
  });

  it('has a smaller share when its pieces have taken long together', async () => {
    let now = 100;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
    const [busy] = pair();
    busy.onReadEnd = () => void (now += 0.5);
    for (let piece = 0; piece < 8; piece++) arrive(busy, frames(16));
    expect(busy.values).toHaveLength(MOST_FRAMES);
    await turns(1);
    expect(busy.values).toHaveLength(MOST_FRAMES + MOST_FRAMES / 2);
    clock.mockRestore();
    await until('all is handed on', () => busy.values.length === 128);
  });

  it('reads no more from its socket until its turn has come', async () => {
    const [busy] = pair();
    arrive(busy, frames(MOST_FRAMES + 1));
    expect(busy.socket.isPaused()).toBe(true);
    await until('all is handed on', () => busy.values.length === MOST_FRAMES + 1);
    expect(busy.socket.isPaused()).toBe(false);
  });

  it('lets other work in between two full reads, alone or not', async () => {
    const busy = new ConnectionStage();
    arrive(busy, frames(32 * 1024));
    expect(busy.values).toHaveLength(32 * 1024);
    expect(busy.socket.isPaused()).toBe(true);
    await turns(3);
    expect(busy.socket.isPaused()).toBe(false);
  });

  it('lets other work in when as much has come in pieces, as it does of TLS', async () => {
    const alone = new ConnectionStage();
    for (let piece = 0; piece < 3; piece++) arrive(alone, frames(8 * 1024));
    expect(alone.socket.isPaused()).toBe(false);
    arrive(alone, frames(8 * 1024));
    expect(alone.socket.isPaused()).toBe(true);
    await turns(3);
    expect(alone.socket.isPaused()).toBe(false);
    arrive(alone, frames(8 * 1024));
    expect(alone.socket.isPaused()).toBe(false);
  });
});

describe('one turn of the event loop', () => {
  it('serves those that wait for two milliseconds, and the others later', async () => {
    let now = 100;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
    const readingTurns = new ReadingTurns(new AsyncScope());
    const served: number[] = [];
    const takesOneMs = (taker: number) => ({
      takeTurn: () => {
        served.push(taker);
        now++;
      },
    });
    for (const taker of [1, 2, 3, 4, 5]) readingTurns.wait(takesOneMs(taker));
    const seen: number[] = [];
    for (let turn = 0; turn < 4; turn++) {
      await turns(1);
      seen.push(served.length);
    }
    clock.mockRestore();
    expect(seen).toEqual([2, 4, 5, 5]);
    expect(served).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('what has arrived and waits for its turn', () => {
  it.each(['end', 'close'])('is handed on before the peer is gone: %s', async (event) => {
    const [busy] = pair();
    arrive(busy, frames(MOST_FRAMES * 4));
    busy.socket.emit(event);
    expect(busy.values).toHaveLength(MOST_FRAMES * 4);
    expect(busy.ends).toHaveLength(1);
    await turns(5);
    expect(busy.values).toHaveLength(MOST_FRAMES * 4);
  });

  it('is dropped when this side ends the connection', async () => {
    const [busy] = pair();
    arrive(busy, frames(MOST_FRAMES * 4));
    busy.connection.destroy(new Error('enough') as never);
    await turns(5);
    expect(busy.values).toHaveLength(MOST_FRAMES);
  });

  it('is not late, however long that takes', async () => {
    const [busy] = pair();
    arrive(busy, frames(MOST_FRAMES * 2));
    busy.tick(60_000);
    expect(busy.ends).toEqual([]);
    await until('all is handed on', () => busy.values.length === MOST_FRAMES * 2);
  });

  it('goes on waiting while the connection is paused, and has a share of its own then', async () => {
    const [busy] = pair();
    arrive(busy, frames(MOST_FRAMES * 3));
    busy.connection.pause();
    await turns(5);
    expect(busy.values).toHaveLength(MOST_FRAMES);
    busy.connection.resume();
    expect(busy.values.length).toBeGreaterThan(MOST_FRAMES);
    expect(busy.values.length).toBeLessThan(MOST_FRAMES * 3);
    await until('all is handed on', () => busy.values.length === MOST_FRAMES * 3);
  });
});

describe('a share', () => {
  it('is halved while it takes long, down to one frame, and grows again', () => {
    expect(nextShare(MOST_FRAMES, 5)).toBe(MOST_FRAMES / 2);
    expect(nextShare(1, 5)).toBe(1);
    expect(nextShare(1, 0.1)).toBe(2);
    expect(nextShare(8, 1)).toBe(16);
    expect(nextShare(8, 1.01)).toBe(4);
    expect(nextShare(MOST_FRAMES, 0.1)).toBe(MOST_FRAMES);
  });
});
