// What waits on one extended connection: its bounds to the byte, whose turn it is, and the end of a turn of the event loop.
import { describe, expect, it } from '@jest/globals';
import type { CmdStreamError } from '../../../lib/errors.js';
import { SendScheduler, type ScheduledCall, type WaitingHost } from '../../../lib/server/session/send-scheduler.js';
import type { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { turns } from '../../support/deadline.js';

function waitingOn({ maxSendBufferBytes = 1000, maxStreamBufferBytes = 500, sendHighWaterBytes = 100 } = {}) {
  const peer = {
    drained: undefined as Promise<void> | undefined,
    bufferedBytes: 0,
    posted: 0,
    cause: undefined as CmdStreamError | undefined,
  };
  const connection = {
    get bufferedBytes() {
      return peer.bufferedBytes;
    },
    encode: (writer: ByteWriter, write: (writer: ByteWriter) => void) => write(writer),
    post: () => peer.posted++,
    destroy: (cause: CmdStreamError) => (peer.cause = cause),
  };
  const host = {
    connection,
    config: { options: { maxSendBufferBytes, maxResultBytes: 300 }, maxStreamBufferBytes, sendHighWaterBytes },
    get drained() {
      return peer.drained;
    },
  } as unknown as WaitingHost;
  return { peer, waiting: new SendScheduler(host) };
}

const bytes = (count: number) => (writer: ByteWriter) => writer.writeBytes(Buffer.alloc(count, 7));

describe('the room for what waits', () => {
  it('is what both options give together, what is in the socket counts, and what has gone is free again', () => {
    const { peer, waiting } = waitingOn();
    for (let round = 0; round < 3; round++) {
      peer.bufferedBytes = 400;
      waiting.count(100);
      expect([waiting.hasRoomFor(1000), waiting.hasRoomFor(1001)]).toEqual([true, false]);
      waiting.count(-100);
      expect([waiting.hasRoomFor(1100), waiting.hasRoomFor(1101)]).toEqual([true, false]);
      peer.bufferedBytes = 0;
      expect([waiting.hasRoomFor(1500), waiting.hasRoomFor(1501)]).toEqual([true, false]);
    }
  });

  it('is named in the error with what waits, and with the remedy', () => {
    const { peer, waiting } = waitingOn();
    peer.bufferedBytes = 400;
    waiting.count(7);
    expect(waiting.refusal()).toMatchObject({
      code: 'SLOW_CONSUMER',
      message:
        '407 bytes of Results wait on this connection: no more than maxStreamBufferBytes and maxSendBufferBytes of the server together ' +
        '(1500) may; an async generator waits for its taker, where an Observable cannot',
    });
  });
});

describe('what takes no turn', () => {
  it.each([
    ['maxSendBufferBytes', 1000, 1000],
    ['one Result above the high-water mark', 50, 400],
  ])('is written until more than %s waits, then the peer loses its connection', (_what, maxSendBufferBytes, most) => {
    const { peer, waiting } = waitingOn({ maxSendBufferBytes });
    peer.bufferedBytes = most;
    waiting.post(bytes(1));
    expect([peer.posted, peer.cause]).toEqual([1, undefined]);
    peer.bufferedBytes = most + 1;
    waiting.post(bytes(1));
    const message = `${most + 1} bytes wait for a peer that does not read: more than maxSendBufferBytes (${most})`;
    expect(peer.cause).toMatchObject({ code: 'SEND_BUFFER_FULL', message });
  });
});

describe('the bytes of a frame that is sent later', () => {
  it.each([1, 4096, 4097, 100_000])('stay what they were when they are %i and others are written', (count) => {
    const { waiting } = waitingOn();
    const first = waiting.encode(bytes(count));
    const second = waiting.encode((writer) => writer.writeBytes(Buffer.alloc(count, 8)));
    expect([first.length, second.length]).toEqual([count, count]);
    expect(first.every((byte) => byte === 7)).toBe(true);
    expect(second.every((byte) => byte === 8)).toBe(true);
  });

  it('hold no more memory than they need when they are few', () => {
    const { waiting } = waitingOn();
    waiting.encode(bytes(4096));
    expect(waiting.encode(bytes(4096)).buffer.byteLength).toBeLessThanOrEqual(8192);
  });

  it('may be written while others are', () => {
    const { waiting } = waitingOn();
    let inner: Buffer | undefined;
    const outer = waiting.encode((writer) => {
      bytes(3)(writer);
      inner = waiting.encode((other) => other.writeBytes(Buffer.from('in')));
      writer.writeBytes(Buffer.from('out'));
    });
    expect([outer.toString('latin1'), inner!.toString('latin1')]).toEqual(['\x07\x07\x07out', 'in']);
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

describe('Commands that wait for the socket', () => {
  it('take turns in the order they came in, once each', () => {
    const { waiting } = waitingOn();
    const log: string[] = [];
    const [a, b, c] = ['a', 'b', 'c'].map((name) => new Taker(name, log)) as [Taker, Taker, Taker];
    for (let round = 0; round < 2; round++) {
      for (const taker of [a, b, c, a]) waiting.join(taker);
      waiting.leave(b);
      waiting.onFlushed();
      expect(log.splice(0)).toEqual(['pump a', 'pump c']);
      waiting.onFlushed();
      expect(log).toEqual([]);
    }
  });

  it('stop when the socket is full, and the next one is the first when it is not', () => {
    const { peer, waiting } = waitingOn();
    const log: string[] = [];
    const full = (): void => void (peer.drained = Promise.resolve());
    waiting.join(new Taker('a', log, full));
    waiting.join(new Taker('b', log, full));
    for (const name of ['a', 'b']) {
      waiting.onFlushed();
      expect(log.splice(0)).toEqual([`pump ${name}`]);
      waiting.onFlushed();
      expect(log).toEqual([]);
      peer.drained = undefined;
    }
  });

  it('are the last in the row when they join again in their turn', () => {
    const { peer, waiting } = waitingOn();
    const log: string[] = [];
    let rounds = 0;
    const a: Taker = new Taker('a', log, () => ++rounds < 3 && waiting.join(a));
    waiting.join(a);
    waiting.join(new Taker('b', log));
    waiting.onFlushed();
    expect(log).toEqual(['pump a', 'pump b', 'pump a', 'pump a']);
    expect(peer.cause).toBeUndefined();
  });
});

describe('what is held back', () => {
  it('is released at the end of the turn, once, and what is held back then at the end of the next one', async () => {
    const { waiting } = waitingOn();
    const log: string[] = [];
    const late = new Taker('late', log);
    waiting.holdBack(new Taker('a', log, () => waiting.holdBack(late)));
    waiting.holdBack(new Taker('b', log));
    await Promise.resolve();
    expect(log).toEqual([]);
    await turns(1);
    expect(log.splice(0)).toEqual(['release a', 'release b']);
    await turns(2);
    expect(log.splice(0)).toEqual(['release late']);
    waiting.holdBack(late);
    await turns(2);
    expect(log).toEqual(['release late']);
  });
});
