// A socket that does much within one call: everything is told afterwards, in order, in time that grows with its number only.
import { describe, expect, it } from '@jest/globals';
import { Duplex } from 'node:stream';
import { connectionDefaults } from '../../lib/connection/connection-options.js';
import { SocketFace, type SocketListener } from '../../lib/connection/socket-face.js';
import type { CmdStreamError } from '../../lib/errors.js';
import { turns, until } from '../support/deadline.js';

class Stage implements SocketListener {
  readonly data: Buffer[] = [];
  readonly gone: CmdStreamError[] = [];
  onChunk = (): void => {};
  readonly face: SocketFace;

  /** Within the first write the socket gives these. */
  constructor(chunks: readonly Buffer[]) {
    const socket = new Duplex({
      read() {},
      write: (_bytes, _encoding, done) => {
        for (const chunk of chunks) socket.emit('data', chunk);
        done();
      },
    });
    this.face = new SocketFace(socket, connectionDefaults, this);
    this.face.open();
    this.face.write(Buffer.of(1), () => {});
  }

  onData(chunk: Buffer): void {
    this.data.push(chunk);
    this.onChunk();
  }

  onPeerEnd(): void {}

  onGone(cause: CmdStreamError): void {
    this.gone.push(cause);
  }
}

const COUNT = 100_000;

describe('chunks that a socket gives while it is called', () => {
  it('are all told, in order, however many they are', async () => {
    const chunks = Array.from({ length: COUNT }, (_, n) => Buffer.of(n & 255));
    const stage = new Stage(chunks);
    expect(stage.data).toHaveLength(0);
    await until('all are told', () => stage.data.length === COUNT);
    expect(stage.data.every((chunk, n) => chunk === chunks[n])).toBe(true);
    expect(stage.gone).toEqual([]);
  });

  it('end the connection beyond 64 MiB, and are counted with what each costs', async () => {
    const empty = Buffer.alloc(0);
    const stage = new Stage(Array.from({ length: 262_145 }, () => empty));
    await turns();
    expect(stage.gone).toMatchObject([{ code: 'CONNECT_FAILED' }]);
    const large = new Stage(Array.from({ length: 3 }, () => Buffer.alloc(32 * 1024 * 1024)));
    await turns();
    expect(large.gone).toMatchObject([{ code: 'CONNECT_FAILED', message: expect.stringContaining('67108864') }]);
  });

  it('are told although one of them is told in vain', async () => {
    const uncaught: unknown[] = [];
    const { setImmediate: immediate } = globalThis;
    const guarded = (work: () => void): unknown =>
      immediate(() => {
        try {
          work();
        } catch (error) {
          uncaught.push(error);
        }
      });
    globalThis.setImmediate = guarded as typeof setImmediate;
    const stage = new Stage([Buffer.of(1), Buffer.of(2), Buffer.of(3)]);
    stage.onChunk = () => {
      if (stage.data.length === 1) throw new Error('in vain');
    };
    await turns();
    globalThis.setImmediate = immediate;
    expect(uncaught).toHaveLength(1);
    expect(Buffer.concat(stage.data)).toEqual(Buffer.of(1, 2, 3));
  });
});
