// The outgoing half of a connection, over a Duplex whose writes are taken when the test says so.
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import { DataCodec } from '../../../lib/codec/data-codec.js';
import { jsonCodecDefaults } from '../../../lib/codec/json/json-codec-options.js';
import { FrameWriter, type FrameWriterConfig } from '../../../lib/connection/frame-writer.js';
import { connectionDefaults } from '../../../lib/connection/connection-options.js';
import { letsGoOfWrites, ConnectionSocket } from '../../../lib/connection/connection-socket.js';
import type { Clock } from '../../../lib/connection/ticker.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { SpareBlocks } from '../../../lib/wire/byte-writer.js';
import { turns } from '../../support/deadline.js';
import { SlowDuplex } from '../../support/slow-duplex.js';

function configWith(ticker: Clock, readingTurns = { isShared: true }): FrameWriterConfig {
  const limit = { bytes: 1_048_576, option: 'maxResultBytes' };
  const direction = {
    encode() {},
    decode() {},
    send: limit,
    receive: limit,
    data: jsonCodecDefaults,
    dataCodec: new DataCodec(jsonCodecDefaults),
  };
  return { side: 'server', direction, ticker, readingTurns, spareBlocks: new SpareBlocks() };
}

class Stage {
  readonly socket = new SlowDuplex();
  readonly clock = { now: 1000 };
  readonly readingTurns = { isShared: true };
  flushes = 0;
  /** What the owner does when less is waiting than before. */
  onFlushed = (): void => {};
  readonly writer = new FrameWriter(
    configWith(this.clock, this.readingTurns),
    new ConnectionSocket(this.socket, connectionDefaults, { onData() {}, onPeerEnd() {}, onGone() {} }),
    {
      onFlushed: () => {
        this.flushes++;
        this.onFlushed();
      },
      onHeld() {},
    },
  );

  write(text: string): void {
    this.writer.send((bytes) => bytes.writeText(text));
  }

  get written(): string {
    return this.socket.written.toString('latin1');
  }

  /** Takes the write that waits, and lets everything happen that follows from it. */
  async take(error?: Error): Promise<void> {
    this.socket.takeWrite(error);
    await turns(2);
  }

  /** What has become of `flushed()`, called now. */
  flushed(): { state: string } {
    const flushed = { state: 'pending' };
    this.writer.flushed().then(
      () => (flushed.state = 'resolved'),
      (cause: Error) => (flushed.state = cause.message),
    );
    return flushed;
  }
}

const gone = new CmdStreamError('PEER_CLOSED', 'gone');

describe('the memory of a write', () => {
  it('is not written over while a Duplex that has called back may still hold it', async () => {
    const stage = new Stage();
    for (const text of ['one', 'two', 'three', 'four']) {
      stage.write(text);
      await turns(1);
      await stage.take();
    }
    expect(stage.written).toBe('onetwothreefour');
    expect(new Set(stage.socket.writes.map(({ buffer }) => buffer)).size).toBe(4);
  });

  it('is let go by sockets of Node only, and not if their writing was replaced', () => {
    const socket = new Socket();
    expect(letsGoOfWrites(socket)).toBe(true);
    expect(letsGoOfWrites(new TLSSocket(socket))).toBe(true);
    expect(letsGoOfWrites(new PassThrough())).toBe(false);
    for (const name of ['write', '_write', '_writev']) {
      expect(letsGoOfWrites(Object.assign(new Socket(), { [name]: () => true }))).toBe(false);
      class Meter extends Socket {}
      Object.defineProperty(Meter.prototype, name, { value: () => true });
      expect(letsGoOfWrites(new Meter())).toBe(false);
    }
  });
});

describe('what is sent', () => {
  it('leaves in one write at the end of the turn, again and again', async () => {
    const stage = new Stage();
    for (const round of ['a', 'b', 'c']) {
      for (const n of [1, 2, 3]) stage.write(`${round}${n}`);
      expect(stage.socket.waiting).toBe(0);
      await turns(1);
      expect(stage.socket.writes.at(-1)!.toString()).toBe(`${round}1${round}2${round}3`);
      await stage.take();
    }
    expect(stage.socket.writes).toHaveLength(3);
    expect(stage.flushes).toBe(3);
  });

  it('of a connection that is alone leaves behind the promises of one event, before the turn has ended', async () => {
    const stage = new Stage();
    stage.readingTurns.isShared = false;
    for (const round of ['a', 'b']) {
      stage.write(`${round}1`);
      await undefined;
      stage.write(`${round}2`);
      expect(stage.socket.waiting).toBe(0);
      await new Promise<void>((resolve) => process.nextTick(resolve));
      expect(stage.socket.writes.at(-1)!.toString()).toBe(`${round}1${round}2`);
      await stage.take();
    }
    expect(stage.socket.writes).toHaveLength(2);
  });

  it('of a connection among others leaves at the end of the turn only', async () => {
    const stage = new Stage();
    stage.write('a');
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(stage.socket.writes).toHaveLength(0);
    await turns(1);
    expect(stage.socket.writes).toHaveLength(1);
  });

  it('leaves at once when it is much, and not once more at the end of the turn', async () => {
    const stage = new Stage();
    stage.write('a'.repeat(8191));
    expect(stage.socket.writes).toHaveLength(0);
    stage.write('a');
    expect(stage.socket.writes).toHaveLength(1);
    stage.write('b');
    await turns(2);
    expect(stage.socket.writes).toHaveLength(1);
    await stage.take();
    expect(stage.socket.writes.map(({ length }) => length)).toEqual([8192, 1]);
  });

  it('waits while a write is under way, and leaves in one write behind it', async () => {
    const stage = new Stage();
    stage.write('a');
    await turns(1);
    for (const text of ['b'.repeat(9000), 'c', 'd']) stage.write(text);
    await turns(2);
    expect(stage.written).toBe('a');
    await stage.take();
    expect(stage.written).toBe(`a${'b'.repeat(9000)}cd`);
    expect(stage.socket.writes).toHaveLength(2);
    await stage.take();
    await turns(1);
    expect(stage.socket.writes).toHaveLength(2);
  });

  it('leaves in parts of 64 KiB, each when the last one was taken, of which the owner is notified', async () => {
    const stage = new Stage();
    const text = 'x'.repeat(150_000);
    stage.write(text);
    for (const [part, left] of [
      [65_536, 150_000],
      [65_536, 150_000 - 65_536],
      [150_000 - 131_072, 150_000 - 131_072],
    ] as const) {
      expect(stage.socket.waiting).toBe(1);
      expect(stage.socket.writes.at(-1)).toHaveLength(part);
      expect(stage.writer.bufferedBytes).toBe(left);
      expect(stage.writer.sentBytes).toBe(150_000);
      await stage.take();
    }
    expect(stage.written).toBe(text);
    expect(stage.flushes).toBe(3);
    expect(stage.writer.bufferedBytes).toBe(0);
    expect(stage.writer.sentBytes).toBe(150_000);
    expect(stage.writer.takenBytes).toBe(150_000);
  });
});

describe('what is sent when the socket took what was sent before', () => {
  it('leaves at once if it is much, and what follows it waits for that', async () => {
    const stage = new Stage();
    stage.onFlushed = () => {
      stage.onFlushed = () => {};
      stage.write('b'.repeat(9000));
      stage.write('c');
    };
    stage.write('a');
    await turns(1);
    await stage.take();
    await turns(2);
    expect(stage.written).toBe(`a${'b'.repeat(9000)}`);
    expect(stage.writer.bufferedBytes).toBe(9001);
    await stage.take();
    expect(stage.writer.bufferedBytes).toBe(1);
    expect(stage.written).toBe(`a${'b'.repeat(9000)}c`);
    await stage.take();
    expect(stage.writer.bufferedBytes).toBe(0);
    expect(stage.socket.writes).toHaveLength(3);
  });

  it('leaves with what waits', async () => {
    const stage = new Stage();
    stage.onFlushed = () => {
      stage.onFlushed = () => {};
      stage.write('c');
    };
    stage.write('a');
    await turns(1);
    stage.write('b');
    await stage.take();
    expect(stage.socket.writes.map(String)).toEqual(['a', 'bc']);
    await stage.take();
    await turns(2);
    expect(stage.socket.writes).toHaveLength(2);
  });

  it('may be nothing: nothing is written, and no FIN', async () => {
    const stage = new Stage();
    for (let round = 0; round < 2; round++) {
      stage.write('');
      await turns(2);
      stage.write('a');
      await turns(1);
      await stage.take();
    }
    expect(stage.socket.writes.map(String)).toEqual(['a', 'a']);
    expect(stage.socket.isFinished).toBe(false);
  });
});

describe('flushed()', () => {
  it('resolves when all that was sent before was taken, and not what was sent after', async () => {
    const stage = new Stage();
    stage.write('a');
    const first = stage.flushed();
    await turns(1);
    const underWay = stage.flushed();
    stage.write('b');
    const second = stage.flushed();
    await turns(2);
    expect([first.state, underWay.state, second.state]).toEqual(['pending', 'pending', 'pending']);
    await stage.take();
    expect([first.state, underWay.state, second.state]).toEqual(['resolved', 'resolved', 'pending']);
    await stage.take();
    expect(second.state).toBe('resolved');
    const third = stage.flushed();
    await turns(1);
    expect(third.state).toBe('resolved');
  });

  it('rejects when the connection ends before, and after it has ended', async () => {
    const stage = new Stage();
    stage.write('a');
    await turns(1);
    const underWay = stage.flushed();
    stage.write('b');
    const waiting = stage.flushed();
    stage.writer.abandon(gone);
    stage.writer.abandon(new CmdStreamError('CLOSED', 'once more'));
    const after = stage.flushed();
    await turns(1);
    expect([underWay.state, waiting.state, after.state]).toEqual(['gone', 'gone', 'once more']);
  });

  it('stays pending when a write fails, until the connection ends for it', async () => {
    const stage = new Stage();
    stage.write('a'.repeat(100_000));
    const flushed = stage.flushed();
    stage.write('b');
    stage.socket.on('error', () => {});
    await stage.take(new Error('broken'));
    expect(flushed.state).toBe('pending');
    expect(stage.socket.writes).toHaveLength(1);
    expect(stage.flushes).toBe(0);
    stage.writer.abandon(gone);
    await turns(1);
    expect(flushed.state).toBe('gone');
  });
});

describe('the end', () => {
  it('sends FIN behind what was sent, be it in the writer or under way', async () => {
    const stage = new Stage();
    stage.write('a');
    await turns(1);
    stage.write('b');
    stage.writer.end(gone);
    await turns(2);
    expect(stage.socket.isFinished).toBe(false);
    expect(stage.socket.writes).toHaveLength(1);
    await stage.take();
    expect(stage.written).toBe('ab');
    expect(stage.socket.isFinished).toBe(false);
    await stage.take();
    expect(stage.socket.isFinished).toBe(true);
  });

  it('sends FIN behind the last part of what is under way', async () => {
    const stage = new Stage();
    stage.write('a'.repeat(150_000));
    stage.writer.end(gone);
    for (const part of [1, 2, 3]) {
      await turns(2);
      expect(stage.socket.writes).toHaveLength(part);
      expect(stage.socket.isFinished).toBe(false);
      await stage.take();
    }
    expect(stage.written).toHaveLength(150_000);
    expect(stage.socket.isFinished).toBe(true);
  });

  it('sends FIN at once when nothing waits', async () => {
    const stage = new Stage();
    stage.write('a');
    await turns(1);
    await stage.take();
    stage.writer.end(gone);
    await turns(1);
    expect(stage.socket.isFinished).toBe(true);
    expect(stage.flushed().state).toBe('pending');
  });

  it('sends at once what would have left at the end of the turn', async () => {
    const stage = new Stage();
    stage.write('a');
    stage.writer.end(gone);
    expect(stage.written).toBe('a');
    await turns(2);
    expect(stage.socket.writes).toHaveLength(1);
  });

  it('in the middle lets nothing leave any more, whatever is taken or sent later', async () => {
    const stage = new Stage();
    stage.write('a'.repeat(100_000));
    stage.write('b');
    stage.writer.abandon(gone);
    expect(stage.writer.bufferedBytes).toBe(0);
    expect(stage.writer.stalledSince).toBe(0);
    await stage.take();
    expect(() => stage.write('c')).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    stage.writer.postPings(1);
    expect(stage.writer.bufferedBytes).toBe(0);
    await turns(2);
    expect(stage.socket.writes).toHaveLength(1);
    expect(stage.flushes).toBe(0);
    expect(stage.socket.isFinished).toBe(false);
  });

  it('while a value is being written drops that as well', async () => {
    const stage = new Stage();
    stage.write('a');
    stage.writer.send((bytes) => {
      bytes.writeText('b');
      stage.writer.abandon(gone);
      bytes.writeText('c');
    });
    expect(stage.writer.bufferedBytes).toBe(0);
    await turns(2);
    expect(stage.socket.writes).toHaveLength(0);
  });

  it('before the end of the turn lets nothing leave', async () => {
    const stage = new Stage();
    stage.write('a');
    stage.writer.abandon(gone);
    await turns(2);
    expect(stage.socket.writes).toHaveLength(0);
    expect(stage.socket.isFinished).toBe(false);
  });
});

/** A socket of Node that can be asked how much of a write the system has not taken. */
class AskedStage {
  queuedBytes = 0;
  /** What the writes were in. */
  readonly memory = new Set<ArrayBufferLike>();
  readonly clock = { now: 1000 };
  #done = (_error?: unknown): void => {};
  readonly writer: FrameWriter;

  constructor() {
    const socket = {
      letsGoOfWrites: true,
      write: (bytes: Buffer, done: (error?: unknown) => void) => {
        this.queuedBytes = bytes.length;
        this.memory.add(bytes.buffer);
        this.#done = done;
      },
      end() {},
    };
    Object.defineProperty(socket, 'queuedBytes', { get: () => this.queuedBytes });
    this.writer = new FrameWriter(configWith(this.clock), socket as unknown as ConnectionSocket, {
      onFlushed() {},
      onHeld() {},
    });
  }

  send(bytes: number): void {
    this.writer.send((frame) => frame.writeZeros(bytes));
  }

  /** The system takes so many bytes of the write. */
  takes(bytes: number): void {
    this.queuedBytes -= bytes;
    if (this.queuedBytes === 0) this.#done();
  }

  /** So much time passes, then the clock strikes. */
  tick(ms = 250): void {
    this.writer.tick((this.clock.now += ms));
  }
}

describe('the progress of a write', () => {
  it('is what the system has taken of it, and not that it is done', () => {
    const stage = new AskedStage();
    stage.send(60_000);
    expect(stage.writer.stalledSince).toBe(1000);
    expect(stage.writer.takenBytes).toBe(0);
    stage.tick();
    expect(stage.writer.stalledSince).toBe(1000);
    stage.takes(1);
    expect(stage.writer.takenBytes).toBe(1);
    stage.tick();
    expect(stage.writer.stalledSince).toBe(1500);
    stage.tick();
    stage.tick();
    expect(stage.writer.stalledSince).toBe(1500);
    stage.takes(59_999);
    expect(stage.writer.stalledSince).toBe(0);
    stage.clock.now = 9000;
    stage.send(60_000);
    expect(stage.writer.stalledSince).toBe(9000);
    expect(stage.writer.takenBytes).toBe(60_000);
  });

  it('of a socket of Node gives its memory to the one after the next', () => {
    const stage = new AskedStage();
    for (let round = 0; round < 10; round++) {
      stage.send(20_000);
      stage.takes(20_000);
    }
    expect(stage.memory.size).toBeLessThanOrEqual(2);
  });

  it('begins anew with each part', () => {
    const stage = new AskedStage();
    stage.send(100_000);
    stage.clock.now = 2000;
    stage.takes(65_536);
    expect(stage.writer.stalledSince).toBe(2000);
    expect(stage.writer.takenBytes).toBe(65_536);
  });

  it('is a sign of life if it had to wait', () => {
    const stage = new AskedStage();
    for (let round = 0; round < 3; round++) {
      stage.send(60_000);
      stage.takes(60_000);
      stage.tick();
      expect(stage.writer.stalledSince).toBe(0);
    }
    expect(stage.writer.movedAt).toBe(0);
    stage.send(60_000);
    stage.tick();
    expect(stage.writer.movedAt).toBe(0);
    stage.takes(10);
    stage.tick();
    const { movedAt } = stage.writer;
    expect(movedAt).toBe(stage.clock.now);
    stage.tick();
    expect(stage.writer.movedAt).toBe(movedAt);
    stage.clock.now += 100;
    stage.takes(59_990);
    expect(stage.writer.movedAt).toBe(stage.clock.now);
    stage.tick();
    const last = stage.writer.movedAt;
    stage.send(60_000);
    stage.takes(60_000);
    stage.tick();
    expect(stage.writer.movedAt).toBe(last);
  });

  it('comes in steps as large as the last that was seen, 1.5 MiB at most', () => {
    const stage = new AskedStage();
    expect(stage.writer.stepBytes).toBe(0);
    const step = (...bytes: number[]): void => {
      for (const part of bytes) {
        stage.send(part);
        stage.takes(part);
        stage.tick();
      }
    };
    step(50_000, 30_000);
    expect(stage.writer.stepBytes).toBe(80_000);
    stage.tick();
    expect(stage.writer.stepBytes).toBe(80_000);
    step(20_000);
    expect(stage.writer.stepBytes).toBe(20_000);
    step(...Array.from({ length: 40 }, () => 60_000));
    expect(stage.writer.stepBytes).toBe(1_572_864);
  });
});

describe('a peer that takes nothing', () => {
  const SECOND_BYTES = 131_072;
  const START = 5000;

  /** The system has taken so much at a time, and a write waits since `START`. */
  function stalledWriter(stepBytes: number): FrameWriter {
    const stage = new AskedStage();
    for (let left = stepBytes; left > 0; left -= 65_536) {
      stage.send(65_536);
      stage.takes(65_536);
      stage.tick();
    }
    stage.clock.now = START;
    stage.send(10_000);
    expect(stage.writer.stepBytes).toBe(stepBytes);
    return stage.writer;
  }

  it.each([
    [0, 2000],
    [SECOND_BYTES, 3000],
    [2 * SECOND_BYTES, 4000],
    [10 * SECOND_BYTES, 4000],
  ])('in steps of %d bytes is given up after %d ms, and after twice the limit at most', (stepBytes, limitMs) => {
    const writer = stalledWriter(stepBytes);
    expect(writer.overdue(2000, START + limitMs - 1)).toBeUndefined();
    expect(writer.overdue(2000, START + limitMs)).toMatchObject({
      code: 'WRITE_STALL_TIMEOUT',
      message: 'the peer took no byte within writeStallTimeoutMs (2000)',
    });
  });

  it('has as long from a later time on, if that is given', () => {
    const writer = stalledWriter(0);
    expect(writer.overdue(2000, START + 2099, START + 100)).toBeUndefined();
    expect(writer.overdue(2000, START + 2100, START + 100)).toBeDefined();
    expect(writer.overdue(2000, START + 2000, START - 100)).toBeDefined();
  });

  it('is never given up without a limit, nor while nothing waits', () => {
    expect(stalledWriter(0).overdue(0, 1e9)).toBeUndefined();
    expect(new AskedStage().writer.overdue(2000, 1e9)).toBeUndefined();
    expect(new AskedStage().writer.overdue(2000, 1e9, START)).toBeUndefined();
  });
});
