// One connection over a Duplex whose writes are taken when the test says so: whole frames or nothing, and its single
// end.
import { describe, expect, it, jest } from '@jest/globals';
import { jsonCodecDefaults } from '../../../lib/codec/json/json-codec-options.js';
import type { Connection } from '../../../lib/connection/connection.js';
import { connectionDefaults } from '../../../lib/connection/connection-options.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { ConnectionStage, ENDS, LIMIT } from '../../support/connection-stage.js';
import { turns } from '../../support/deadline.js';

const gone = new CmdStreamError('CLOSED', 'enough');
const other = new CmdStreamError('CLOSED', 'once more');

function half(writer: ByteWriter): void {
  writer.writeText('half of it');
  throw new Error('cannot be written');
}

function send({ writer }: Connection, seq: number, value: unknown, before?: (writer: ByteWriter) => void): number {
  return writer.send((bytes) => writer.writeValue(bytes, seq, value), before && { before });
}

const ofBytes = (bytes: number): string => 'x'.repeat(bytes - 1);

describe('a frame that cannot be encoded', () => {
  it('leaves nothing behind, nor does what belongs to it, and the next one is whole', async () => {
    const stage = new ConnectionStage();
    const { connection } = stage;
    send(connection, 65, 'a');
    expect(() => send(connection, 66, half)).toThrow('cannot be written');
    expect(() => send(connection, 66, half, (writer) => writer.writeText('meta'))).toThrow('cannot be written');
    expect(() => connection.writer.send(half)).toThrow('cannot be written');
    expect(() => send(connection, 66, 'b', half)).toThrow('cannot be written');
    expect(connection.writer.bufferedBytes).toBe(2);
    send(connection, 67, 'c', (writer) => writer.writeText('meta'));
    connection.writer.send((writer) => writer.writeText('control'));
    expect(await stage.written()).toBe('AametaCccontrol');
  });

  it('is an error with a code, whatever was thrown, that of the package as it is', () => {
    const { connection } = new ConnectionStage();
    const own = new CmdStreamError('UNKNOWN_TYPE', 'no such type');
    const throwing = (error: unknown) => (): void => {
      throw error;
    };
    expect(() => send(connection, 1, throwing(own))).toThrow(own);
    for (const thrown of [new Error('no'), undefined, 'text']) {
      expect(() => send(connection, 1, throwing(thrown))).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
    }
  });

  it('leaves nothing in the memory of what must wait, whatever was there before', () => {
    const { connection } = new ConnectionStage();
    const writer = new ByteWriter();
    const before = 'before'.repeat(6);
    expect(connection.writer.encode(writer, (into) => into.writeText(before))).toBe(36);
    expect(() => connection.writer.encode(writer, half)).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
    expect(() => connection.writer.encode(writer, (into) => into.writeText(ofBytes(LIMIT + 2)))).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_LARGE' }),
    );
    expect(connection.writer.encode(writer, (into) => connection.writer.writeValue(into, 65, 'a'))).toBe(2);
    expect(writer.take().toString()).toBe(`${before}Aa`);
    expect(connection.writer.bufferedBytes).toBe(0);
  });
});

describe('a frame', () => {
  it('of exactly the limit is sent, of one byte more it is refused and nothing of it is left', async () => {
    const stage = new ConnectionStage();
    expect(send(stage.connection, 65, ofBytes(LIMIT))).toBe(LIMIT);
    expect(() => send(stage.connection, 65, ofBytes(LIMIT + 1))).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_LARGE', message: expect.stringContaining('maxResultBytes (40)') }),
    );
    expect(await stage.written()).toHaveLength(LIMIT);
  });

  it('and what goes before it have the limit each', () => {
    const { connection } = new ConnectionStage();
    const meta = (bytes: number) => (writer: ByteWriter) => writer.writeZeros(bytes);
    expect(send(connection, 65, ofBytes(LIMIT), meta(LIMIT))).toBe(LIMIT);
    expect(() => send(connection, 65, 'a', meta(LIMIT + 1))).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_LARGE' }),
    );
    expect(connection.writer.bufferedBytes).toBe(2 * LIMIT);
    expect(send(connection, 65, ofBytes(LIMIT), meta(LIMIT))).toBe(LIMIT);
    expect(connection.writer.bufferedBytes).toBe(4 * LIMIT);
  });

  it('keeps to what the peer takes, if that is less; 0 says nothing', () => {
    const { connection } = new ConnectionStage();
    for (const bytes of [0, LIMIT + 1, LIMIT]) {
      connection.writer.limitFrames(bytes);
      expect(send(connection, 65, ofBytes(LIMIT))).toBe(LIMIT);
      expect(() => send(connection, 65, ofBytes(LIMIT + 1))).toThrow('maxResultBytes (40)');
    }
    connection.writer.limitFrames(10);
    connection.writer.limitFrames(20);
    expect(send(connection, 65, ofBytes(10))).toBe(10);
    expect(() => send(connection, 65, ofBytes(11))).toThrow('maxResultBytes of the client (10)');
    const client = new ConnectionStage('client').connection;
    client.writer.limitFrames(10);
    expect(() => send(client, 65, ofBytes(11))).toThrow('maxCommandBytes of the server (10)');
  });
});

describe('what is sent', () => {
  it('is reported each time the socket took some of it, as long as the connection is open', async () => {
    const stage = new ConnectionStage();
    for (let round = 1; round <= 3; round++) {
      send(stage.connection, 65, 'a');
      await turns(2);
      expect(stage.flushes).toBe(round - 1);
      await stage.take();
      expect(stage.flushes).toBe(round);
    }
    send(stage.connection, 65, 'a');
    await turns(2);
    stage.connection.end(gone);
    await stage.take();
    expect(stage.flushes).toBe(3);
    stage.connection.destroy(gone);
  });

  it('waits since the socket was given it, until it was taken', async () => {
    const { connection, socket, ticker } = new ConnectionStage();
    expect(connection.writer.stalledSince).toBe(0);
    send(connection, 65, 'a');
    ticker.now += 30;
    await turns(2);
    expect(connection.writer.stalledSince).toBe(ticker.now);
    socket.takeWrite();
    await turns(2);
    expect(connection.writer.stalledSince).toBe(0);
  });
});

describe('what is sent while a value is being written', () => {
  it('follows it if it can wait, and is refused if it cannot', async () => {
    const stage = new ConnectionStage();
    const { connection } = stage;
    let refused: unknown;
    send(connection, 65, (writer: ByteWriter) => {
      writer.writeText('a1');
      connection.writer.postPings(1);
      try {
        send(connection, 66, 'b');
      } catch (error) {
        refused = error;
      }
      writer.writeText('a2');
    });
    expect(refused).toMatchObject({ code: 'ENCODE_FAILED' });
    send(connection, 67, 'c');
    expect(await stage.written()).toBe('Aa1a2Cc\0');
  });

  it('is refused or follows it where that is a control frame, too', async () => {
    const stage = new ConnectionStage();
    const { connection } = stage;
    let refused: unknown;
    connection.writer.send((writer) => {
      writer.writeText('a1');
      connection.writer.postPings(1);
      try {
        connection.writer.send((inner) => inner.writeText('b'));
      } catch (error) {
        refused = error;
      }
      writer.writeText('a2');
    });
    expect(refused).toMatchObject({ code: 'ENCODE_FAILED' });
    expect(await stage.written()).toBe('a1a2\0');
  });

  it('gets its end, or what failed of it goes, before the connection ends in order', async () => {
    const stage = new ConnectionStage();
    const { connection } = stage;
    send(connection, 65, 'a');
    expect(() =>
      send(connection, 66, (writer: ByteWriter) => {
        connection.end(gone);
        half(writer);
      }),
    ).toThrow('cannot be written');
    send(connection, 67, 'c');
    expect(stage.ends).toEqual([]);
    await turns();
    expect(stage.ends).toEqual([gone]);
    expect(await stage.written()).toBe('AaCc');
    await stage.take();
    expect(stage.socket.isFinished).toBe(true);
    connection.destroy(gone);
  });

  it('is lost with the connection that ends there', async () => {
    const stage = new ConnectionStage();
    send(stage.connection, 65, (writer: ByteWriter) => {
      writer.writeText('a');
      stage.connection.writer.postPings(1);
      stage.connection.destroy(gone);
      writer.writeText('b');
    });
    expect(await stage.written()).toBe('');
    expect(stage.connection.writer.bufferedBytes).toBe(0);
    expect(stage.ends).toEqual([gone]);
  });
});

describe('the end of a connection', () => {
  it('in order sends what was sent and FIN, ends once, and waits for the peer', async () => {
    const stage = new ConnectionStage();
    send(stage.connection, 65, 'a');
    stage.connection.end(gone);
    stage.connection.end(other);
    expect(stage.ends).toEqual([gone]);
    expect(() => send(stage.connection, 65, 'b')).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    stage.connection.writer.postPings(1);
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
    stage.connection.end(other);
    stage.connection.destroy(other);
    expect(stage.ends).toEqual([gone]);
  });

  it('comes a second after the last byte was taken if the peer does not end its side', async () => {
    const stage = new ConnectionStage();
    send(stage.connection, 65, 'a');
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

  it('comes a second after that of this side if nothing waits', async () => {
    const stage = new ConnectionStage();
    stage.connection.end(gone);
    stage.tick(999);
    await turns(2);
    expect(stage.socket.isFinished).toBe(true);
    expect(stage.socket.destroyed).toBe(false);
    stage.tick(1);
    expect(stage.socket.destroyed).toBe(true);
    expect(stage.ends).toEqual([gone]);
  });

  it('is there when the socket is closed', async () => {
    const stage = new ConnectionStage();
    const closed = jest.fn();
    void stage.connection.closed().then(closed);
    expect(stage.connection.isOpen).toBe(true);
    stage.connection.end(gone);
    expect(stage.connection.isOpen).toBe(false);
    await turns();
    expect(closed).not.toHaveBeenCalled();
    stage.connection.destroy(gone);
    await turns();
    expect(closed).toHaveBeenCalledTimes(1);
    await stage.connection.closed();
  });

  it('comes at once when the client is sent garbage: nothing is waited for, nothing decoded any more', async () => {
    const stage = new ConnectionStage('client');
    await stage.receive('0764656661756c74' + '01ff' + '0105');
    expect(stage.ends).toMatchObject([{ code: 'BAD_PAYLOAD' }]);
    expect(stage.socket.destroyed).toBe(true);
    expect(stage.ticker.watched.size).toBe(0);
    expect(stage.values).toEqual([]);
  });

  it('lets a server that is sent garbage answer first', async () => {
    const stage = new ConnectionStage();
    send(stage.connection, 65, 'a');
    await stage.receive('0105' + '01ff' + '0106');
    expect(stage.ends).toMatchObject([{ code: 'BAD_PAYLOAD' }]);
    expect(await stage.written()).toBe('Aa');
    expect(stage.socket.destroyed).toBe(false);
    expect(stage.values).toEqual([5]);
    stage.connection.destroy(gone);
  });

  it('comes when a write fails', async () => {
    const stage = new ConnectionStage();
    send(stage.connection, 65, 'a');
    await turns(2);
    const flushed = stage.connection.writer.flushed().then(
      () => 'taken',
      (cause: Error) => cause.message,
    );
    send(stage.connection, 65, 'b');
    await stage.take(new Error('broken'));
    expect(await flushed).toBe('broken');
    expect(stage.ends).toMatchObject([{ message: 'broken' }]);
    expect(stage.socket.writes).toHaveLength(1);
  });
});

describe('the time limits of a connection', () => {
  it('end one whose peer takes nothing, and count from each step anew', async () => {
    const stage = new ConnectionStage('server', { writeStallTimeoutMs: 1000 });
    for (let round = 0; round < 3; round++) {
      send(stage.connection, 65, 'a');
      await turns(2);
      stage.tick(750);
      stage.tick(249);
      await stage.take();
      stage.tick(5000);
    }
    expect(stage.ends).toEqual([]);
    send(stage.connection, 65, 'a');
    await turns(2);
    stage.tick(999);
    expect(stage.ends).toEqual([]);
    stage.tick(100);
    expect(stage.ends).toMatchObject([{ code: 'WRITE_STALL_TIMEOUT' }]);
    expect(stage.socket.destroyed).toBe(true);
  });

  it.each([0, 20_000])(
    'ends in order within the default at the latest without one, ended after %i ms',
    async (beforeMs) => {
      const stage = new ConnectionStage('client', { writeStallTimeoutMs: 0 });
      send(stage.connection, 1, 'a');
      send(stage.connection, 1, ofBytes(9));
      await turns(2);
      for (let ms = 0; ms < beforeMs; ms += 250) stage.tick(250);
      expect(stage.socket.destroyed).toBe(false);
      stage.connection.end(gone);
      stage.tick(250);
      expect(stage.socket.destroyed).toBe(false);
      for (let ms = 0; ms < connectionDefaults.writeStallTimeoutMs + 1000; ms += 250) stage.tick(250);
      expect(stage.socket.destroyed).toBe(true);
    },
  );

  it('hold while it ends in order, counted from what was taken last', async () => {
    const stage = new ConnectionStage('client', { writeStallTimeoutMs: 2000 });
    send(stage.connection, 1, 'a');
    await turns(2);
    stage.tick(1500);
    stage.connection.end(gone);
    stage.tick(499);
    expect(stage.socket.destroyed).toBe(false);
    stage.tick(2);
    expect(stage.socket.destroyed).toBe(true);
    expect(stage.ends).toEqual([gone]);
  });

  it('let no peer take longer than the limit for a frame, the next one counts anew', async () => {
    const stage = new ConnectionStage('server', { frameTimeoutMs: 1000 });
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
    const stage = new ConnectionStage('server', { writeStallTimeoutMs: 0 });
    const born = stage.connection.aliveAt;
    stage.tick(500);
    expect(stage.connection.aliveAt).toBe(born);
    await stage.receive('01');
    expect(stage.connection.aliveAt).toBe(born + 500);
    send(stage.connection, 65, 'a');
    await turns(2);
    stage.tick(500);
    expect(stage.connection.aliveAt).toBe(born + 500);
    await stage.take();
    expect(stage.connection.aliveAt).toBe(born + 1000);
  });
});

describe('bytes ahead of what was sent', () => {
  it('are those that were not confirmed, once they have left', async () => {
    const { connection, socket } = new ConnectionStage();
    send(connection, 65, ofBytes(10));
    const { sentBytes } = connection.writer;
    expect(sentBytes).toBe(10);
    connection.writer.postPings(1);
    expect(connection.writer.bytesAhead(sentBytes, 0)).toBe(0);
    await turns(2);
    expect(connection.writer.bytesAhead(sentBytes, 0)).toBe(0);
    socket.takeWrite();
    await turns(2);
    expect(connection.writer.bytesAhead(sentBytes, 0)).toBe(10);
    expect(connection.writer.bytesAhead(sentBytes, 4)).toBe(6);
    expect(connection.writer.bytesAhead(sentBytes, 12)).toBe(0);
  });

  it('are those of one step of the peer while what comes behind them has not left', async () => {
    const stage = new ConnectionStage();
    const { connection } = stage;
    send(stage.connection, 65, ofBytes(10));
    await turns(2);
    await stage.take();
    expect(connection.writer.bytesAhead(connection.writer.sentBytes, 0)).toBe(0);
    stage.tick(250);
    expect(connection.writer.bytesAhead(connection.writer.sentBytes, 4)).toBe(10);
    expect(connection.writer.bytesAhead(connection.writer.sentBytes - 1, 4)).toBe(5);
  });
});

describe('what a connection knows', () => {
  it('are the addresses of its socket and what data may be', () => {
    const { connection } = new ConnectionStage();
    expect(connection.addresses).toEqual(ENDS);
    expect(connection.dataLimits).toBe(jsonCodecDefaults);
  });

  it('is when the bytes being decoded arrived', async () => {
    const stage = new ConnectionStage();
    const { connection } = stage;
    expect([connection.receivedAt, connection.arrivedAt]).toEqual([0, 0]);
    const [date, time] = [Date.now(), performance.now()];
    await stage.receive('0105');
    expect(connection.receivedAt).toBeGreaterThanOrEqual(date);
    expect(connection.receivedAt).toBeLessThanOrEqual(Date.now());
    expect(connection.arrivedAt).toBeGreaterThanOrEqual(time);
    expect(connection.arrivedAt).toBeLessThanOrEqual(performance.now());
  });

  it('is whether a frame has begun and is not complete', async () => {
    const stage = new ConnectionStage();
    for (let round = 0; round < 2; round++) {
      expect(stage.connection.isReceiving).toBe(false);
      await stage.receive('01');
      expect(stage.connection.isReceiving).toBe(true);
      await stage.receive('05');
    }
    expect(stage.connection.isReceiving).toBe(false);
  });

  it('is the bytes of the next value, and of that one only, where they are asked for', async () => {
    const stage = new ConnectionStage();
    await stage.receive('0105');
    stage.connection.copyNext();
    await stage.receive('0206');
    await stage.receive('0307');
    expect(stage.frames).toEqual([undefined, '0206', undefined]);
  });

  it.each([
    ['00', false],
    ['8000', true],
  ])('is what a server answers to a probe: %s', async (answer, isExtended) => {
    const stage = new ConnectionStage('client');
    await stage.receive('0764656661756c74');
    stage.connection.probe();
    await stage.written();
    expect(stage.socket.written.toString('hex')).toBe('8000');
    await stage.receive(answer);
    expect(stage.probeAnswers).toEqual([isExtended]);
    expect(stage.ends).toEqual([]);
    stage.connection.destroy(gone);
  });
});

describe('a connection that is paused', () => {
  it('hands nothing on until it goes on, reads ahead a little, and then all in order', async () => {
    const stage = new ConnectionStage();
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

  it('reads ahead up to 64 KiB, and not a byte more', async () => {
    const stage = new ConnectionStage();
    stage.connection.pause();
    await stage.receive('01'.repeat(65_535));
    expect(stage.socket.isPaused()).toBe(false);
    await stage.receive('01');
    expect(stage.socket.isPaused()).toBe(true);
    stage.connection.destroy(gone);
  });

  it('hands nothing on after its end, whatever resumes it and whatever still comes', async () => {
    const stage = new ConnectionStage();
    stage.connection.pause();
    await stage.receive('0107'.repeat(32 * 1024));
    expect(stage.socket.isPaused()).toBe(true);
    stage.connection.destroy(gone);
    const { reads } = stage;
    stage.connection.resume();
    stage.connection.pause();
    stage.connection.onData(Buffer.from('0105', 'hex'));
    stage.connection.resume();
    await turns(2);
    expect(stage.values).toEqual([]);
    expect(stage.reads).toBe(reads);
    expect(stage.socket.isPaused()).toBe(true);
    expect(stage.ends).toEqual([gone]);
  });

  it('reads on when it ends in order: the end of the peer may be behind what it does not take', async () => {
    const stage = new ConnectionStage();
    stage.connection.pause();
    await stage.receive('0107'.repeat(32 * 1024));
    stage.connection.end(gone);
    await turns(2);
    expect(stage.socket.isPaused()).toBe(false);
    stage.socket.push(null);
    await turns(3);
    expect(stage.socket.destroyed).toBe(true);
    expect(stage.values).toEqual([]);
    expect(stage.ends).toEqual([gone]);
  });
});
