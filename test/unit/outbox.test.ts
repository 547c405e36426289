// The outgoing half of a connection, over a Duplex whose writes are taken when the test says so.
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import { Outbox } from '../../lib/connection/outbox.js';
import { connectionDefaults } from '../../lib/connection/connection-options.js';
import { letsGoOfWrites, SocketFace } from '../../lib/connection/socket-face.js';
import { turns } from '../support/deadline.js';
import { SlowDuplex } from '../support/slow-duplex.js';

class Stage {
  readonly socket = new SlowDuplex();
  flushes = 0;
  readonly outbox = new Outbox(
    new SocketFace(this.socket, connectionDefaults, { onData() {}, onPeerEnd() {}, onGone() {} }),
    { now: 1 },
    () => this.flushes++,
  );

  write(text: string): void {
    this.outbox.writer.writeText(text);
    this.outbox.schedule();
  }

  get written(): string {
    return this.socket.written.toString('latin1');
  }

  /** Takes the write that waits, and lets everything happen that follows from it. */
  async take(error?: Error): Promise<void> {
    this.socket.takeWrite(error);
    await turns(2);
  }
}

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

  it('is let go by sockets of Node only, and not if somebody has replaced their writing', () => {
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
