// One connection over a Duplex whose writes are taken when the test says so: whole frames or nothing, and its single end.
import { describe, expect, it } from '@jest/globals';
import { AsyncScope } from '../../lib/async-scope.js';
import { jsonCodecDefaults } from '../../lib/codec/json-codec-options.js';
import { Connection, type ConnectionOwner } from '../../lib/connection/connection.js';
import { connectionDefaults, type ResolvedConnectionOptions } from '../../lib/connection/connection-options.js';
import type { Ticker, Ticking } from '../../lib/connection/ticker.js';
import { CmdStreamError } from '../../lib/errors.js';
import { ByteWriter } from '../../lib/wire/byte-writer.js';
import { turns } from '../support/deadline.js';
import { SlowDuplex } from '../support/slow-duplex.js';

const LIMIT = 40;
const gone = new CmdStreamError('CLOSED', 'enough');

/** A clock of the test's own. */
class TestTicker {
  now = 5000;
  readonly watched = new Set<Ticking>();

  add(ticking: Ticking): void {
    this.watched.add(ticking);
  }

  delete(ticking: Ticking): void {
    this.watched.delete(ticking);
  }
}

/** Values are functions that write, or texts. Frames: seq, then what was written. */
class Stage implements ConnectionOwner {
  readonly socket = new SlowDuplex();
  readonly ticker = new TestTicker();
  readonly values: unknown[] = [];
  readonly ends: CmdStreamError[] = [];
  flushes = 0;
  readonly connection: Connection;

  constructor(side: 'client' | 'server' = 'server', options: Partial<ResolvedConnectionOptions> = {}) {
    const flow = {
      encode(value: unknown, writer: ByteWriter): void {
        if (typeof value === 'function') value(writer);
        else writer.writeText(value as string);
      },
      decode: (reader: Parameters<ConnectionOwner['onControl']>[1]) => {
        const byte = reader.readByte();
        if (byte === 0xff) throw new CmdStreamError('BAD_PAYLOAD', 'garbage');
        return byte;
      },
      data: jsonCodecDefaults,
      send: { bytes: LIMIT, option: 'maxResultBytes' },
      receive: { bytes: LIMIT, option: 'maxCommandBytes' },
    };
    const config = {
      side,
      flow,
      options: { ...connectionDefaults, ...options },
      ticker: this.ticker as unknown as Ticker,
      scope: new AsyncScope(),
    };
    this.connection = new Connection(this.socket, config, this);
  }

  /** What was written so far, as text. */
  async written(): Promise<string> {
    await turns(2);
    return this.socket.written.toString('latin1');
  }

  async take(error?: Error): Promise<void> {
    this.socket.takeWrite(error);
    await turns(2);
  }

  async receive(hex: string): Promise<void> {
    this.socket.push(Buffer.from(hex, 'hex'));
    await turns(2);
  }

  tick(ms: number): void {
    this.ticker.now += ms;
    for (const ticking of this.ticker.watched) ticking.tick(this.ticker.now);
  }

  onServerInfo(): void {}
  onKnockAnswer(): void {}
  onPing(): void {}
  onControl(): void {}
  onRefused(): void {}

  onKnock(): boolean {
    return false;
  }

  onValue(_seq: unknown, value: unknown): void {
    this.values.push(value);
  }

  onFlushed(): void {
    this.flushes++;
  }

  onEnd(cause: CmdStreamError): void {
    this.ends.push(cause);
  }
}

function half(writer: ByteWriter): void {
  writer.writeText('half of it');
  throw new Error('cannot be written');
}

const ofBytes = (bytes: number): string => 'x'.repeat(bytes - 1);

describe('a frame that cannot be encoded', () => {
  it('leaves nothing behind, nor does what belongs to it, and the next one is whole', async () => {
    const stage = new Stage();
    const { connection } = stage;
    connection.send(65, 'a');
    expect(() => connection.send(66, half)).toThrow('cannot be written');
    expect(() => connection.send(66, half, (writer) => writer.writeText('meta'))).toThrow('cannot be written');
    expect(() => connection.sendControl(half)).toThrow('cannot be written');
    expect(() => connection.send(66, 'b', half)).toThrow('cannot be written');
    expect(connection.bufferedBytes).toBe(2);
    connection.send(67, 'c', (writer) => writer.writeText('meta'));
    connection.sendControl((writer) => writer.writeText('control'));
    expect(await stage.written()).toBe('AametaCccontrol');
  });

  it('is an error with a code, whatever was thrown, that of the package as it is', () => {
    const { connection } = new Stage();
    const own = new CmdStreamError('UNKNOWN_TYPE', 'no such type');
    const throwing = (error: unknown) => (): void => {
      throw error;
    };
    expect(() => connection.send(1, throwing(own))).toThrow(own);
    for (const thrown of [new Error('no'), undefined, 'text']) {
      expect(() => connection.send(1, throwing(thrown))).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
    }
  });

  it('leaves nothing in the memory of what must wait, whatever was there before', () => {
    const { connection } = new Stage();
    const writer = new ByteWriter();
    expect(connection.encode(writer, (into) => into.writeText('before'))).toBe(6);
    expect(() => connection.encode(writer, half)).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
    expect(() => connection.encode(writer, (into) => into.writeText(ofBytes(LIMIT + 2)))).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_LARGE' }),
    );
    expect(connection.encode(writer, (into) => connection.writeFrame(into, 65, 'a'))).toBe(2);
    expect(writer.take().toString()).toBe('beforeAa');
    expect(connection.bufferedBytes).toBe(0);
  });
});

describe('a frame', () => {
  it('of exactly the limit is sent, of one byte more it is refused and nothing of it is left', async () => {
    const stage = new Stage();
    expect(stage.connection.send(65, ofBytes(LIMIT))).toBe(LIMIT);
    expect(() => stage.connection.send(65, ofBytes(LIMIT + 1))).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_LARGE', message: expect.stringContaining('maxResultBytes (40)') }),
    );
    expect(await stage.written()).toHaveLength(LIMIT);
  });

  it('and what goes before it have the limit each', () => {
    const { connection } = new Stage();
    const meta = (bytes: number) => (writer: ByteWriter) => writer.writeZeros(bytes);
    expect(connection.send(65, ofBytes(LIMIT), meta(LIMIT))).toBe(LIMIT);
    expect(() => connection.send(65, 'a', meta(LIMIT + 1))).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_LARGE' }),
    );
    expect(connection.bufferedBytes).toBe(2 * LIMIT);
  });

  it('keeps to what the peer takes, if that is less; 0 says nothing', () => {
    const { connection } = new Stage();
    connection.limitSending(0);
    connection.limitSending(LIMIT + 1);
    expect(connection.send(65, ofBytes(LIMIT))).toBe(LIMIT);
    connection.limitSending(10);
    expect(connection.send(65, ofBytes(10))).toBe(10);
    expect(() => connection.send(65, ofBytes(11))).toThrow('maxResultBytes of the client (10)');
  });
});

describe('what is sent while a value is being written', () => {
  it('follows it if it can wait, and is refused if it cannot', async () => {
    const stage = new Stage();
    const { connection } = stage;
    let refused: unknown;
    connection.send(65, (writer: ByteWriter) => {
      writer.writeText('a1');
      connection.sendPings(1);
      try {
        connection.send(66, 'b');
      } catch (error) {
        refused = error;
      }
      writer.writeText('a2');
    });
    expect(refused).toMatchObject({ code: 'ENCODE_FAILED' });
    connection.send(67, 'c');
    expect(await stage.written()).toBe('Aa1a2Cc\0');
  });

  it('gets its end, or what failed of it goes, before the connection ends in order', async () => {
    const stage = new Stage();
    const { connection } = stage;
    connection.send(65, 'a');
    expect(() =>
      connection.send(66, (writer: ByteWriter) => {
        connection.end(gone);
        half(writer);
      }),
    ).toThrow('cannot be written');
    connection.send(67, 'c');
    expect(stage.ends).toEqual([]);
    await turns();
    expect(stage.ends).toEqual([gone]);
    expect(await stage.written()).toBe('AaCc');
    await stage.take();
    expect(stage.socket.isFinished).toBe(true);
    connection.destroy(gone);
  });

  it('is lost with the connection that ends there', async () => {
    const stage = new Stage();
    stage.connection.send(65, (writer: ByteWriter) => {
      writer.writeText('a');
      stage.connection.sendPings(1);
      stage.connection.destroy(gone);
      writer.writeText('b');
    });
    expect(await stage.written()).toBe('');
    expect(stage.connection.bufferedBytes).toBe(0);
    expect(stage.ends).toEqual([gone]);
  });
});

describe('the end of a connection', () => {
  it('in order sends what was sent and FIN, is told once, and waits for the peer', async () => {
    const stage = new Stage();
    stage.connection.send(65, 'a');
    stage.connection.end(gone);
    expect(stage.ends).toEqual([gone]);
    expect(() => stage.connection.send(65, 'b')).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    stage.connection.sendPings(1);
    expect(await stage.written()).toBe('Aa');
    await stage.take();
    expect(stage.socket.isFinished).toBe(true);
    expect(stage.socket.destroyed).toBe(false);
    stage.socket.push(null);
    await turns(3);
    expect(stage.socket.destroyed).toBe(true);
    expect(stage.ends).toEqual([gone]);
    expect(stage.ticker.watched.size).toBe(0);
    expect(stage.flushes).toBe(0);
  });

  it('comes a second after the last byte was taken if the peer does not end its side', async () => {
    const stage = new Stage();
    stage.connection.send(65, 'a');
    await turns(2);
    stage.connection.end(gone);
    for (let second = 0; second < 5; second++) stage.tick(1000);
    expect(stage.socket.destroyed).toBe(false);
    await stage.take();
    stage.tick(999);
    expect(stage.socket.destroyed).toBe(false);
    stage.tick(1);
    expect(stage.socket.destroyed).toBe(true);
    expect(stage.ends).toEqual([gone]);
  });

  it('comes at once when the client is sent garbage: nobody waits for the peer, nothing is decoded any more', async () => {
    const stage = new Stage('client');
    await stage.receive('0764656661756c74' + '01ff' + '0105');
    expect(stage.ends).toMatchObject([{ code: 'BAD_PAYLOAD' }]);
    expect(stage.socket.destroyed).toBe(true);
    expect(stage.ticker.watched.size).toBe(0);
    expect(stage.values).toEqual([]);
  });

  it('lets a server that is sent garbage answer first', async () => {
    const stage = new Stage();
    stage.connection.send(65, 'a');
    await stage.receive('0105' + '01ff' + '0106');
    expect(stage.ends).toMatchObject([{ code: 'BAD_PAYLOAD' }]);
    expect(await stage.written()).toBe('Aa');
    expect(stage.socket.destroyed).toBe(false);
    expect(stage.values).toEqual([5]);
    stage.connection.destroy(gone);
  });

  it('comes when a write fails', async () => {
    const stage = new Stage();
    stage.connection.send(65, 'a');
    await turns(2);
    const flushed = stage.connection.flushed().then(
      () => 'taken',
      (cause: Error) => cause.message,
    );
    stage.connection.send(65, 'b');
    await stage.take(new Error('broken'));
    expect(await flushed).toBe('broken');
    expect(stage.ends).toMatchObject([{ message: 'broken' }]);
    expect(stage.socket.writes).toHaveLength(1);
  });
});

describe('the time limits of a connection', () => {
  it('end one whose peer takes nothing, and count from each step anew', async () => {
    const stage = new Stage('server', { writeStallTimeoutMs: 1000 });
    for (let round = 0; round < 3; round++) {
      stage.connection.send(65, 'a');
      await turns(2);
      stage.tick(750);
      stage.tick(249);
      await stage.take();
      stage.tick(5000);
    }
    expect(stage.ends).toEqual([]);
    stage.connection.send(65, 'a');
    await turns(2);
    stage.tick(999);
    expect(stage.ends).toEqual([]);
    stage.tick(100);
    expect(stage.ends).toMatchObject([{ code: 'WRITE_STALLED' }]);
    expect(stage.socket.destroyed).toBe(true);
  });

  it.each([0, 20_000])('ends in order within the default at the latest without one, ended after %i ms', (beforeMs) => {
    const stage = new Stage('client', { writeStallTimeoutMs: 0 });
    stage.connection.send(1, 'a');
    stage.connection.send(1, ofBytes(9));
    for (let ms = 0; ms < beforeMs; ms += 250) stage.tick(250);
    expect(stage.socket.destroyed).toBe(false);
    stage.connection.end(gone);
    stage.tick(250);
    expect(stage.socket.destroyed).toBe(false);
    for (let ms = 0; ms < connectionDefaults.writeStallTimeoutMs + 1000; ms += 250) stage.tick(250);
    expect(stage.socket.destroyed).toBe(true);
  });

  it('let no peer take longer than the limit for a frame, the next one counts anew', async () => {
    const stage = new Stage('server', { frameTimeoutMs: 1000 });
    for (let round = 0; round < 3; round++) {
      await stage.receive('01');
      stage.tick(999);
      await stage.receive('05');
      stage.tick(5000);
    }
    expect(stage.values).toEqual([5, 5, 5]);
    expect(stage.ends).toEqual([]);
    await stage.receive('01');
    stage.tick(1100);
    expect(stage.ends).toMatchObject([{ code: 'FRAME_TIMEOUT' }]);
  });

  it('know when there was a sign of life', async () => {
    const stage = new Stage('server', { writeStallTimeoutMs: 0 });
    const born = stage.connection.aliveAt;
    stage.tick(500);
    expect(stage.connection.aliveAt).toBe(born);
    await stage.receive('01');
    expect(stage.connection.aliveAt).toBe(born + 500);
    stage.connection.send(65, 'a');
    await turns(2);
    stage.tick(500);
    expect(stage.connection.aliveAt).toBe(born + 500);
    await stage.take();
    expect(stage.connection.aliveAt).toBe(born + 1000);
  });
});

describe('bytes ahead of what was sent', () => {
  it('are those that were not confirmed, once they have left', async () => {
    const { connection, socket } = new Stage();
    connection.send(65, ofBytes(10));
    const { sentBytes } = connection;
    expect(sentBytes).toBe(10);
    connection.sendPings(1);
    expect(connection.bytesAhead(sentBytes, 0)).toBe(0);
    await turns(2);
    expect(connection.bytesAhead(sentBytes, 0)).toBe(0);
    socket.takeWrite();
    await turns(2);
    expect(connection.bytesAhead(sentBytes, 0)).toBe(10);
    expect(connection.bytesAhead(sentBytes, 4)).toBe(6);
    expect(connection.bytesAhead(sentBytes, 12)).toBe(0);
  });
});

describe('a connection that is paused', () => {
  it('hands nothing on until it goes on, reads ahead a little, and then all in order', async () => {
    const stage = new Stage();
    stage.connection.pause();
    stage.connection.pause();
    for (let n = 1; n <= 3; n++) await stage.receive(`010${n}`);
    expect(stage.values).toEqual([]);
    expect(stage.connection.isReceiving).toBe(true);
    expect(stage.socket.isPaused()).toBe(false);
    await stage.receive('0107'.repeat(32 * 1024));
    expect(stage.socket.isPaused()).toBe(true);
    stage.tick(60_000);
    stage.connection.resume();
    expect(stage.values.slice(0, 4)).toEqual([1, 2, 3, 7]);
    expect(stage.values).toHaveLength(3 + 32 * 1024);
    expect(stage.socket.isPaused()).toBe(false);
    expect(stage.ends).toEqual([]);
    stage.connection.pause();
    await stage.receive('0108');
    expect(stage.values).toHaveLength(3 + 32 * 1024);
    stage.connection.resume();
    expect(stage.values.at(-1)).toBe(8);
  });
});
