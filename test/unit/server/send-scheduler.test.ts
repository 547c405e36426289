// What waits on one extended connection: its bounds to the byte, whose turn it is, and the end of a turn of the event
// loop.
import { describe, expect, it } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import type { Connection } from '../../../lib/connection/connection.js';
import type { CmdStreamError } from '../../../lib/errors.js';
import { ByteBudget, type BytesHolder } from '../../../lib/server/byte-budget.js';
import {
  SendScheduler,
  type ScheduledCall,
  type SendSchedulerConfig,
} from '../../../lib/server/session/send-scheduler.js';
import { SpareBlocks, type ByteWriter } from '../../../lib/wire/byte-writer.js';
import { turns } from '../../support/deadline.js';

const HIGH_WATER = 100;

function schedulerOf({ maxSendBufferBytes = 1000, maxStreamBufferBytes = 500, sendHighWaterBytes = HIGH_WATER } = {}) {
  const peer = { isOpen: true, bufferedBytes: 0, posted: 0, cause: undefined as CmdStreamError | undefined };
  const connection = {
    get isOpen() {
      return peer.isOpen;
    },
    writer: {
      get bufferedBytes() {
        return peer.bufferedBytes;
      },
      encode: (writer: ByteWriter, write: (writer: ByteWriter) => void) => write(writer),
      post: () => peer.posted++,
    },
    destroy: (cause: CmdStreamError) => (peer.cause = cause),
  } as unknown as Connection;
  const options = { maxSendBufferBytes, maxResultBytes: 300 } as SendSchedulerConfig['options'];
  const account = new ByteBudget(Infinity, new AsyncScope()).addHolder({} as BytesHolder);
  const config = { options, maxStreamBufferBytes, sendHighWaterBytes, spareBlocks: new SpareBlocks() };
  const scheduler = new SendScheduler(connection, config, account);
  return { peer, account, scheduler };
}

const bytes = (count: number) => (writer: ByteWriter) => writer.writeBytes(Buffer.alloc(count, 7));

describe('the room in the socket', () => {
  it('is there up to the high-water mark, and those who wait learn when it is there again', async () => {
    const { peer, scheduler } = schedulerOf();
    for (let round = 0; round < 3; round++) {
      peer.bufferedBytes = HIGH_WATER;
      expect([scheduler.isCongested, scheduler.drained]).toEqual([false, undefined]);
      peer.bufferedBytes = HIGH_WATER + 1;
      const { drained } = scheduler;
      expect([scheduler.isCongested, scheduler.drained]).toEqual([true, drained]);
      const log: string[] = [];
      void drained!.then(() => log.push('drained'));
      scheduler.onFlushed();
      await turns(1);
      expect(log).toEqual([]);
      peer.bufferedBytes = HIGH_WATER;
      scheduler.onFlushed();
      await drained;
    }
  });

  it('is waited for no longer when the connection has ended', async () => {
    const { peer, scheduler } = schedulerOf();
    peer.bufferedBytes = HIGH_WATER + 1;
    const { drained } = scheduler;
    peer.isOpen = false;
    scheduler.onEnd();
    await drained;
    expect([scheduler.isCongested, scheduler.drained]).toEqual([false, undefined]);
  });
});

describe('the room for what waits', () => {
  const refuses = (scheduler: SendScheduler, count: number): boolean => scheduler.refusalOf(count, 0) !== undefined;

  it('is what both options give together, what is in the socket counts, and what has gone is free again', () => {
    const { peer, scheduler } = schedulerOf();
    for (let round = 0; round < 3; round++) {
      peer.bufferedBytes = 400;
      scheduler.count(100);
      expect([refuses(scheduler, 1000), refuses(scheduler, 1001)]).toEqual([false, true]);
      scheduler.count(-100);
      expect([refuses(scheduler, 1100), refuses(scheduler, 1101)]).toEqual([false, true]);
      peer.bufferedBytes = 0;
      expect([refuses(scheduler, 1500), refuses(scheduler, 1501)]).toEqual([false, true]);
    }
  });

  it('is named in the error with what waits, and with the remedy', () => {
    const { peer, scheduler } = schedulerOf();
    peer.bufferedBytes = 400;
    scheduler.count(7);
    expect(scheduler.refusalOf(2000, 0)).toMatchObject({
      code: 'SLOW_CONSUMER',
      message:
        '407 bytes of Results wait on this connection: no more than maxStreamBufferBytes and maxSendBufferBytes of the server together ' +
        '(1500) may; an async generator waits for its taker, where an Observable cannot',
    });
  });

  it('has the bound of maxStreamBufferBytes for one Command', () => {
    const { scheduler } = schedulerOf();
    expect(scheduler.refusalOf(1, 500)).toBeUndefined();
    expect(scheduler.refusalOf(1, 501)).toMatchObject({
      code: 'SLOW_CONSUMER',
      message:
        '501 bytes of Results wait for their taker: more than maxStreamBufferBytes (500) of the server; ' +
        'an async generator waits for its taker, where an Observable cannot',
    });
  });

  it('is for a plain peer what is in the socket, and costs it the connection', () => {
    const { peer, scheduler } = schedulerOf();
    peer.bufferedBytes = 1500;
    expect(scheduler.isFull).toBe(false);
    peer.bufferedBytes = 1501;
    expect(scheduler.isFull).toBe(true);
    expect(scheduler.overflow()).toMatchObject({
      code: 'SEND_BUFFER_FULL',
      message:
        '1501 bytes wait for a peer that does not read so fast: more than maxStreamBufferBytes and maxSendBufferBytes together (1500); ' +
        'an async generator waits for its taker, where an Observable cannot',
    });
  });
});

describe('what takes no turn', () => {
  it.each([
    ['maxSendBufferBytes', 1000, 1000],
    ['one Result above the high-water mark', 50, 400],
  ])('is written until more than %s waits, then the peer loses its connection', (_what, maxSendBufferBytes, most) => {
    const { peer, scheduler } = schedulerOf({ maxSendBufferBytes });
    peer.bufferedBytes = most;
    scheduler.post(bytes(1));
    expect([peer.posted, peer.cause]).toEqual([1, undefined]);
    peer.bufferedBytes = most + 1;
    scheduler.post(bytes(1));
    const message = `${most + 1} bytes wait for a peer that does not read: more than maxSendBufferBytes (${most})`;
    expect(peer.cause).toMatchObject({ code: 'SEND_BUFFER_FULL', message });
  });
});

class Taker implements ScheduledCall {
  constructor(
    readonly name: string,
    readonly log: string[],
    readonly onTurn: () => void = () => {},
  ) {}

  release(): void {
    this.log.push(`release ${this.name}`);
    this.onTurn();
  }

  pump(): void {
    this.log.push(`pump ${this.name}`);
    this.onTurn();
  }
}

describe('a frame that is held back', () => {
  it.each([1, 4096, 4097, 100_000])(
    'of %i bytes stays what it was while others are, until its release',
    async (count) => {
      const { scheduler } = schedulerOf();
      const released: string[] = [];
      const check = (): void => {
        expect([first.length, second.length]).toEqual([count, count]);
        expect(first.every((byte) => byte === 7)).toBe(true);
        expect(second.every((byte) => byte === 8)).toBe(true);
      };
      const first = scheduler.hold(new Taker('first', released, check), bytes(count));
      const second = scheduler.hold(new Taker('second', released, check), (writer) =>
        writer.writeBytes(Buffer.alloc(count, 8)),
      );
      check();
      await turns(1);
      expect(released).toEqual(['release first', 'release second']);
    },
  );

  it('stays what it was when it is given while others are released', async () => {
    const { scheduler } = schedulerOf();
    const log: string[] = [];
    const held: Buffer[] = [];
    const late = new Taker('late', log, () => expect(held[0]!.toString('latin1')).toBe('late'));
    const give = (): void => void held.push(scheduler.hold(late, (writer) => writer.writeBytes(Buffer.from('late'))));
    scheduler.hold(new Taker('a', log, give), bytes(3));
    await turns(1);
    expect(held[0]!.toString('latin1')).toBe('late');
    await turns(1);
    expect(log).toEqual(['release a', 'release late']);
  });

  it('leaves its memory to those of the next turn, where it is little', async () => {
    const { scheduler } = schedulerOf();
    for (const [count, isKept] of [
      [10, true],
      [4096, true],
      [100_000, false],
    ] as const) {
      const first = scheduler.hold(new Taker('a', []), bytes(count));
      await turns(2);
      const second = scheduler.hold(new Taker('a', []), bytes(count));
      await turns(2);
      expect(second.buffer === first.buffer).toBe(isKept);
    }
  });

  it('may be written while others are, and leaves nothing when it cannot be', async () => {
    const { scheduler } = schedulerOf();
    const taker = new Taker('a', []);
    let inner: Buffer | undefined;
    const outer = scheduler.hold(taker, (writer) => {
      bytes(3)(writer);
      inner = scheduler.hold(taker, (other) => other.writeBytes(Buffer.from('in')));
      writer.writeBytes(Buffer.from('out'));
    });
    const failing = (): never => {
      throw new Error('it cannot be written');
    };
    expect(() => scheduler.hold(taker, failing)).toThrow('it cannot be written');
    const next = scheduler.hold(taker, bytes(2));
    const texts = [outer, inner!, next].map((held) => held.toString('latin1'));
    expect(texts).toEqual(['\x07\x07\x07out', 'in', '\x07\x07']);
    await turns(2);
  });
});

describe('Commands that wait for the socket', () => {
  it('take turns in the order they came in, once each', () => {
    const { scheduler } = schedulerOf();
    const log: string[] = [];
    const [a, b, c] = ['a', 'b', 'c'].map((name) => new Taker(name, log)) as [Taker, Taker, Taker];
    for (let round = 0; round < 2; round++) {
      for (const taker of [a, b, c, a]) scheduler.join(taker);
      scheduler.leave(b);
      scheduler.onFlushed();
      expect(log.splice(0)).toEqual(['pump a', 'pump c']);
      scheduler.onFlushed();
      expect(log).toEqual([]);
    }
  });

  it('stop when the socket is full, and the next one is the first when it is not', () => {
    const { peer, scheduler } = schedulerOf();
    const log: string[] = [];
    const full = (): void => void (peer.bufferedBytes = HIGH_WATER + 1);
    scheduler.join(new Taker('a', log, full));
    scheduler.join(new Taker('b', log, full));
    for (const name of ['a', 'b']) {
      scheduler.onFlushed();
      expect(log.splice(0)).toEqual([`pump ${name}`]);
      scheduler.onFlushed();
      expect(log).toEqual([]);
      peer.bufferedBytes = HIGH_WATER;
    }
  });

  it('are the last in the row when they join again in their turn', () => {
    const { peer, scheduler } = schedulerOf();
    const log: string[] = [];
    let rounds = 0;
    const a: Taker = new Taker('a', log, () => ++rounds < 3 && scheduler.join(a));
    scheduler.join(a);
    scheduler.join(new Taker('b', log));
    scheduler.onFlushed();
    expect(log).toEqual(['pump a', 'pump b', 'pump a', 'pump a']);
    expect(peer.cause).toBeUndefined();
  });
});

describe('what is held back', () => {
  it('is released at the end of the turn, once, and what is held back then at the end of the next one', async () => {
    const { scheduler } = schedulerOf();
    const log: string[] = [];
    const late = new Taker('late', log);
    scheduler.holdBack(new Taker('a', log, () => scheduler.holdBack(late)));
    scheduler.holdBack(new Taker('b', log));
    await Promise.resolve();
    expect(log).toEqual([]);
    await turns(1);
    expect(log.splice(0)).toEqual(['release a', 'release b']);
    await turns(2);
    expect(log.splice(0)).toEqual(['release late']);
    scheduler.holdBack(late);
    await turns(2);
    expect(log).toEqual(['release late']);
  });
});
