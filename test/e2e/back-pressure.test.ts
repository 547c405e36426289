// A producer that is faster than its reader: a generator is slowed down to the reader's pace, what cannot be slowed
// down is cut off, and in neither case does much wait in memory.
import { describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import { Controller, UseInterceptors, type CallHandler, type ExecutionContext, type Type } from '@nestjs/common';
import { Command, CommandHandler, defineContract, Result, StreamCommand } from 'nestjs-cmd-stream';
import { map, range } from 'rxjs';
import { GREETING, frame } from '../support/calc-frames.js';
import { turns, until } from '../support/deadline.js';
import { keepLost, type LostConnection } from '../support/lost-connection.js';
import { guardLeaks } from '../support/leak-guard.js';
import type { RawPeer } from '../support/raw-peer.js';
import { NestServer } from './nest-server.js';

const own = guardLeaks();

/** What may wait before producers do, and room for what is written at once on top of it. */
const BOUND = 2 * 65_536;
const TEXT = 'x'.repeat(1024);
const FRAME_BYTES = frame(1, 0, JSON.stringify(TEXT)).length / 2;
const LAST_FRAME_BYTES = frame(1, 0, '""').length / 2;
const GREETING_BYTES = GREETING.length / 2;

class Drop extends Result {
  constructor(readonly text = '') {
    super();
  }

  toJSON(): string {
    return this.text;
  }

  /** The empty one. */
  override lastOne(): boolean {
    return this.text === '';
  }
}

class PourCmd extends StreamCommand<Drop> {}
class DripCmd extends Command<Drop> {}

const contract = defineContract({ commands: [PourCmd, DripCmd], results: [Drop] });
const POUR = frame(1, 0, '{}');
const DRIP = frame(1, 1, '{}');

/** Pours as fast as it may, and sees how much of that has not left the process. */
class Tap {
  poured = 0;
  mostWaiting = 0;
  socket: Socket | undefined;

  get waiting(): number {
    const { bytesWritten, writableLength } = this.socket!;
    return this.poured * FRAME_BYTES - (bytesWritten - writableLength - GREETING_BYTES);
  }

  async *pour(count: number): AsyncGenerator<Drop> {
    while (this.poured < count) {
      this.mostWaiting = Math.max(this.mostWaiting, this.waiting);
      this.poured++;
      yield new Drop(TEXT);
    }
    yield new Drop();
  }
}

class Passing {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((item: unknown) => item));
  }
}

async function serve(controller: Type, tap: Tap, lost: LostConnection[] = []): Promise<NestServer> {
  const options = { contract, ...keepLost(lost) };
  const server = own(await NestServer.listen({ module: { controllers: [controller] }, options }));
  server.core.netServer!.on('connection', (socket) => (tap.socket ??= socket));
  return server;
}

/** Reads on, one chunk in a turn. */
async function readSlowly(peer: RawPeer, bytes: number): Promise<number> {
  let received = peer.received.length;
  peer.socket.removeAllListeners('data');
  peer.socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    peer.socket.pause();
    setImmediate(() => peer.socket.resume());
  });
  peer.socket.resume();
  await until('all is read', () => received >= bytes, 25_000);
  return received;
}

describe('a generator faster than its reader', () => {
  it.each([
    ['by itself', class {}],
    ['behind an interceptor', Passing],
  ])('waits for it and then finishes, %s', async (_, Interceptor) => {
    // More than the sockets of both sides hold.
    const count = 50_000;
    const tap = new Tap();
    @Controller()
    class Plain {
      @CommandHandler(PourCmd)
      pour() {
        return tap.pour(count);
      }

      @CommandHandler(DripCmd)
      drip() {
        return new Drop();
      }
    }
    if (Interceptor === Passing) UseInterceptors(Passing)(Plain);
    const server = await serve(Plain, tap);
    const peer = own(await server.connect());
    await peer.receives(GREETING);
    peer.socket.pause();
    peer.write(POUR);
    await until('the way to the reader is full', () => tap.waiting >= 65_536);
    await turns(50);
    const poured = tap.poured;
    await turns(50);
    expect(tap.poured).toBe(poured);
    expect(poured).toBeLessThan(count);

    const other = own(await server.connect());
    other.write(DRIP);
    await other.receives(GREETING + frame(1, 0, '""'));

    const total = GREETING_BYTES + count * FRAME_BYTES + LAST_FRAME_BYTES;
    expect(await readSlowly(peer, total)).toBe(total);
    expect(tap.poured).toBe(count);
    expect(tap.mostWaiting).toBeGreaterThan(65_536 - FRAME_BYTES);
    expect(tap.mostWaiting).toBeLessThan(BOUND);
    await until('the Command has ended', () => server.core.inFlight === 0);
  });
});

describe('an Observable faster than its reader', () => {
  it('costs that connection, because it cannot wait, as soon as more waits than may', async () => {
    const tap = new Tap();
    @Controller()
    class Flood {
      @CommandHandler(PourCmd)
      pour() {
        return range(0, 100_000).pipe(
          map(() => {
            tap.poured++;
            return new Drop(TEXT);
          }),
        );
      }
    }
    const lost: LostConnection[] = [];
    const server = await serve(Flood, tap, lost);
    const peer = own(await server.connect());
    await peer.receives(GREETING);
    peer.socket.pause();
    peer.write(POUR);
    await until('the connection is lost', () => lost.length > 0);
    expect(lost[0]!.cause.code).toBe('SEND_BUFFER_FULL');
    expect(tap.poured).toBeLessThan(40_000);
    expect(await server.logger.line('SEND_BUFFER_FULL')).toContain('maxSendBufferBytes');
  });
});
